"""Lines, bars and silence."""

from __future__ import annotations

import io
import re
import threading
import time

import pytest

from builder.core.progress import BarProgress, LineProgress, Progress, SilentProgress


def lines(stream: io.StringIO) -> list[str]:
    """What was written, with every duration as N."""
    return re.sub(r"\d+(\.\d+)? s\b", "N s", stream.getvalue()).splitlines()


def test_a_step_has_a_line_when_it_starts_and_one_when_it_ends() -> None:
    stream = io.StringIO()
    with LineProgress(stream).task("resolve") as task:
        assert lines(stream) == ["=> resolve"]
        task.update(done=3, total=4, detail="pandas")
    assert lines(stream) == ["=> resolve", "=> resolve: done in N s, pandas"]


@pytest.mark.parametrize(("error", "word"), [(ValueError, "failed after"), (KeyboardInterrupt, "stopped after")])
def test_a_step_that_does_not_end_well(error: type[BaseException], word: str) -> None:
    stream = io.StringIO()

    def fail() -> None:
        with LineProgress(stream).task("x") as task:
            task.update(done=3, total=4)
            raise error

    with pytest.raises(error):
        fail()
    assert lines(stream) == ["=> x", f"=> x: {word} N s, 75 %"]


def test_a_silent_step_gives_a_sign_of_life() -> None:
    stream = io.StringIO()
    with LineProgress(stream, beat_seconds=0.02).task("x") as task:
        task.update(detail="stage 2")
        time.sleep(0.1)
    signs = [line for line in lines(stream) if line == "   x: N s, stage 2"]
    assert signs
    assert lines(stream)[-1] == "=> x: done in N s, stage 2"


def test_no_sign_of_life_comes_after_the_end() -> None:
    stream = io.StringIO()
    progress = LineProgress(stream, beat_seconds=0.001)
    for _ in range(30):
        with progress.task("x"):
            time.sleep(0.003)
        assert ": done in" in stream.getvalue().splitlines()[-1]
    assert not [
        thread for thread in threading.enumerate() if thread.name.startswith("Thread") and "_beat" in thread.name
    ]


def test_a_total_of_zero_is_no_percentage() -> None:
    stream = io.StringIO()
    with LineProgress(stream).task("x") as task:
        task.update(done=0, total=0)
    assert "%" not in stream.getvalue()


def test_lines_of_several_threads_stay_whole() -> None:
    stream = io.StringIO()
    progress = LineProgress(stream)
    threads = [threading.Thread(target=progress.note, args=("x" * 500,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stream.getvalue().splitlines() == ["x" * 500] * 8


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    progress: Progress = SilentProgress()
    progress.note("x")
    with progress.task("y") as task:
        task.update(done=1, total=2, detail="z")
    assert capsys.readouterr() == ("", "")


def plain(stream: io.StringIO) -> list[str]:
    """The lines that stay: without control sequences, carriage returns and what was drawn over."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    return [line.rpartition("\r")[2].strip() for line in text.splitlines()]


def test_bars_leave_a_line_per_ended_step() -> None:
    stream = io.StringIO()
    progress = BarProgress(stream, color=False)
    with progress.task("resolve") as task:
        task.update(done=1, total=2, detail="pandas")
    with pytest.raises(ValueError, match="no"), progress.task("fail"):
        raise ValueError("no")
    left = plain(stream)
    assert any(re.fullmatch(r"✓ resolve \(\d\.\d s\)", line) for line in left)
    assert any(re.fullmatch(r"✗ fail \(\d\.\d s\)", line) for line in left)


def test_bars_of_several_steps_at_once() -> None:
    stream = io.StringIO()
    progress = BarProgress(stream, color=False)
    with progress.task("one"), progress.task("two"):
        progress.note("between")
    with progress.task("three"):
        pass
    left = [line for line in plain(stream) if re.match(r"✓|between", line)]
    assert [line.split(" (")[0] for line in left] == ["between", "✓ two", "✓ one", "✓ three"]


def test_a_note_is_shown_as_it_is() -> None:
    stream = io.StringIO()
    text = "[bold]pkg[extra]==1[/bold] :warning: " + "x" * 300
    BarProgress(stream, color=False).note(text)
    assert stream.getvalue().rstrip("\n") == text


def test_no_color_means_none() -> None:
    stream = io.StringIO()
    with BarProgress(stream, color=False).task("x") as task:
        task.update(done=1, total=2)
    assert not re.search(r"\x1b\[[0-9;]*3[0-9][0-9;]*m", stream.getvalue())
