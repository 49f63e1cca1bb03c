"""Each value of each command's `--format` writes a format of its own.

They come from the table in builder/cli/formats.py. A format without a line in ``SIGNS``, and a command without one in
``PREPARED``, are failures: they are what somebody forgets who adds a format.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from archive_factories import BASE, numpy, save, tar
from fake_archive_engine import LAYER, SavingEngine
from fake_image_store import Shelf, image
from runtime_factory import make_runtime

from builder.cli import main as cli
from builder.cli.formats import FORMATS, TEXT, load_writer
from builder.cli.overview import COMMANDS
from builder.core.process import Command, ProcessResult
from builder.core.progress import SilentProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IMAGE = Path(__file__).parents[3] / "images/airflow"
COMPOSE = """\
services:
  init:
    build: .
    command: db migrate
  web:
    build: .
    command: webserver
"""


CASES = [
    (command, variant, value)
    for command, formats in FORMATS.items()
    for variant, writers in {"": formats.writers, **formats.variants}.items()
    for value in writers
]
"""Command, variant of its result, format."""


def document_in(text: str) -> dict[str, Any]:
    """The JSON object that a text is; an empty one: it is none."""
    with contextlib.suppress(ValueError):
        found = json.loads(text)
        return found if isinstance(found, dict) else {}
    return {}


def root_of(text: str) -> str:
    """The tag of an XML document's root; "": it is none."""
    with contextlib.suppress(ET.ParseError):
        return ET.fromstring(text).tag  # noqa: S314 - our own report
    return ""


def is_text(text: str) -> bool:
    others = (sign(text) for name, sign in SIGNS.items() if name != "text")
    return bool(text.strip()) and not any(others) and not document_in(text) and not root_of(text)


SIGNS: dict[str, Callable[[str], bool]] = {
    "text": is_text,
    "json": lambda text: "schema_version" in document_in(text),
    "bake": lambda text: "target" in document_in(text),
    "sarif": lambda text: {"$schema", "runs"} <= set(document_in(text)),
    "junit": lambda text: root_of(text) in {"testsuites", "testsuite"},
    "concise": lambda text: all(
        re.match(r"\S+:\d+: OB\d{3} (info|warning|error) ", line) for line in text.splitlines()
    ),
    "github": lambda text: text.startswith("::") and all(line.startswith("::") for line in text.splitlines()),
    "markdown": lambda text: re.search(r"^\| :-- \|", text, re.MULTILINE) is not None,
}
"""By which each format is told from all others."""


