"""The diff of an edit: exact for machines, harmless for eyes."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from work_counter import count_calls

from builder.compose.model import FileEdit
from builder.report.diff import format_display_path, format_readable_diff, format_unified_diff

FOLDER = Path("/home/ada/shop")
FILE = FOLDER / "docker-compose.yml"


def edit(before: str, after: str, path: Path = FILE) -> FileEdit:
    return FileEdit(path, before.encode("utf-8", "surrogateescape"), after.encode("utf-8", "surrogateescape"))


def test_it_reads_like_any_unified_diff() -> None:
    before = "".join(f"{number}\n" for number in range(1, 21))
    after = before.replace("5\n6\n", "five\n").replace("20\n", "20\n21\n")
    assert format_unified_diff([edit(before, after)], FOLDER) == (
        "--- docker-compose.yml\n+++ docker-compose.yml\n"
        "@@ -2,8 +2,7 @@\n"
        " 2\n 3\n 4\n-5\n-6\n+five\n 7\n 8\n 9\n"
        "@@ -18,3 +17,4 @@\n"
        " 18\n 19\n 20\n+21\n"
    )


def test_a_missing_last_newline_is_said() -> None:
    assert format_unified_diff([edit("a\nb", "a\nc")], FOLDER).splitlines()[2:] == [
        "@@ -1,2 +1,2 @@",
        " a",
        "-b",
        "\\ No newline at end of file",
        "+c",
        "\\ No newline at end of file",
    ]


def test_nothing_changed_is_no_diff() -> None:
    assert format_unified_diff([edit("a\n", "a\n")], FOLDER) == ""
    assert format_readable_diff([edit("a\n", "a\n")], FOLDER) == ""


def test_carriage_returns_stay_in_the_exact_diff_and_are_named_once_for_a_person() -> None:
    changed = edit("a\r\nb\r\n", "a\r\nc\r\n")
    assert "-b\r\n+c\r\n" in format_unified_diff([changed], FOLDER)
    shown = format_readable_diff([changed], FOLDER)
    assert "\r" not in shown
    assert shown.startswith("# docker-compose.yml: its lines end in CRLF, and still will\n--- ")
    assert "-b\n+c\n" in shown


def test_a_single_carriage_return_is_made_visible() -> None:
    assert "-b\\x0d\n+c\n" in format_readable_diff([edit("a\nb\r\n", "a\nc\n")], FOLDER)


def test_an_escape_sequence_in_the_file_does_not_reach_the_terminal() -> None:
    shown = format_readable_diff([edit("# \x1b[2J\nb\n", "# \x1b[2J\nc\n")], FOLDER)
    assert "\x1b" not in shown
    assert "# \\x1b[2J" in shown


def test_color_is_asked_for() -> None:
    assert "\x1b[31m-a\x1b[0m\n\x1b[32m+b\x1b[0m\n" in format_readable_diff([edit("a\n", "b\n")], FOLDER, color=True)


def test_a_byte_order_mark_is_no_letter() -> None:
    assert " x\n-a\n" in format_readable_diff([edit("\ufeffx\na\n", "\ufeffx\nb\n")], FOLDER)


def test_a_file_elsewhere_is_named_by_its_whole_path() -> None:
    assert format_display_path(Path("/srv/base.yml"), FOLDER) == "/srv/base.yml"
    assert format_display_path(FOLDER / "a/b.yml", FOLDER) == "a/b.yml"


def test_a_file_name_cannot_add_lines() -> None:
    assert format_unified_diff([edit("a\n", "b\n", FOLDER / "x\n+++ y.yml")], FOLDER).startswith("--- x\\n+++ y.yml\n")


def test_twice_the_edits_are_twice_the_work() -> None:
    assert count_edits_work(400) < 2.2 * count_edits_work(200)


def count_edits_work(services: int) -> int:
    block = "  s{}:\n    image: x\n    build: .\n    command: sleep\n    environment:\n      A: 1\n"
    before = "".join(block.format(number) for number in range(services))
    edits = [edit(before, before.replace("    build: .\n", "    pull_policy: never\n"))]
    return count_calls(lambda: format_unified_diff(edits, FOLDER))


LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\r\n", "é\n", "\n"]), max_size=30).map("".join)


@given(LINES, LINES, st.booleans(), st.booleans())
def test_applied_it_gives_the_new_file(before: str, after: str, cut_before: bool, cut_after: bool) -> None:
    before, after = before[: -1 if cut_before else None], after[: -1 if cut_after else None]
    assert applied(before, format_unified_diff([edit(before, after)], FOLDER)) == after


def applied(text: str, diff: str) -> str:
    """What `patch` does."""
    if not diff:
        return text
    old = text.split("\n")
    old = [f"{line}\n" for line in old[:-1]] + ([old[-1]] if old[-1] else [])
    new: list[str] = []
    at = 0
    lines = diff.split("\n")[2:-1]
    for number, line in enumerate(lines):
        ends = "" if lines[number + 1 : number + 2] == ["\\ No newline at end of file"] else "\n"
        match line[:1]:
            case "@":
                span = line.split()[1].removeprefix("-").split(",")
                start = int(span[0]) - (0 if span[1:] == ["0"] else 1)
                new += old[at:start]
                at = start
            case " ":
                assert old[at] == f"{line[1:]}{ends}"
                new.append(old[at])
                at += 1
            case "-":
                assert old[at] == f"{line[1:]}{ends}"
                at += 1
            case "+":
                new.append(f"{line[1:]}{ends}")
    return "".join(new + old[at:])
