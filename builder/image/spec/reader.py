"""optbuild.toml to :class:`Spec`; all that is wrong with a file is reported at once, in the order of its lines."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from builder.core.errors import InvalidSpecError, MissingFileError, SpecError, Where
from builder.core.files import read_regular_file
from builder.core.naming import SPEC_FILE
from builder.core.toml_text import parse_toml
from builder.image.spec.allow import RefusedError, find_invisible, quote
from builder.image.spec.checks import find_spec_problems
from builder.image.spec.location import PROJECT_FILE, find_spec_file, select_tool_table
from builder.image.spec.model import Spec, SpecFile
from builder.image.spec.paths import resolve_in_folder
from builder.image.spec.positions import KeyPath as Position
from builder.image.spec.positions import find_positions, select_positions
from builder.image.spec.problem import SpecProblem
from builder.image.spec.repair import remove_mistakes

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_core import ErrorDetails

_TYPE_WORDS = {
    "string_type": "a text in quotes",
    "tuple_type": 'a list like ["a", "b"]',
    "dict_type": 'a table like { key = "value" }',
    "model_type": "a table",
    "bool_type": "true or false",
    "int_type": "a whole number",
}
LONGEST_KEY = 120
"""Characters of a key that a message shows."""


def read_spec(path: Path) -> Spec:
    """The spec in ``path``, an optbuild.toml or a pyproject.toml, or in that of the folder ``path``.

    Raises :class:`SpecError`, also where a folder has two."""
    file = (find_spec_file(path) or path / SPEC_FILE) if path.is_dir() else path
    try:
        text = read_regular_file(file).decode("utf-8")
    except FileNotFoundError as error:
        folder = path if path.suffix != ".toml" else path.parent  # optbuild.toml itself may be named
        if not folder.is_dir():
            message = f"there is no folder {folder}"
            raise MissingFileError(message, hint=f"name the folder that holds {SPEC_FILE}") from error
        hint = f"run it in the folder of {SPEC_FILE}, or name that folder; `optbuild init` writes one"
        raise MissingFileError(f"there is no {SPEC_FILE}; looked for {file}", hint=hint) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        where = Where(str(file), line)
        raise SpecError("not UTF-8, as TOML must be", where=where, hint="save the file as UTF-8") from error
    except OSError as error:
        raise SpecError(f"cannot be read: {error.strerror}", where=Where(str(file))) from error
    spec = parse_spec(text, str(file), file.parent)
    _check_paths(spec, text)
    return spec


def parse_spec(text: str, file: str, folder: Path) -> Spec:
    """The spec that ``text`` is. ``file`` is for messages, ``folder`` for relative paths; neither is read."""
    document, lines = _parse_toml(text, file)
    if file.endswith(PROJECT_FILE):
        document = _select_own_table(document, file)
        lines = select_positions(lines)
    problems: list[SpecProblem] = []
    content, faulty = _validate_document(document, problems)
    if content is not None:
        tables = {name: getattr(content, name) for name in SpecFile.model_fields}
        spec = Spec(folder=folder, file=file, **tables)
        problems += find_spec_problems(spec, faulty)
        if not problems:
            return spec
    raise _make_spec_error(problems, file, lines)


def _select_own_table(document: dict[str, Any], file: str) -> dict[str, Any]:
    """``[tool.optbuild]`` of a pyproject.toml. Raises SpecError where there is none."""
    table = select_tool_table(document)
    if table is None:
        hint = f"write [tool.optbuild.image], [tool.optbuild.base] and so on, or an {SPEC_FILE} beside it"
        raise SpecError("there is no table [tool.optbuild]", where=Where(file), hint=hint)
    return table


def _validate_document(
    document: dict[str, Any], problems: list[SpecProblem]
) -> tuple[SpecFile | None, frozenset[Position]]:
    """The values of ``document``; where it has mistakes, those go to ``problems`` and the rest is validated alone."""
    try:
        return SpecFile.model_validate(document, by_alias=True, by_name=False), frozenset()
    except ValidationError as error:
        problems += [_make_problem(detail) for detail in error.errors()]
        mistakes: list[Position] = [problem.path for problem in problems]
    rest, faulty = remove_mistakes(document, mistakes)
    try:
        return SpecFile.model_validate(rest, by_alias=True, by_name=False), faulty
    except ValidationError:
        return None, faulty


def _parse_toml(text: str, file: str) -> tuple[dict[str, Any], Mapping[Position, int]]:
    text = text.removeprefix("\ufeff")
    try:
        return parse_toml(text), find_positions(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        number = int(line[1]) if line else text.rstrip("\n").count("\n") + 1
        reason = re.sub(r" \(at .*\)$", "", str(error))
        hint = 'correct that line; a text needs quotes, a list brackets: tags = ["latest"]'
        if re.search(r"Cannot overwrite|Cannot declare|Duplicate", reason):
            reason, hint = "this key is there twice", "keep one of the two"
        raise SpecError(f"not valid TOML: {reason}", where=Where(file, number), hint=hint) from error
    except RecursionError as error:
        raise SpecError("nested too deeply", where=Where(file), hint="nothing here needs that") from error


def _make_problem(detail: ErrorDetails) -> SpecProblem:
    path = tuple(part for part in detail["loc"] if part != "[key]")
    cause = detail.get("ctx", {}).get("error")
    match detail["type"]:
        case "extra_forbidden":
            return _make_unknown_key_problem(path)
        case "missing":
            return SpecProblem(path, "this key is required", _suggest_example(path))
        case "value_error" if isinstance(cause, RefusedError):
            return SpecProblem(path, str(cause), cause.hint)
        case "literal_error":
            known = str((detail.get("ctx") or {}).get("expected", "")).replace("'", '"')
            return SpecProblem(path, f"{quote(str(detail['input']))} is not known here", f"write {known}")
        case kind if kind in _TYPE_WORDS:
            return _make_type_problem(path, detail["input"], _TYPE_WORDS[kind])
        case _:
            return SpecProblem(path, detail["msg"])


def _make_type_problem(path: Position, found: object, wanted: str) -> SpecProblem:
    if isinstance(found, bool):
        word = str(found).lower()
        hint = f'write "{word}"' if "quotes" in wanted else f"write {wanted}"
        return SpecProblem(path, f"must be {wanted}, not {word}", hint)
    if isinstance(found, (int, float)) and "quotes" in wanted:
        hint = 'write a number with its unit, like "900MB"' if path[0] == "budget" else f'write "{found}"'
        return SpecProblem(path, f"must be {wanted}, not the number {found}", hint)
    return SpecProblem(path, f"must be {wanted}, not {quote(str(found))}", _suggest_spelling(path, found, wanted))


def _suggest_spelling(path: Position, found: object, wanted: str) -> str:
    """How to write what was meant, where a text shows that; else an example."""
    if isinstance(found, str) and find_invisible(found) is None and len(found) <= 60:
        if "list" in wanted:
            words = found.split() if path[-1] == "command" else [found]
            return f"write {json.dumps(words, ensure_ascii=False)}"
        if "true or false" in wanted:
            meant = found.strip().lower() in ("yes", "on", "true", "1")
            return f"write {'true' if meant else 'false'}, without quotes"
        if "number" in wanted and found.isascii() and found.isdigit():
            return f"write {int(found)}, without quotes"
    return f"write {wanted}"


def _suggest_example(path: Position) -> str:
    examples = {
        ("image",): 'write [image] with name = "my-airflow"',
        ("base",): 'write [base] with debian = "bookworm"',
        ("airflow",): 'write [airflow] with version = "2.8.1"',
        ("python",): 'write [python] with version = "3.11"',
        ("image", "name"): 'write name = "my-airflow"',
        ("airflow", "version"): 'write version = "2.8.1"',
        ("python", "version"): 'write version = "3.11"',
    }
    return examples.get(tuple(str(part) for part in path), f"add {path[-1]} to that table")


def _make_unknown_key_problem(path: Position) -> SpecProblem:
    known = _list_known_keys(path[:-1])
    close = difflib.get_close_matches(str(path[-1]), known, n=1, cutoff=0.5)
    hint = f"did you mean `{close[0]}`?" if close else f"known here: {', '.join(known)}"
    return SpecProblem(path, "unknown key", hint)


def _list_known_keys(path: Position) -> list[str]:
    """The keys of the table at ``path``; a name that a person chose (of a role) stands for any."""
    model: type[BaseModel] = SpecFile
    annotation: Any = SpecFile
    for part in path:
        fields = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
        annotation = get_args(annotation)[-1] if get_origin(annotation) is Mapping else fields[str(part)]
        model = _find_model(annotation) or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _find_model(annotation: Any) -> type[BaseModel] | None:
    """``HealthTable`` of ``HealthTable | None``; None where the annotation is a mapping, whose items are models."""
    candidates = () if get_origin(annotation) is Mapping else (annotation, *get_args(annotation))
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)


def _make_spec_error(problems: list[SpecProblem], file: str, lines: Mapping[Position, int]) -> SpecError:
    placed = [SpecError(p.message, where=_locate_path(p.path, file, lines), hint=p.hint) for p in problems]
    placed.sort(key=lambda error: error.where.line or 0 if error.where else 0)
    return placed[0] if len(placed) == 1 else InvalidSpecError(file, tuple(placed))


def _locate_path(path: Position, file: str, lines: Mapping[Position, int]) -> Where:
    """The line of ``path``, or of the nearest table or list around it; line 1 for a table that is missing."""
    around = next((path[:length] for length in range(len(path), 0, -1) if path[:length] in lines), None)
    return Where(file, 1 if around is None else lines[around], format_dotted_key(path))


def format_dotted_key(path: Position) -> str:
    """``image.env."bad key"``, ``python.requirements[2]``; other keys are quoted and escaped, long ones cut."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            short = part if len(part) <= LONGEST_KEY else f"{part[: LONGEST_KEY - 3]}..."
            quoted = short if re.fullmatch(r"[A-Za-z0-9_-]+", short) else json.dumps(short)
            text += f".{quoted}" if text else quoted
    return text


