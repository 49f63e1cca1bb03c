"""What optimize says before it asks and at the end."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from plan_samples import FILE, SHARED, SHARERS, plan, target

from builder.compose.model import FileEdit, ImageBytes, ImageOrigin, Project, SharedTarget
from builder.core.errors import Where
from builder.findings.model import Finding
from builder.report.optimize import (
    format_nothing_to_do,
    format_optimize_json,
    format_optimize_preview,
    format_optimize_text,
    format_target_command,
)
from builder.rollout.replaced_images import OldImage
from builder.rollout.restart import Downtime
from builder.rollout.result import RolloutResult, ServiceResult

if TYPE_CHECKING:
    from builder.compose.planned import Plan


class Ready:
    """The parts of the real one that are shown."""

    class Work:
        def __init__(self, project: Project, chosen: SharedTarget) -> None:
            self.project = project
            self.targets = (chosen,)
            self.edits = (FileEdit(FILE, b"a", b"b"),)
            self.rebuild = False
            self.affected = chosen.services

    class Planned:
        def __init__(self, made: Plan) -> None:
            self.plan = made

    def __init__(self, made: Plan, chosen: SharedTarget, running: tuple[str, ...]) -> None:
        self.work = self.Work(made.project, chosen)
        self.planned = self.Planned(made)
        self.running = running


def shown(
    source: ImageOrigin = ImageOrigin.BUILDER, running: tuple[str, ...] = ("init", "web"), *, file_only: bool = False
) -> str:
    ready = Ready(plan({"init": None, "web": None}), target(source), running)
    return format_optimize_preview(cast("Any", ready), file_only=file_only)


def test_what_would_be_done() -> None:
    assert shown() == (
        f"  build    {SHARED} once, for init, web, and prove it; nothing stops meanwhile\n"
        f"  write    {FILE} (the old bytes are saved as compose.yaml.bak beside it)\n"
        "  restart  init, web, in this order; db stays as it is\n"
    )


def ready_for(made: Plan) -> Any:
    return cast("Any", Ready(made, target(), ()))


def test_bytes_and_warnings_are_shown_before_the_question() -> None:
    made = plan({"init": None, "web": None})
    now, then = ImageBytes(8_520_000_000, 2_900_000_000, 3), ImageBytes(2_840_000_000, 2_840_000_000, 1)
    group = replace(made.groups[0], now=now, then=then, warnings=("another project uses the name too",))
    where = Where("compose.yaml")
    early = Finding("OB106", where, "web can start while init does not", ("web",))
    other = Finding("OB106", where, "flower can start while mail does not", ("flower",))
    text = format_optimize_preview(ready_for(replace(made, groups=(group,), findings=(early, other))), file_only=False)
    assert "  bytes    2.9 GB on disk now (8.52 GB as `docker images` adds up), then 2.84 GB\n" in text
    assert "  mind     another project uses the name too\n" in text
    assert "  mind     web can start while init does not\n" in text
    assert "flower" not in text


def test_nothing_to_do_says_why_not() -> None:
    made = plan({"init": None, "web": None})
    left = replace(made.groups[0], target=None, reason="not Airflow: left alone unless `--group init` asks for it")
    text = format_nothing_to_do(ready_for(replace(made, groups=(left,), notes=("no edit: it has two anchors",))))
    assert text.startswith(
        "Nothing to do: what several services build is left as it is.\n"
        "  init, web: not Airflow: left alone unless `--group init` asks for it\n"
    )
    assert "  no edit: it has two anchors\n" in text
    (alone,) = (replace(left, group=replace(left.group, services=left.group.services[1:])),)
    assert format_nothing_to_do(ready_for(replace(made, groups=(alone,)))) == (
        "Nothing to do: no image that could be shared is built or stored several times.\n"
    )


def test_what_could_not_be_done_is_no_nothing_to_do() -> None:
    made = plan({"init": None, "web": None})
    left = replace(made.groups[0], target=None, reason="it cannot be changed safely: a lone CR", refused=True)
    text = format_nothing_to_do(ready_for(replace(made, groups=(left,))))
    assert text.startswith(
        "Nothing was done: init and web could share an image, but the file cannot be edited safely.\n  init, web: it "
    )


def test_the_backup_is_named_as_it_will_be(tmp_path: Path) -> None:
    ready = ready_for(plan({"init": None, "web": None}))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "c.yml").touch()
    (tmp_path / "other" / "c.yml.bak").touch()
    (tmp_path / "c.yml").symlink_to("other/c.yml")
    ready.work.edits = (FileEdit(tmp_path / "c.yml", b"a", b"b"),)
    text = format_optimize_preview(ready, file_only=True)
    assert f"write    {tmp_path / 'other/c.yml'} (the old bytes are saved as c.yml.bak.1 beside it)\n" in text


def test_where_nothing_runs() -> None:
    assert "restart  nothing" in shown(running=())


def test_an_optbuild_toml_is_named() -> None:
    assert "from /p/my image/optbuild.toml, unless it is proven already" in shown(ImageOrigin.SPEC)


def test_the_file_alone() -> None:
    assert (
        shown(file_only=True).split() == f"write {FILE} (the old bytes are saved as compose.yaml.bak beside it)".split()
    )


OUTCOME = RolloutResult(
    "demo",
    files=(FILE,),
    backups=(Path("/p/compose.yaml.bak"),),
    targets=(target(),),
    images={SHARED: "sha256:" + "1" * 64},
    bytes={SHARED: (2_840_000_000, 950_000_000)},
    services=(
        ServiceResult("init", ("sha256:" + "2" * 64,), ("sha256:" + "1" * 64,), False, Downtime()),
        ServiceResult("web", ("sha256:" + "3" * 64,), ("sha256:" + "1" * 64,), True, Downtime(0.31, 6.04)),
    ),
    old=(
        OldImage("sha256:" + "2" * 64, ("demo-init:latest",), again=True),
        OldImage("sha256:" + "3" * 64, (), again=True),
        OldImage("sha256:" + "4" * 64, ("mine:v1",), "it also has the name mine:v1, which is not of this project"),
    ),
    freed=1_890_000_000,
    starts={SHARED: "docker compose --profile debug run cli"},
)


def test_the_report() -> None:
    text = format_optimize_text(OUTCOME)
    assert f"{SHARED} is 111111111111, 950 MB on disk; its services used 2.84 GB before" in text
    assert "web      333333333333  111111111111  0.3 s        6.0 s" in text
    assert "init     222222222222  111111111111  —            —" in text
    assert "2 old images that nothing uses now, 1.89 GB on disk: demo-init:latest, 333333333333" in text
    assert f"  docker image rm demo-init:latest sha256:{'3' * 64}\n" in text
    assert "mine:v1 stays: it also has the name mine:v1" in text
    assert "`docker compose build web` builds nothing any more: `docker compose build init`" in text
    remedy = "on a new machine, first `docker compose build init`"
    assert f"  `docker compose --profile debug run cli` needs the image: {remedy}\n" in text
    assert "`optbuild rollback` undoes it" in text


def test_what_clean_removed_is_said_with_its_price() -> None:
    text = format_optimize_text(RolloutResult("demo", removed=OUTCOME.old[:1], freed=1_000_000))
    assert text == "\nremoved 1 old image, 1 MB on disk: demo-init:latest\nA rollback has to build them again.\n"


def test_a_rebuild_changes_no_file_that_could_be_put_back() -> None:
    text = format_optimize_text(replace(OUTCOME, files=(), backups=()))
    assert "byte for byte" not in text
    assert "`optbuild rollback` starts the previous image again." in text


def test_old_images_without_bytes_of_their_own_are_no_gain() -> None:
    assert "2 old images that nothing uses now, no bytes of their own" in format_optimize_text(
        replace(OUTCOME, freed=0)
    )


def test_an_old_image_that_a_container_uses_is_named() -> None:
    used = OldImage("sha256:" + "5" * 64, (), "a container uses it")
    assert "555555555555 stays: a container uses it" in format_optimize_text(replace(OUTCOME, old=(used,)))


@pytest.mark.parametrize(
    ("note", "words"),
    [
        (f"built by: docker build -t {SHARED} .", f"first `docker build -t {SHARED} .`"),
        (
            f"built by: docker build -t {SHARED} --build-arg A_TOKEN=hunter2 .",
            f"first `docker build -t {SHARED} --build-arg A_TOKEN=*** .`",
        ),
        (
            "built by: optbuild optimize --rebuild",
            f"first copy it there: `docker save {SHARED}` here, `docker load` there",
        ),
    ],
)
def test_a_new_machine_knows_no_earlier_run(note: str, words: str) -> None:
    """Only the machine that made the image remembers how, so `--rebuild` is no way to it elsewhere."""
    made = replace(target(ImageOrigin.IMAGE_ONLY), note=note)
    text = format_optimize_text(replace(OUTCOME, targets=(made,), starts={SHARED: "docker compose up"}))
    assert f"`docker compose up` needs the image: on a new machine, {words}\n" in text


def test_a_new_machine_lies_elsewhere() -> None:
    made = replace(target(ImageOrigin.SPEC), note="built by: optbuild build '../my image' --verify")
    assert "on a new machine, first `optbuild build '../my image' --verify`\n" in format_optimize_text(
        replace(OUTCOME, targets=(made,))
    )


def test_nothing_done_says_nothing() -> None:
    assert format_optimize_text(RolloutResult("demo")) == ""


def test_the_json_has_the_same_figures() -> None:
    document = json.loads(format_optimize_json(OUTCOME))
    assert document["schema_version"] == 1
    assert document["bytes"] == {SHARED: {"before": 2_840_000_000, "now": 950_000_000}}
    assert document["services"][1]["stopped_seconds"] == 0.31
    assert document["services"][0]["stopped_seconds"] is None
    assert document["removal_command"].startswith("docker image rm")
    assert json.loads(format_optimize_json(RolloutResult("demo")))["removal_command"] is None
    told = json.loads(format_optimize_json(RolloutResult("demo", warnings=("mind it",), refused=SHARERS)))
    assert (told["warnings"], told["refused"]) == (["mind it"], ["init", "web"])


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (ImageOrigin.BUILDER, "`docker compose build init`"),
        (ImageOrigin.IMAGE_ONLY, "`optbuild optimize --rebuild`"),
        (ImageOrigin.SPEC, "`optbuild build --verify '/p/my image'`"),
    ],
)
def test_how_the_image_is_built_from_now_on(source: ImageOrigin, words: str) -> None:
    assert format_target_command(target(source)) == words
