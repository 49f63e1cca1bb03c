"""What optimize says once everything is done: nothing that goes wrong then hides that."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from runtime_factory import make_runtime

from builder.compose.model import ProjectFiles
from builder.core.errors import EngineFailedError, InterruptedByUserError
from builder.core.progress import LineProgress
from builder.operations import old_images
from builder.operations import prove_shared_image as swap_hands
from builder.operations.optimize import OptimizeFlow, OptimizeOptions
from builder.rollout import apply as applying
from builder.rollout.apply import ApplyResult
from builder.rollout.journal import FileRecord, Journal, Phase

if TYPE_CHECKING:
    from builder.core.runtime import Runtime
    from builder.rollout.result import RolloutResult

FILE = Path("/p/compose.yaml")
EDIT = FileRecord(FILE, b"old", b"new", 0o644, Path("/p/compose.yaml.bak"), Path("/p/.compose.yaml.0"))
JOURNAL = Journal(
    "0000aaaa", ProjectFiles(FILE.parent, (FILE,)), "demo", "engine", Phase.COMMITTED, 1_700_000_000.0, edits=(EDIT,)
)


class Engine:
    """One that does not answer."""

    def list_containers(self, _project: str) -> tuple[()]:
        raise EngineFailedError("listing the containers of demo: server error 500")


def applied(monkeypatch: pytest.MonkeyPatch, runtime: Runtime, after: Any) -> RolloutResult:
    """Let apply end well; ``after`` is what looks at the old images."""
    monkeypatch.setattr(applying, "apply_plan", lambda *_args: ApplyResult(JOURNAL, {"demo:latest": "sha256:a"}))
    monkeypatch.setattr(swap_hands, "make_image_builders", lambda *_args, **_more: None)
    monkeypatch.setattr(old_images, "measure_engine_bytes", lambda _runtime: None)
    monkeypatch.setattr(old_images, "add_old_images", after)
    flow = OptimizeFlow(runtime, OptimizeOptions(), lambda _ready: None, lambda _ready: True)
    ready = SimpleNamespace(work=SimpleNamespace(targets=()), planned=SimpleNamespace(plan=None))
    return flow._apply(cast("Any", SimpleNamespace(engine=Engine())), cast("Any", ready), cast("Any", object()))


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    err = io.StringIO()
    return make_runtime(tmp_path, progress=LineProgress(err), err=err)


def test_containers_that_cannot_be_looked_at_any_more(monkeypatch: pytest.MonkeyPatch, runtime: Runtime) -> None:
    outcome = applied(monkeypatch, runtime, lambda _context, _journal, outcome, *_more, **_options: outcome)
    assert (outcome.files, outcome.images, outcome.services) == ((FILE,), {"demo:latest": "sha256:a"}, ())
    assert "server error 500" in cast("io.StringIO", runtime.err).getvalue()


def test_who_interrupts_it_hears_what_was_done(monkeypatch: pytest.MonkeyPatch, runtime: Runtime) -> None:
    def interrupted(*_args: object, **_more: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(
        InterruptedByUserError, match=r"after everything was done: wrote /p/compose.yaml; demo:latest is the"
    ):
        applied(monkeypatch, runtime, interrupted)
