"""What Compose says that the files mean. Asked twice at the same time: with its variables filled in, and without."""

from __future__ import annotations

import contextlib
import json
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.compose.load import config_errors as complaint
from builder.compose.load.fragments import add_suggestion
from builder.compose.load.interpolate import read_project_variables
from builder.compose.load.overlay import create_overlay, resolve_in_overlay
from builder.compose.load.refusals import make_refusal_error
from builder.compose.load.source_files import walk_sources
from builder.core.errors import ComposeError, InterruptedByUserError, TooDeepError, ToolError, Where
from builder.core.limits import CONFIG_LIMIT
from builder.core.process import Command
from builder.engine.compose import GET_COMPOSE, find_compose, make_compose_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from builder.compose.load.overlay import OverlaySet
    from builder.compose.model import ComposeConfig, ProjectFiles
    from builder.core.process import ProcessResult, Runner
    from builder.engine.compose import ComposeCli

_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGKILL)
ENDED_BY_SIGNAL = frozenset(code for number in _ENDING for code in (-number, 128 + number))
"""Exit codes of a process that Ctrl-C, or our passing it on, ended; the docker client makes the positive ones of it."""


_VARIANTS = (True, False)
"""With variables filled in, and without."""


@dataclass(frozen=True)
class ConfigResult:
    """Of one project. They hold secrets; at least one is there."""

    resolved: ComposeConfig | None = field(repr=False)
    raw: ComposeConfig | None = field(repr=False)
    complaints: tuple[str, ...] = ()
    """Compose's words about the one that is missing."""


def load_config(
    files: ProjectFiles,
    cli: ComposeCli,
    runner: Runner,
    env: Mapping[str, str],
    *,
    overlay: Mapping[Path, bytes] | None = None,
    overlays: OverlaySet | None = None,
) -> ConfigResult:
    """Both answers. With ``overlay``: what they would be if those files (absolute paths) had those bytes; nothing is
    written beside them. ``overlays``: those that further calls look at too.

    Raises ComposeError when Compose refuses both, ComposeMissingError when there is no Compose. ``cli`` may be a guess
    (:func:`builder.engine.compose.guess_compose`); whether it holds is only asked when both calls fail.
    """
    with open_request(files, env, overlay or {}, overlays) as request:
        return _query_config(request, cli, runner)


@contextlib.contextmanager
def open_request(
    files: ProjectFiles, env: Mapping[str, str], overlay: Mapping[Path, bytes], overlays: OverlaySet | None = None
) -> Iterator[ConfigRequest]:
    """The question about these files, for the block; with ``overlay`` they are looked at in one.

    Raises ComposeError for a changed file that is named by its absolute path.
    """
    if not overlay:
        yield ConfigRequest(files, env)
        return
    overlay = _complete_overlay(files, env, overlay)
    with (create_overlay if overlays is None else overlays.open_overlay)(overlay) as root:
        moved = replace(
            files,
            directory=resolve_in_overlay(root, files.directory),
            files=tuple(resolve_in_overlay(root, file) for file in files.files),
        )
        yield ConfigRequest(moved, env, overlay, root)


def make_config_argv(cli: ComposeCli, files: ProjectFiles, *, interpolate: bool) -> tuple[str, ...]:
    """All profiles, else Compose leaves out the services behind one."""
    how = () if interpolate else ("--no-interpolate",)
    return (*cli.argv, *files.arguments, "--profile", "*", "config", *how, "--format", "json")


@dataclass(frozen=True)
class ConfigRequest:
    """What is asked about; with ``overlay``, ``files`` are in an overlay at ``root``."""

    files: ProjectFiles
    env: Mapping[str, str] = field(repr=False)
    overlay: Mapping[Path, bytes] = field(default_factory=dict, repr=False)
    root: Path | None = None

    def restore_paths(self, text: str) -> str:
        """``text`` with the paths of the real tree."""
        return text.replace(str(self.root), "") if self.root else text


