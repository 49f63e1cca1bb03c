"""From BuildKit's events to what a person sees."""

from __future__ import annotations

import base64
import contextlib
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from builder.core.progress import LineProgress
from builder.engine.build_progress import LOG_TAIL_LINES, StepReporter, shorten_name

if TYPE_CHECKING:
    from collections.abc import Iterator

START, END = "2026-11-23T22:40:01Z", "2026-11-23T22:40:03Z"


class Updates:
    """Records a task's figures."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    def update(self, **figures: object) -> None:
        self.seen.append({key: value for key, value in figures.items() if value is not None})


class Recorder:
    """A Progress that remembers."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.tasks: dict[str, Updates] = {}
        self.failed: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    @contextlib.contextmanager
    def task(self, label: str) -> Iterator[Updates]:
        task = self.tasks.setdefault(label, Updates())
        try:
            yield task
        except RuntimeError:
            self.failed.append(label)
            raise
        self.notes.append(f"end {label}")


def vertex(name: str, **more: object) -> str:
    return json.dumps({"vertexes": [{"digest": name, "name": name, **more}]})


def log(name: str, text: str) -> str:
    data = base64.b64encode(text.encode()).decode()
    return json.dumps({"logs": [{"vertex": name, "stream": 1, "data": data}]})


def run(*lines: str, hidden: tuple[str, ...] = (), show_logs: bool = False) -> tuple[StepReporter, Recorder]:
    recorder = Recorder()
    reporter = StepReporter(recorder, hidden=hidden, show_logs=show_logs)
    for line in lines:
        reporter.read_line(line)
    reporter.close()
    return reporter, recorder


def test_a_step_is_a_task_from_start_to_end() -> None:
    _, recorder = run(vertex("a"), vertex("a", started=START), vertex("a", started=START, completed=END))
    assert list(recorder.tasks) == ["a"]
    assert recorder.notes == ["end a"]


def test_a_cached_step_is_one_line() -> None:
    reporter, recorder = run(vertex("a", started=START, completed=END, cached=True), vertex("b", started=START))
    assert recorder.notes[0] == "=> a: cached"
    assert reporter.list_cached_steps() == ("a",)


def test_bytes_are_summed_over_the_parts_of_a_step() -> None:
    def part(identity: str, current: int) -> str:
        status = {"id": identity, "vertex": "a", "current": current, "total": 1_000_000}
        return json.dumps({"statuses": [status]})

    _, recorder = run(vertex("a", started=START), part("x", 500_000), part("y", 1_000_000))
    assert recorder.tasks["a"].seen[-1] == {"done": 1_500_000, "total": 2_000_000, "detail": "1.5 MB"}


def test_a_failing_step_is_named_with_the_end_of_its_log() -> None:
    text = "".join(f"line {number}\n" for number in range(100)) + "no newline"
    reporter, recorder = run(
        vertex("good", started=START),
        vertex("bad", started=START),
        log("bad", text[:50]),
        log("bad", text[50:]),
        vertex("bad", started=START, completed=END, error="exit code: 3"),
        vertex("good", started=START, completed=END, error="context canceled"),
    )
    failure = reporter.make_failure()
    assert recorder.failed == ["bad", "good"]
    assert failure.step == "bad"
    assert failure.log == (*(f"line {number}" for number in range(101 - LOG_TAIL_LINES, 100)), "no newline")
    assert "exit code: 3" in str(failure)


def test_a_failure_outside_of_any_step_gives_the_last_words() -> None:
    reporter, _ = run("WARNING: something", "ERROR: failed to solve: dockerfile parse error on line 1")
    assert "parse error on line 1" in str(reporter.make_failure())


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("SSLError(CERTIFICATE_VERIFY_FAILED)", "SSL_CERT_FILE"),
        ("write /x: no space left on device", "free some disk"),
        ("ERROR: failed to solve: Unavailable: error reading from server: EOF", "the engine ended"),
        ("ERROR: Cannot connect to the Docker daemon at unix:///x.sock.", "`optbuild doctor`"),
        ("Hash mismatch for `pandas==2.0.3`", "--upgrade-package pandas`"),
    ],
)
def test_known_failures_come_with_a_next_step(words: str, hint: str) -> None:
    reporter, _ = run(vertex("a", started=START), log("a", words + "\n"), vertex("a", completed=END, error="failed"))
    assert hint in str(reporter.make_failure().hint)


