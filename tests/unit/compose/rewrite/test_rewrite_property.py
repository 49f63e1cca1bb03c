"""Rewriting, over compose files in all styles: what is not planned stays, in bytes and in meaning."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from compose_file_strategies import FOLDER, Composed, composed
from hypothesis import event, given
from reference_loader import rest, services, texts

from builder.compose.rewrite.rewrite import make_edited_project, rewrite_files
from builder.core.errors import ComposeError

if TYPE_CHECKING:
    from builder.compose.model import Project

CANNOT = ("the build cannot be taken from", "cannot be set for", "has no image of its own")
"""What may be refused, and only where one service takes over the mapping of another, or lacks what it should keep."""


def rewritten(case: Composed) -> Project | None:
    """None where it is refused for a good reason."""
    project = case.project()
    try:
        edits = rewrite_files(project, case.targets)
    except ComposeError as error:
        if not case.may_refuse or not any(words in error.message for words in CANNOT):
            raise
        event("refused")
        return None
    return make_edited_project(project, edits)


@given(composed())
def test_nothing_but_the_planned_keys_changes(case: Composed) -> None:
    result = rewritten(case)
    if result is None:
        return
    now = texts(FOLDER, case.files, result.sources)
    check_bytes(case, now)
    check_comments(case, now)
    check_meaning(case, now)
    assert rewrite_files(result, case.targets) == (), "a second run changes something"


def check_bytes(case: Composed, now: list[bytes]) -> None:
    for (name, before), data in zip(case.files.items(), now, strict=True):
        assert data.startswith(b"\xef\xbb\xbf") == before.startswith(b"\xef\xbb\xbf")
        assert data.endswith(b"\n") == before.endswith(b"\n")
        assert set(re.findall(rb"\r?\n", data)) <= set(re.findall(rb"\r?\n", before)) | {b"\n"} - (
            {b"\n"} if b"\r\n" in before else set()
        )
        lines = iter(data.decode("utf-8-sig").splitlines())
        fixed = case.fixed[name]
        while fixed and not fixed[-1]:  # the generator ends every file with text
            fixed = fixed[:-1]
        for line in fixed:
            if not line.lstrip().startswith("# build:"):  # such a comment may go with its build: see check_comments
                assert line in lines, f"{line!r} is gone, or stands elsewhere"


def check_comments(case: Composed, now: list[bytes]) -> None:
    text = b"\n".join(now).decode()
    for comment in case.comments:
        assert comment in text, f"{comment!r} is lost"


def check_meaning(case: Composed, now: list[bytes]) -> None:
    old, new = services(case.files.values()), services(now)
    targets = {name: target for target in case.targets for name in target.services}
    assert new.keys() == old.keys()
    for name, service in new.items():
        expected = dict(old[name])
        if target := targets.get(name):
            if not target.keeps_name:
                expected["image"] = target.image
            if target.pull_policy:
                expected["pull_policy"] = target.pull_policy
            if name != target.builder:
                expected.pop("build", None)
        assert service == expected, name
    assert [rest(data) for data in now] == [rest(data) for data in case.files.values()]