class Compose:
    """`docker compose` with two services of one build; every other tool is broken."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(self, command: Command, **_callbacks: object) -> ProcessResult:
        if "config" not in command.argv:
            return ProcessResult(command, 0 if "version" in command.argv else 1, "2.30.0\n", "broken")
        build = {"context": str(self._folder), "dockerfile": "Dockerfile"}
        services = {
            "init": {"build": build, "command": ["db", "migrate"]},
            "web": {"build": build, "command": ["webserver"]},
        }
        return ProcessResult(command, 0, json.dumps({"name": "shop", "services": services}), "")


def prepare_nothing(_folder: Path, _patch: pytest.MonkeyPatch) -> tuple[str, ...]:
    return ()


def prepare_image(folder: Path, _patch: pytest.MonkeyPatch) -> tuple[str, ...]:
    shutil.copytree(IMAGE, folder / "image")
    return ("image",)


def prepare_adoption(folder: Path, _monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    (folder / "requirements.txt").write_text("apache-airflow==2.8.1\n")
    return ("--dry-run",)


def prepare_lock(folder: Path, patch: pytest.MonkeyPatch) -> tuple[str, ...]:
    from builder.image.lock import make
    from builder.image.lock.document import read_lock

    patch.setattr(make, "make_lock", lambda *_args, **_more: read_lock(IMAGE / "optbuild.lock"))
    return prepare_image(folder, patch)


def prepare_lock_check(folder: Path, patch: pytest.MonkeyPatch) -> tuple[str, ...]:
    return (*prepare_image(folder, patch), "--check")


def prepare_build(_folder: Path, patch: pytest.MonkeyPatch) -> tuple[str, ...]:
    from builder.image.build.model import BuildResult, Candidate
    from builder.operations.build import BuildFlow

    candidate = Candidate("sha256:a", "demo:0123", "0123", cached=False, seconds=1.0, bytes=1)
    patch.setattr(BuildFlow, "run", lambda _self: BuildResult(candidate, None, (), None, 2.0))
    return ()


def prepare_verify(_folder: Path, patch: pytest.MonkeyPatch) -> tuple[str, ...]:
    from builder.cli import verify
    from builder.image.verify import run
    from builder.image.verify.model import CheckResult, CheckStatus, VerifyReport

    report = VerifyReport("demo:1", "sha256:a", "sqlite", (CheckResult("init", CheckStatus.PASSED, 1.0),), 2.0)
    patch.setattr(verify, "find_image", lambda subject, _runtime: (subject, None))
    patch.setattr(run, "verify_image", lambda *_args, **_more: report)
    return ("demo:1",)


def prepare_project(folder: Path, _patch: pytest.MonkeyPatch) -> tuple[str, ...]:
    (folder / "compose.yaml").write_text(COMPOSE)
    (folder / "Dockerfile").write_text("FROM apache/airflow:2.8.1\n")
    return ()


def prepare_optimize(folder: Path, patch: pytest.MonkeyPatch) -> tuple[str, ...]:
    from builder.operations.optimize import OptimizeFlow
    from builder.rollout.result import RolloutResult

    file = folder / "compose.yaml"
    outcome = RolloutResult("shop", files=(file,), backups=(file.with_suffix(".bak"),))
    patch.setattr(OptimizeFlow, "run", lambda _self: outcome)
    return prepare_project(folder, patch)


def shelf() -> Shelf:
    made = Shelf()
    made.add(image("bare", ("base", "bare")), image("app", ("base", "app"), "app:1"))
    return made


def prepare_images(_folder: Path, patch: pytest.MonkeyPatch) -> tuple[str, ...]:
    from builder.operations import images as images_flow
    from builder.store.bytes import LayerUsage
    from builder.store.inventory import make_image_rows
    from builder.store.model import Inventory

    found = shelf().snapshot()
    inventory = Inventory("engine", make_image_rows(found), LayerUsage(found.images).count_totals(), (), None, None, ())
    patch.setattr(images_flow, "read_inventory", lambda *_args: inventory)
    return ()


def prepare_clean(_folder: Path, patch: pytest.MonkeyPatch) -> tuple[str, ...]:
    from builder.operations import clean as clean_flow
    from builder.store.clean import CleanOptions, make_clean_plan

    outcome = clean_flow.CleanReport(make_clean_plan(shelf().snapshot(), CleanOptions(unused=True), now=1_000_000.0))
    patch.setattr(clean_flow, "run_clean", lambda *_args: outcome)
    return ()


def prepare_backup(_folder: Path, patch: pytest.MonkeyPatch) -> tuple[str, ...]:
    from builder.engine import socket_client as quick

    engine = SavingEngine()
    engine.add(LAYER, names=("app:1",))

    @contextlib.contextmanager
    def look(_env: object) -> Iterator[SavingEngine]:
        yield engine

    patch.setattr(quick, "connect_reader", look)
    return ("app:1", "--output", "saved")


def prepare_restore_check(folder: Path, _patch: pytest.MonkeyPatch) -> tuple[str, ...]:
    from builder.store.backup import save_images

    engine = SavingEngine()
    save_images(engine, [engine.add(LAYER, names=("app:1",))], folder / "saved", SilentProgress())
    return ("saved", "--check")


def prepare_restore(folder: Path, patch: pytest.MonkeyPatch) -> tuple[str, ...]:
    from builder.engine import client
    from builder.store import restore

    def restored(_engine: object, chosen: Any, *_more: object, **_options: object) -> list[restore.RestoredImage]:
        return [restore.RestoredImage(one, "sha256:a", True) for one in chosen.images]

    patch.setattr(client, "connect_engine", lambda _env: contextlib.nullcontext())
    patch.setattr(restore, "restore_images", restored)
    return prepare_restore_check(folder, patch)[:1]


def prepare_archive(folder: Path, _patch: pytest.MonkeyPatch) -> tuple[str, ...]:
    save(folder / "old.tar", tar(BASE), tar(numpy("1.0", 1000)))
    return ("old.tar",)


def prepare_archives(folder: Path, patch: pytest.MonkeyPatch) -> tuple[str, ...]:
    save(folder / "new.tar", tar(BASE), tar(numpy("2.0", 2000)))
    return (*prepare_archive(folder, patch), "new.tar")


def prepare_archive_and_lock(folder: Path, patch: pytest.MonkeyPatch) -> tuple[str, ...]:
    shutil.copytree(IMAGE, folder / "image")
    return (*prepare_archive(folder, patch), "image/optbuild.lock")


def prepare_locks(folder: Path, _patch: pytest.MonkeyPatch) -> tuple[str, ...]:
    shutil.copytree(IMAGE, folder / "before")
    shutil.copytree(IMAGE.with_name("airflow-celery"), folder / "after")
    return ("before", "after/optbuild.lock")


PREPARED: dict[tuple[str, str], Callable[[Path, pytest.MonkeyPatch], tuple[str, ...]]] = {
    ("doctor", ""): prepare_nothing,
    ("init", ""): prepare_adoption,
    ("lock", ""): prepare_lock,
    ("lock", "check"): prepare_lock_check,
    ("render", ""): prepare_image,
    ("build", ""): prepare_build,
    ("verify", ""): prepare_verify,
    ("plan", ""): prepare_project,
    ("optimize", ""): prepare_optimize,
    ("images", ""): prepare_images,
    ("clean", ""): prepare_clean,
    ("backup", ""): prepare_backup,
    ("restore", ""): prepare_restore,
    ("restore", "check"): prepare_restore_check,
    ("inspect", ""): prepare_archive,
    ("diff", ""): prepare_archives,
    ("diff", "lock"): prepare_archive_and_lock,
    ("diff", "moves"): prepare_locks,
}
"""What each command finds in its folder and on its engine; the words that it gets."""


def output_of(words: tuple[str, ...], folder: Path, *, color: bool = False) -> str:
    """What `optbuild` with these words writes to stdout in ``folder``, with no engine."""
    tools = folder / "bin"
    tools.mkdir()
    (tools / "docker").touch(mode=0o755)
    env = {"PATH": str(tools), "HOME": str(folder), "DOCKER_CONTEXT": "none"}
    out, err = io.StringIO(), io.StringIO()
    runtime = make_runtime(folder, env, runner=Compose(folder), out=out, err=err, color=color)
    code = cli.run(words, lambda **_: runtime)
    assert code in {0, 1, 3}, err.getvalue()
    return out.getvalue()


def test_each_row_is_tried() -> None:
    assert {(command, variant) for command, variant, _ in CASES} == set(PREPARED)
    assert {value for *_, value in CASES} == set(SIGNS)


@pytest.mark.parametrize(("command", "variant", "value"), CASES)
def test_a_format_is_its_own_and_no_other(
    command: str, variant: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = PREPARED[command, variant](tmp_path, monkeypatch)
    text = output_of((command, *words, "--format", value), tmp_path)
    assert [name for name, sign in SIGNS.items() if sign(text)] == [value], text


@pytest.mark.parametrize(("command", "variant", "value"), CASES)
def test_a_writer_writes_one_format(command: str, variant: str, value: str) -> None:
    """Of one command and variant: two formats with one writer would print the same text."""
    writer = load_writer(command, value, variant)
    formats = FORMATS[command]
    others = set(formats.variants[variant] if variant else formats.writers) - {value}
    assert writer not in [load_writer(command, other, variant) for other in others]
    assert inspect.signature(writer).return_annotation == "str"


@pytest.mark.parametrize("command", FORMATS)
def test_all_results_of_a_command_have_its_formats(command: str) -> None:
    formats = FORMATS[command]
    assert next(iter(formats.writers)) == TEXT
    assert all(list(writers) == list(formats.writers) for writers in formats.variants.values())


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_has_its_own_row(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run((command, "--help"), lambda **_: make_runtime(IMAGE)) == 0
    text = " ".join(capsys.readouterr().out.split())
    if command in FORMATS:
        assert f"--format <{'|'.join(FORMATS[command].writers)}> {FORMATS[command].help}" in text
    else:
        assert "--format <" not in text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("command", ["plan", "doctor", "images"])
def test_a_terminal_gets_colors_and_no_line_that_is_wider(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = PREPARED[command, ""](tmp_path, monkeypatch)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("io.StringIO", Terminal)
    text = output_of((command, *words), tmp_path, color=True)
    assert "\x1b[" in text
    shown = re.sub(r"\x1b\[[\d;]*m", "", text).split("The edit")[0].splitlines()
    pasted = ("test:", "AIRFLOW__", "fix: AIRFLOW__")
    assert [line for line in shown if len(line) > 60 and not line.lstrip().startswith(pasted)] == []
