"""Prints how far the product reaches on whole projects, as a table in Markdown: the real files where their folder lies
beside the checkout, and our own projects. `make reach` runs it; it needs Docker, and starts an engine of its own."""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from fresh_engine import second_engine
from fresh_start import make_sleeper
from own_projects import FOLDER, OWN_PROJECTS, STACK
from reach import describe_use, examine_projects
from real_files import CORPUS_FILES, copy_project, environment
from test_corpus_findings import EXPECTED
from test_corpus_groups import TABLE
from test_fresh_start import PROJECTS, find_problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reach import Reach

_HEAD = (
    *("project", "Airflow groups", "who builds", "`up` without the image", "other ways valid before → after"),
    *("findings", "false", "missed", "fixes that apply"),
)
_ABOUT_GROUPS = "OB10"


def _print_row(*cells: object) -> None:
    sys.stdout.write(f"| {' | '.join(map(str, cells))} |\n")
    sys.stdout.flush()


def _make_corpus_projects(parent: Path) -> dict[Path, tuple[tuple[str, ...], ...]]:
    """Each real file alone in a folder, as somebody has it who has not written its env files yet. Its one other way is
    a stack, where it says that it may be for one, and Docker takes it."""
    folders = [copy_project(file, parent / file.stem).parent for file in CORPUS_FILES]
    return {folder: (STACK,) if _is_for_stack(folder) else () for folder in folders}


def _is_for_stack(folder: Path) -> bool:
    text = (folder / "docker-compose.yml").read_text(encoding="utf-8-sig")
    return re.search(r"(?m)^version:|^ +deploy:", text) is not None and not describe_use(folder, STACK).refused


def _find_expected(name: str) -> tuple[Counter[str], Counter[str]]:
    """What was read by eye: codes about groups, and findings with their services."""
    return Counter(TABLE[name].codes), Counter(EXPECTED[name])


def _split_findings(reach: Reach) -> tuple[Counter[str], Counter[str]]:
    about = Counter(one.partition(" ")[0] for one in reach.findings if one.startswith(_ABOUT_GROUPS))
    return about, Counter(one for one in reach.findings if not one.startswith(_ABOUT_GROUPS))


def _format_ways(reach: Reach) -> str:
    valid = [way for way, wrong in reach.ways.items() if not wrong]
    return f"{len(reach.ways)} → {len(valid)}"


def _format_groups(groups: tuple[str, ...]) -> str:
    return "; ".join(f"{len(group.split())}: {group}" for group in groups)


def _find_start_problems(parent: Path) -> dict[str, list[str]]:
    """Project → what does not start on an engine that has none of its images, after optimize."""
    with second_engine(parent) as address:
        env = environment(DOCKER_HOST=address)
        make_sleeper(env)
        return find_problems(PROJECTS, parent, env)


def _iterate_rows(parent: Path) -> Iterator[tuple[object, ...]]:
    problems = _find_start_problems(parent / "start")
    corpus = _make_corpus_projects(parent / "corpus")
    for name, reach in examine_projects(corpus, parent / "real").items():
        found, right = _split_findings(reach), _find_expected(name[:2])
        false = sum((sum((one - other).values()) for one, other in zip(found, right, strict=True)), 0)
        missed = sum((sum((other - one).values()) for one, other in zip(found, right, strict=True)), 0)
        yield _make_cells(name, reach, problems.get(f"{name}.yml", []), false, missed)
    sources = {FOLDER / name: right.ways for name, right in OWN_PROJECTS.items()}
    for name, reach in examine_projects(sources, parent / "own").items():
        true = OWN_PROJECTS[name].findings
        false, missed = len(reach.findings - true), len(true - reach.findings)
        yield _make_cells(name, reach, problems.get(name, []), false, missed)


def _make_cells(name: str, reach: Reach, problems: list[str], false: int, missed: int) -> tuple[object, ...]:
    builders = ", ".join(reach.builders) or "as it is"
    fixes = f"{reach.fixes.applied} of {reach.fixes.applied + len(reach.fixes.wrong)}"
    by_hand = f", {reach.fixes.by_hand} by hand" if reach.fixes.by_hand else ""
    return (
        *(name, _format_groups(reach.groups), builders, "; ".join(problems) or "works", _format_ways(reach)),
        *(len(reach.findings), false, missed, f"{fixes}{by_hand}"),
    )


def main() -> None:
    _print_row(*_HEAD)
    _print_row(*("---" for _ in _HEAD))
    with tempfile.TemporaryDirectory() as folder:
        for part in ("start", "corpus", "real", "own"):
            (Path(folder) / part).mkdir()
        for cells in _iterate_rows(Path(folder)):
            _print_row(*cells)


if __name__ == "__main__":
    main()