def _query_config(question: ConfigRequest, cli: ComposeCli, runner: Runner) -> ConfigResult:
    results = _run_both_variants(question, cli, runner)
    if any(result.code in ENDED_BY_SIGNAL for result in results):
        raise InterruptedByUserError("Compose was ended by a signal")  # no reason to look for another Compose
    if not any(result.ok for result in results) and not cli.version:
        known = find_compose(runner, question.env)
        if known.argv != cli.argv:
            results = _run_both_variants(question, known, runner)
    said = tuple(extract_message(result, question) for result in results if not result.ok)
    if len(said) == len(results):
        files, version = _list_files(question), lambda: find_compose(runner, question.env).version
        raise make_refusal_error(said[0], files, _read_sources(question), version)
    resolved, raw = (parse_config(result, question) if result.ok else None for result in results)
    return ConfigResult(resolved, raw, tuple(add_suggestion(one, _list_files(question)) for one in said))


def _run_both_variants(question: ConfigRequest, cli: ComposeCli, runner: Runner) -> tuple[ProcessResult, ...]:
    with ThreadPoolExecutor(max_workers=2) as pool:
        return tuple(
            pool.map(lambda interpolate: run_config(question, cli, runner, interpolate=interpolate), _VARIANTS)
        )


def run_config(question: ConfigRequest, cli: ComposeCli, runner: Runner, *, interpolate: bool) -> ProcessResult:
    """One call. Raises what the runner raises."""
    argv = make_config_argv(cli, question.files, interpolate=interpolate)
    env = make_compose_environment(question.env, remote=question.files.remote)
    return runner.run(Command(argv, env=env, timeout=CONFIG_LIMIT.read(env), install_hint=GET_COMPOSE))


def parse_config(result: ProcessResult, question: ConfigRequest) -> ComposeConfig:
    """The answer, with the paths of the real tree. Raises TooDeepError, ToolError."""
    try:
        found: Any = json.loads(result.out)
    except RecursionError as error:
        files = [question.restore_paths(str(file)) for file in question.files.files]
        raise TooDeepError(Where(files[0]) if len(files) == 1 else None) from error
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ToolError("`docker compose config` answered something that is not a project", hint=GET_COMPOSE)
    return found if question.root is None else {**_strip_overlay_root(found, question.root)}


def extract_message(result: ProcessResult, question: ConfigRequest) -> str:
    """Why Compose refused, in its own words, without anything secret."""
    variables = read_project_variables(question.files, question.env)
    return (
        question.restore_paths(complaint.extract_refusal(result.err, variables))
        or f"it ended with exit code {result.code}"
    )


def _list_files(question: ConfigRequest) -> tuple[Path, ...]:
    """The project's files under their own names."""
    return tuple(Path(question.restore_paths(str(file))) for file in question.files.files)


def _read_sources(question: ConfigRequest) -> dict[Path, bytes]:
    """Those, and what they include or extend, as they are asked about."""
    found: dict[Path, bytes] = {}
    with contextlib.suppress(ComposeError):  # what is wrong with them, Compose has said
        for source in walk_sources(question.files, question.env, {}):
            found.setdefault(Path(question.restore_paths(str(source.path))), source.data)
    return found


def _complete_overlay(files: ProjectFiles, env: Mapping[str, str], overlay: Mapping[Path, bytes]) -> dict[Path, bytes]:
    """The overlay, under every name by which a changed file is reached. Raises ComposeError for an absolute one."""
    real = {path.resolve(): data for path, data in overlay.items()}
    done = dict(overlay)
    for source in walk_sources(files, env, overlay):
        changed = real.get(source.path.resolve())
        if changed is None:
            continue
        if source.by_absolute_path:  # Compose reads it from there, wherever the project is looked at
            raise ComposeError(
                "another file names it by its absolute path (`extends` or `include`), so a change to it cannot be "
                "checked before it is written",
                where=Where(str(source.path)),
                hint="name it by a relative path",
            )
        done.setdefault(source.path, changed)
    return done


def _strip_overlay_root(value: Any, root: Path) -> Any:
    """Without the overlay's root in any text."""
    match value:
        case str():
            return value.replace(str(root), "")
        case dict():
            return {key: _strip_overlay_root(item, root) for key, item in value.items()}
        case list():
            return [_strip_overlay_root(item, root) for item in value]
        case _:
            return value