def _check_paths(spec: Spec, text: str) -> None:
    """Files and folders that the spec names must exist below its folder, also after symbolic links."""
    named: list[tuple[Position, str, bool | None]] = [
        (("python", "requirements-files", i), name, False) for i, name in enumerate(spec.python.requirements_files)
    ]
    constraints = spec.airflow.constraints
    if constraints and constraints != "official" and "://" not in constraints:
        named.append((("airflow", "constraints"), constraints, False))
    if spec.verify.dags is not None:
        named.append((("verify", "dags"), spec.verify.dags, True))
    if spec.render.templates is not None:
        named.append((("render", "templates"), spec.render.templates, True))
    named += [(("files", name), name, None) for name in spec.files]
    named += [(("build", "run", i), name, False) for i, name in enumerate(spec.build.run)]
    named += [(("build", "run-files", i), name, None) for i, name in enumerate(spec.build.run_files)]
    problems = []
    for path, name, is_folder in named:
        try:
            resolve_in_folder(spec.folder, name, is_folder=is_folder)
        except RefusedError as error:
            problems.append(SpecProblem(path, str(error), error.hint))
    if problems:
        lines = _parse_toml(text, spec.file)[1]
        raise _make_spec_error(
            problems, spec.file, select_positions(lines) if spec.file.endswith(PROJECT_FILE) else lines
        )
