"""The events of a YAML text, from libyaml: Compose's own parser (go-yaml) is a port of it, so both refuse the same.

PyYAML brings libyaml, and is used for nothing else. The marks of its events count characters of the text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from builder.core.errors import YamlLibraryError

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOO_DEEP = "exceeded maximum nesting depth"
"""In libyaml's words (``scanner.c``, MAX_NESTING_LEVEL); versions before 0.2.3 have no such limit."""

_OPENING = ("'", '"', "[", "{")


class InvalidYamlError(ValueError):
    """The text is not YAML: ``problem`` in libyaml's words, ``at`` the index of the character where it saw that.

    ``unclosed``: it came to the end of the text within something; ``at`` is where that begins.
    """

    def __init__(self, problem: str, at: int, *, unclosed: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.at = at
        self.unclosed = unclosed

    @property
    def too_deep(self) -> bool:
        """It may well be YAML, nested deeper than libyaml reads."""
        return self.problem == _TOO_DEEP


def read_events(text: str) -> Iterator[Any]:
    """PyYAML's events, each when it is asked for. Raises InvalidYamlError, and YamlLibraryError where PyYAML comes
    without libyaml."""
    import yaml  # 20 ms that few commands need

    if not yaml.__with_libyaml__:
        raise YamlLibraryError
    parser = yaml.CSafeLoader(text)
    try:
        while (event := parser.get_event()) is not None:
            yield event
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = str(error.problem or error.context)
        at, begin = len(text) if mark is None else mark.index, error.context_mark
        if begin is not None and not text[at:].strip() and text[begin.index : begin.index + 1] in _OPENING:
            raise InvalidYamlError(problem, begin.index, unclosed=True) from error
        raise InvalidYamlError(problem, at) from error
    except yaml.reader.ReaderError as error:  # its position counts bytes
        raise InvalidYamlError(error.reason, max(text.find(chr(error.character)), 0)) from error
    finally:
        parser.dispose()
