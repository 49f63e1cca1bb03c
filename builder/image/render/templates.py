"""Where templates come from: those that are shipped, and below them those of a project's own folder, in a sandbox.

A template of the project's stands in the place of the shipped one of the same name, and reaches that one as
``optbuild/NAME``: ``{% extends "optbuild/debian.Dockerfile.j2" %}``. It sees values, and no file outside its folder.
"""

from __future__ import annotations

import functools
import re
import traceback
from typing import TYPE_CHECKING, Any

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from builder.core.errors import OwnTemplateError, Where
from builder.core.files import read_regular_file
from builder.core.resources import find_template_folder
from builder.image.spec.allow import RefusedError
from builder.image.spec.paths import resolve_in_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import CodeType

    from jinja2.bccache import Bucket

    from builder.image.spec.model import Spec

SHIPPED = "optbuild/"
"""How a project's template names one that is shipped."""
MOST_CHARACTERS = 1_000_000
"""Of a rendered Dockerfile, and of what a template may make by repeating."""
_MARK = re.compile("\x01([^\x01\n]+):(\\d+)\x01")
_NEXT = "docs/how-to/templates.md says what a template may do"


def quote_dockerfile_string(value: str) -> str:
    """A Dockerfile string: ``$`` would expand an earlier variable, backslash and quote would end or continue it."""
    for character in ("\\", '"', "$"):
        value = value.replace(character, "\\" + character)
    return f'"{value}"'


def render_shipped(name: str, values: Mapping[str, Any]) -> str:
    """The text of a shipped template."""
    return _open_shipped().get_template(name).render(values)


@functools.cache
def _open_shipped() -> _Environment:
    """One for the process: it keeps what it compiled, which takes five times as long as to render it."""
    return _Environment(jinja2.FileSystemLoader(find_template_folder()))


class OwnTemplate:
    """The project's template of the name ``name``; errors name it as it lies below the spec's folder."""

    def __init__(self, spec: Spec, name: str, values: Mapping[str, Any]) -> None:
        self._spec = spec
        self._folder = spec.render.templates or ""
        self._name = name
        self._values = values

    def render(self) -> str:
        """Its text. Raises :class:`OwnTemplateError`: file, line, and what it may do."""
        return self._render(marked=False)

    def find_line(self, line: int) -> Where:
        """Which line of which template made the line ``line`` (from 1) of :meth:`render`, or one before it."""
        found: tuple[str, int] | None = None
        for number, text in enumerate(self._render(marked=True).split("\n"), 1):
            for match in _MARK.finditer(text):
                found = (match[1], int(match[2]))
                if number >= line:
                    break
            if number >= line and found is not None:
                return Where(*found)
        return Where(f"{self._folder}/{self._name}")

    def _render(self, *, marked: bool) -> str:
        environment = _Environment(_OwnLoader(self._spec, self._folder), marked=marked)
        try:
            return environment.get_template(self._name).render(self._values)
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
            raise self._make_error(error) from error

    def _make_error(self, error: Exception) -> OwnTemplateError:
        where = Where(f"{self._folder}/{self._name}")
        if isinstance(error, jinja2.TemplateNotFound):
            reason = str(error.message)
            what = f"there is no template {reason!a}" if reason == error.name else reason
            hint = f"a name is that of a file in {self._folder}, or {SHIPPED} and the name of a shipped one"
            if error.name == self._name:
                hint = f"put {self._name} there, or remove templates from [render]"
            return OwnTemplateError(what, where=self._find_frame(error) or where, hint=hint)
        if isinstance(error, jinja2.TemplateSyntaxError):
            file = error.filename or error.name or self._name
            return OwnTemplateError(f"not a template: {error.message}", where=Where(file, error.lineno), hint=_NEXT)
        what = "it does what a sandbox forbids" if isinstance(error, SecurityError) else "it cannot be rendered"
        return OwnTemplateError(f"{what}: {error}", where=self._find_frame(error) or where, hint=_NEXT)

    def _find_frame(self, error: Exception) -> Where | None:
        """Jinja writes the template's own lines into the traceback."""
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if frame.filename.startswith(f"{self._folder}/")]
        return Where(own[-1].filename, own[-1].lineno) if own else None


class _OwnLoader(jinja2.BaseLoader):
    """Regular files of one folder of the project, links that lead out of it refused; and those that are shipped."""

    def __init__(self, spec: Spec, folder: str) -> None:
        self._spec = spec
        self._folder = folder
        self._shipped = jinja2.FileSystemLoader(find_template_folder())

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str, None]:
        """Text and file name: for the project's own the path below the spec's folder, which errors name."""
        if template.startswith(SHIPPED):
            text, file, _ = self._shipped.get_source(environment, template.removeprefix(SHIPPED))
            return text, file, None
        shown = f"{self._folder}/{template}"
        if {"", ".", ".."} & set(template.split("/")):
            raise jinja2.TemplateNotFound(template, f"{template!a} is not the name of a template")
        try:
            root = resolve_in_folder(self._spec.folder, self._folder, is_folder=True)
            text = read_regular_file(resolve_in_folder(root, template)).decode("utf-8")
        except RefusedError as error:
            raise jinja2.TemplateNotFound(template, str(error)) from error
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise OwnTemplateError("not UTF-8", where=Where(shown, line), hint="save the file as UTF-8") from error
        except OSError as error:
            hint = "put a plain file there that everybody may read"
            raise OwnTemplateError(f"cannot be read: {error.strerror}", where=Where(shown), hint=hint) from error
        return text, shown, None


class _ShippedCode(jinja2.BytecodeCache):
    """Code of shipped templates, kept for the process: each of a project's own templates has its own environment."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], CodeType] = {}

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        del filename  # the same wherever the package lies
        return name

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None and bucket.key.startswith(SHIPPED):
            self._known[bucket.key, bucket.checksum] = bucket.code


_SHIPPED_CODE = _ShippedCode()


class _Environment(ImmutableSandboxedEnvironment):
    """``marked``: each line of the project's templates says in the text where it is from."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(self, loader: jinja2.BaseLoader, *, marked: bool = False) -> None:
        # Dockerfile syntax is not HTML: autoescape would turn a quote into an entity; `quoted` is the escape
        super().__init__(
            loader=loader,
            undefined=jinja2.StrictUndefined,
            keep_trailing_newline=True,
            bytecode_cache=_SHIPPED_CODE,
        )
        self.filters["quoted"] = quote_dockerfile_string
        self._marked = marked

    def join_path(self, template: str, parent: str) -> str:
        """What a shipped template imports is shipped too."""
        is_shipped = parent.startswith(SHIPPED) and not template.startswith(SHIPPED)
        return f"{SHIPPED}{template}" if is_shipped else template

    def call_binop(self, context: jinja2.runtime.Context, operator: str, left: Any, right: Any) -> Any:
        """A text is not repeated or padded to more than a Dockerfile can be."""
        if not all(isinstance(one, (int, float)) for one in (left, right)) or operator == "**":
            raise SecurityError(f"the operator {operator} is only there for numbers, and ** is not")
        return super().call_binop(context, operator, left, right)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        if self._marked and filename and name and not name.startswith(SHIPPED):
            for data in tree.find_all(nodes.TemplateData):
                data.data = _mark_lines(data.data, filename, data.lineno)
        return tree


def _mark_lines(text: str, file: str, first: int) -> str:
    lines = text.split("\n")
    return "\n".join(f"\x01{file}:{first + index}\x01{line}" for index, line in enumerate(lines))