def test_a_wrong_hash_is_said_before_the_step_and_its_log() -> None:
    words = "error: Failed to download `pandas==2.0.3`\n  Caused by: Hash mismatch for `pandas==2.0.3`\n"
    reporter, _ = run(vertex("a", started=START), log("a", words), vertex("a", completed=END, error="exit code: 1"))
    first, second, *_ = str(reporter.make_failure()).splitlines()
    assert first.startswith("pandas==2.0.3 differs from its hash in optbuild.lock: the package index serves another")
    assert second == "  step a failed: exit code: 1"


def test_secrets_are_masked_in_names_logs_and_errors() -> None:
    reporter, recorder = run(
        vertex("RUN hidden", started=START),
        log("RUN hidden", "see hidden here\n"),
        vertex("RUN hidden", started=START, completed=END, error="hidden failed"),
        "ERROR: hidden",
        hidden=("hidden",),
        show_logs=True,
    )
    everything = f"{reporter.make_failure()} {recorder.notes} {recorder.tasks}"
    assert "hidden" not in everything
    assert "see *** here" in everything


def test_plain_progress_shows_every_line() -> None:
    lines = (vertex("a", started=START), log("a", "one\ntwo\n"), vertex("a", completed=END))
    assert "   two" in run(*lines, show_logs=True)[1].notes
    assert "   two" not in run(*lines)[1].notes


def test_a_carriage_return_shows_what_a_terminal_would() -> None:
    reporter, _ = run(vertex("a", started=START), log("a", "10 %\r20 %\r\n"), vertex("a", completed=END, error="x"))
    assert reporter.make_failure().log == ("20 %",)


def test_an_interrupted_build_leaves_no_open_task() -> None:
    _, recorder = run(vertex("a", started=START))
    assert recorder.failed == ["a"]


def test_without_a_terminal_each_step_has_its_line() -> None:
    stream = io.StringIO()
    reporter = StepReporter(LineProgress(stream))
    reporter.read_line(vertex("a", started=START))
    assert stream.getvalue() == "=> a\n"
    reporter.close()


def test_a_step_is_named_without_its_mounts() -> None:
    name = (
        "[builder 2/3] RUN --mount=type=bind,source=a,target=/b     --mount=type=secret,id=ca /bin/bash /x " + "y" * 99
    )
    assert shorten_name(name).startswith("[builder 2/3] RUN /bin/bash /x yyy")
    assert shorten_name(name, 48) == "[builder 2/3] RUN /bin/bash /x " + "y" * 16 + "…"
    assert len(shorten_name(name, 48)) == 48


def test_an_error_names_the_whole_step_a_bar_only_its_beginning() -> None:
    name = "RUN " + "x" * 100
    reporter, recorder = run(vertex(name, started=START), vertex(name, started=START, completed=END, error="no"))
    assert reporter.make_failure().step == name
    assert [len(label) for label in recorder.tasks] == [48]


def test_a_line_of_progress_moves_the_step_s_figures_and_stays_out_of_its_log() -> None:
    stream = io.StringIO()
    reporter = StepReporter(LineProgress(stream, beat_seconds=3600))
    data = base64.b64encode(b"optbuild-progress 117/154 distributions\nnumpy failed\n").decode()
    for document in (
        {"vertexes": [{"digest": "sha256:a", "name": "RUN install", "started": "2026-01-01T00:00:00Z"}]},
        {
            "logs": [
                {"vertex": "sha256:a", "data": base64.b64encode(b"optbuild-progress 1/154 distributions\n").decode()}
            ]
        },
    ):
        reporter.read_line(json.dumps(document))
    (step,) = reporter._steps.values()
    assert step.task is not None
    assert vars(step.task) == {"_done": 1, "_total": 154, "_detail": "1/154 distributions"}
    reporter.read_line(json.dumps({"logs": [{"vertex": "sha256:a", "data": data}]}))
    assert list(step.tail) == ["numpy failed"]
    assert vars(step.task)["_done"] == 117
    reporter.close()
