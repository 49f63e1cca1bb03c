"""The question before something is changed: who answers it, and what is said where nobody can."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest
import typer
from runtime_factory import make_runtime

from builder.cli.confirmation import confirm_change
from builder.core.errors import OptbuildError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Terminal(io.StringIO):
    """A stdin that a person sits at, or not."""

    def __init__(self, *, there: bool) -> None:
        super().__init__()
        self.there = there

    def isatty(self) -> bool:
        return self.there


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[bool, str]]:
    """``ask(yes=, terminal=, answer=)``: what comes back, and what stands on stderr."""

    def asked(*, yes: bool = False, terminal: bool = True, answer: bool = False) -> tuple[bool, str]:
        monkeypatch.setattr(sys, "stdin", Terminal(there=terminal))
        monkeypatch.setattr(typer, "confirm", lambda text, **_more: answer and text == "Do it?")
        err = io.StringIO()
        return confirm_change(make_runtime(tmp_path, err=err), yes=yes, hint="say --yes"), err.getvalue()

    return asked


@pytest.mark.parametrize(("answer", "said"), [(True, ""), (False, "nothing was done\n")])
def test_the_answer_counts(ask: Callable[..., tuple[bool, str]], answer: bool, said: str) -> None:
    assert ask(answer=answer) == (answer, said)


def test_yes_asks_nobody(ask: Callable[..., tuple[bool, str]]) -> None:
    assert ask(yes=True, terminal=False) == (True, "")


def test_without_a_terminal_nothing_is_done(ask: Callable[..., tuple[bool, str]]) -> None:
    with pytest.raises(OptbuildError, match="there is no terminal to ask on, so nothing was done") as caught:
        ask(terminal=False)
    assert caught.value.hint == "say --yes"
