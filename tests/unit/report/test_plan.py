"""A plan as a person and as a machine gets it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builder.compose.model import (
    Build,
    FileEdit,
    ImageBytes,
    ImageOrigin,
    Project,
    ProjectFiles,
    Service,
    SharedTarget,
    Sharing,
)
from builder.compose.planned import EngineImage, GroupPlan, Plan
from builder.compose.sharing.groups import ServiceGroup
from builder.core.errors import Where
from builder.findings.model import Finding
from builder.report.plan import format_plan_text
from builder.report.plan_json import format_plan_json

FOLDER = Path("/home/ada/shop")
FILE = FOLDER / "docker-compose.yml"
BUILD = Build(str(FOLDER), "Dockerfile.airflow", args=(("TOKEN", "hunter2"),))
NAMES = ("init", "scheduler", "webserver")
SECRET = {"POSTGRES_PASSWORD": "hunter2"}
POSTGRES = Service("postgres", image="postgres:13", environment=SECRET)


def airflow(build: Build = BUILD) -> ServiceGroup:
    services = (Service(name, build=build, environment=SECRET, project="shop") for name in NAMES)
    return ServiceGroup(tuple(services), airflow=True)


def project(**changes: Service) -> Project:
    services = {one.name: one for one in (*airflow().services, POSTGRES)} | changes
    answer = {"services": {"postgres": {"environment": SECRET}}}
    files = ProjectFiles(FOLDER, (FILE,))
    return Project(files, "shop", services, {FILE: b"services:\n"}, answer, answer)


def plan(**changes: Any) -> Plan:
    made = GroupPlan(
        airflow(),
        SharedTarget(NAMES, "shop-airflow:latest", ImageOrigin.BUILDER, "init"),
        now=ImageBytes(8_520_000_000, 2_840_000_000, 3),
        then=ImageBytes(2_840_000_000, 2_840_000_000, 1),
        if_apart=ImageBytes(8_520_000_000, 6_000_000_000, 3),
        sharing=Sharing.LAYERS,
        warnings=("said by a finding", "said by nobody"),
    )
    database = GroupPlan(ServiceGroup((POSTGRES,), airflow=False), None, "one service alone")
    findings = (
        Finding("OB104", Where("docker-compose.yml", 9), "postgres is another product"),
        Finding(
            "OB101",
            Where("docker-compose.yml", 4),
            "init, scheduler and webserver build ./Dockerfile.airflow 3 times",
            fix="`optbuild optimize`",
            details=("said by a finding",),
        ),
        Finding(
            "OB202", Where("docker-compose.yml", 12), "webserver has no health check", fix="healthcheck:\n  test: x"
        ),
    )
    edit = FileEdit(
        FILE, b"services:\n  init:\n    build: .\n", b"services:\n  init:\n    image: shop-airflow:latest\n"
    )
    numbered = enumerate(airflow().images)
    there = {name: EngineImage(name, f"sha256:{number}cc694b97dbfc793", 2_840_000_000) for number, name in numbered}
    return replace(Plan(project(), (made, database), findings, (edit,), "26.1.5", there), **changes)


TEXT = """\
shop: 4 services in docker-compose.yml (engine 26.1.5)

3 services build Dockerfile.airflow
  service    image                  ID              bytes
  init       shop-init:latest       0cc694b97dbf  2.84 GB
  scheduler  shop-scheduler:latest  1cc694b97dbf  2.84 GB
  webserver  shop-webserver:latest  2cc694b97dbf  2.84 GB
  now       8.52 GB added up as `docker images` does, 2.84 GB on disk: different IDs over equal
            layers, as one `docker compose build` makes them
  if apart  6 GB on disk, once each of the 3 is built without the others' cache
  then      2.84 GB on disk: one image, shop-airflow:latest, built by init
  mind      said by nobody

Other services: each with an image of its own
  service   image        ID  bytes
  postgres  postgres:13  —       —

Findings

warning OB101: several services build the same image
  docker-compose.yml:4: init, scheduler and webserver build ./Dockerfile.airflow 3 times
    - said by a finding
    fix: `optbuild optimize`

info OB104: another product: it stays apart
  docker-compose.yml:9: postgres is another product

info OB202: a service without health check
  docker-compose.yml:12: webserver has no health check
    fix:
      healthcheck:
        test: x

The edit
--- docker-compose.yml
+++ docker-compose.yml
@@ -1,3 +1,3 @@
 services:
   init:
-    build: .
+    image: shop-airflow:latest

saves     0 B on disk now (5.68 GB as `docker images` adds up); 3.16 GB once each image is built by
          itself
findings  1 warning, 2 notes; `optbuild plan --explain OB101` says why, and what else could be done
next      `optbuild optimize` applies exactly this edit, `optbuild rollback` undoes it
own       `optbuild init` writes an optbuild.toml for what Dockerfile.airflow builds: pinned,
          proven, no compiler
"""


def test_the_whole_text() -> None:
    assert format_plan_text(plan()) == TEXT


def test_names_that_the_old_compose_gave_are_told() -> None:
    found = {name: replace(image, name=name.replace("-", "_")) for name, image in plan().images.items()}
    text = " ".join(format_plan_text(plan(images=found)).split())
    assert (
        "names on the engine as shop_init:latest, shop_scheduler:latest, shop_webserver:latest, as docker-compose v1 "
        "named them; today's Compose would build them anew"
    ) in text
    assert (
        json.loads(format_plan_json(plan(images=found)))["images"]["shop-init:latest"]["found_as"] == "shop_init:latest"
    )


def test_a_name_of_the_file_s_own_is_none_of_the_old_compose() -> None:
    digest = "postgres@sha256:00"
    named = GroupPlan(ServiceGroup((Service("postgres", image=digest),), airflow=False), None)
    images = {digest: EngineImage("postgres:13", "sha256:1", 1)}
    assert "docker-compose v1" not in format_plan_text(plan(groups=(named,), images=images))


def test_color_changes_no_letter() -> None:
    colored = format_plan_text(plan(), color=True)
    assert "\x1b[" in colored
    for code in ("\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m", "\x1b[1;31m"):
        colored = colored.replace(code, "")
    assert colored == TEXT


def test_without_an_engine_bytes_are_unknown_and_never_zero() -> None:
    bare = tuple(replace(one, now=None, then=None, if_apart=None, sharing=None) for one in plan().groups)
    text = format_plan_text(plan(groups=bare, images={}, engine=""))
    assert "(no engine answered, so no bytes were measured)" in text
    assert "  init       shop-init:latest       —       —\n" in text
    assert "  then      one image, shop-airflow:latest, built by init\n" in text
    assert "0 B" not in text
    found = json.loads(format_plan_json(plan(groups=bare, images={}, engine="")))
    assert found["engine"] is None
    assert found["groups"][0]["bytes"]["now"] == {"apparent": None, "real": None, "images": None}


def test_a_group_that_stays_says_why() -> None:
    stays = replace(plan().groups[0], target=None, reason="not Airflow: left alone unless `--group init` asks for it")
    text = format_plan_text(plan(groups=(stays,), edits=()))
    assert "  as it is  not Airflow: left alone unless `--group init` asks for it\n" in text
    assert "\nedit      nothing to change in the file\n" in text
    assert "The edit" not in text


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (ImageOrigin.IMAGE_ONLY, "built by no service (`optbuild optimize --rebuild`)"),
        (ImageOrigin.SPEC, "built by `optbuild build`"),
    ],
)
def test_it_says_where_the_image_comes_from(source: ImageOrigin, words: str) -> None:
    target = SharedTarget(NAMES, "shop-airflow:latest", source)
    text = format_plan_text(plan(groups=(replace(plan().groups[0], target=target),)))
    assert words in " ".join(text.split())


def test_notes_come_first() -> None:
    text = format_plan_text(plan(notes=("no edit for a, b: docker-compose.yml:3: this is not safe",)))
    assert text.splitlines()[1] == "note: no edit for a, b: docker-compose.yml:3: this is not safe"


def test_no_secret_is_in_any_form() -> None:
    for shown in (format_plan_text(plan()), format_plan_json(plan()), repr(plan())):
        assert "hunter2" not in shown


def test_credentials_of_a_git_address_are_left_out() -> None:
    build = Build("https://ada:hunter2@git.example/shop.git#main")
    group = replace(plan().groups[0], group=airflow(build))
    for shown in (format_plan_text(plan(groups=(group,))), format_plan_json(plan(groups=(group,)))):
        assert "hunter2" not in shown
        assert "https://***@git.example/shop.git#main" in shown


HOSTILE = "x\x1b[2J\n::error::y\u202e"


def test_hostile_names_do_not_steer_the_terminal() -> None:
    service = Service(HOSTILE, image=f"postgres{HOSTILE}")
    group = GroupPlan(ServiceGroup((service,), airflow=False), None, HOSTILE)
    finding = Finding("OB101", Where(HOSTILE, 1), HOSTILE, (HOSTILE,), HOSTILE, (HOSTILE,))
    made = plan(
        project=project(**{HOSTILE: service}), groups=(*plan().groups, group), findings=(finding,), notes=(HOSTILE,)
    )
    text = format_plan_text(made)
    assert not {"\x1b", "\u202e"} & set(text)
    assert "::error::y" in text, "the names are shown, but harmless"
    assert [line for line in text.splitlines() if line.startswith("::")] == []


def test_json_has_everything_by_name() -> None:
    found = json.loads(format_plan_json(plan()))
    assert set(found) == {
        *("schema_version", "project", "engine", "notes", "groups", "images", "findings", "edits", "affected"),
    }
    assert found["schema_version"] == 1
    assert found["affected"] == list(NAMES)
    group = found["groups"][0]
    assert group["bytes"]["now"] == {"apparent": 8_520_000_000, "real": 2_840_000_000, "images": 3}
    assert (group["sharing"], group["builds"], group["duplicate"]) == ("equal-layers", "Dockerfile.airflow", True)
    assert group["target"] == {
        "image": "shop-airflow:latest",
        "source": "builder",
        "builder": "init",
        "pull_policy": "never",
    }
    assert [one["code"] for one in found["findings"]] == ["OB101", "OB104", "OB202"]
    (edit,) = found["edits"]
    assert edit["file"] == "docker-compose.yml"
    assert edit["diff"].startswith("--- docker-compose.yml\n")
    assert len(edit["sha256_before"]) == len(edit["sha256_after"]) == 64


def test_json_has_no_edit_that_changes_nothing() -> None:
    assert json.loads(format_plan_json(plan(edits=(FileEdit(FILE, b"x", b"x"),))))["edits"] == []


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal_except_what_is_to_be_pasted(width: int) -> None:
    """Everything that is long: names, a note, a reason, a title, findings with advice in words and with text."""
    prose, code = "word " * 60, "RUN " + "paste " * 40
    long = tuple(
        Finding(rule, Where("a/folder/docker-compose.yml", 4), prose, fix=fix, details=(prose,))
        for rule, fix in (("OB101", f"`optbuild optimize`: {prose}"), ("OB201", code), ("OB203", prose))
    )
    service = Service("a-service-with-a-long-name" * 2, image="registry.example:5000/a/long/path/to/an/image:2.8.1-rc1")
    stays = replace(plan().groups[0], target=None, reason=prose, warnings=(prose,))
    alone = GroupPlan(ServiceGroup((service,), airflow=False), None)
    made = plan(
        project=project(**{service.name: service}), groups=(stays, alone), findings=long, notes=(prose,), edits=()
    )
    wide = [line for line in format_plan_text(made, width=width).splitlines() if len(line) > width]
    assert wide == [f"    fix: {code.rstrip()}"]
    assert max(map(len, format_plan_text(made, width=width).splitlines()[:3])) > min(width, 100) - 12, (
        "the room is used"
    )


@pytest.mark.parametrize("width", [60, 80, 120])
def test_an_edit_is_shown_as_it_is(width: int) -> None:
    edit = FileEdit(FILE, b"a:\n", b"a: " + b"x" * 200 + b"\n")
    assert f"+a: {'x' * 200}\n" in format_plan_text(plan(edits=(edit,)), width=width)


def test_names_are_cut_in_the_middle_and_no_row_is_broken() -> None:
    lines = format_plan_text(plan(), width=60).splitlines()
    at = lines.index("  service    image                  ID              bytes")
    assert lines[at + 1] == "  init       shop-init:latest       0cc694b97dbf  2.84 GB"
    names = {name: replace(image, name=name) for name, image in plan().images.items()}
    long = tuple(replace(one, project="a-project-with-a-long-name") for one in airflow().services)
    group = replace(plan().groups[0], group=ServiceGroup(long, airflow=True))
    lines = format_plan_text(plan(groups=(group,), images=names), width=60).splitlines()
    assert "  scheduler  a-project-with-a-…e-scheduler:latest  —       —" in lines


def test_a_file_outside_the_folder_is_named_as_findings_name_it() -> None:
    build = Build("/home/ada/shared", "Dockerfile", target="web")
    text = format_plan_text(plan(groups=(replace(plan().groups[0], group=airflow(build)),)))
    assert "\n3 services build ../shared/Dockerfile, target web\n" in text


def test_other_products_are_one_line() -> None:
    others = tuple(
        Finding("OB104", Where("docker-compose.yml", line), f"{name} is another product", (name,), details=(name,))
        for line, name in enumerate(("postgres", "redis", "grafana"), 9)
    )
    text = format_plan_text(plan(findings=others))
    assert text.count("OB104") == 3, "the finding, where to ask, and the first code of the summary"
    assert "  docker-compose.yml:9: postgres, redis and grafana are other programs than Airflow;" in text
    assert "\nfindings  1 note;" in text


@pytest.mark.parametrize(
    ("now", "then", "apart", "said"),
    [
        ((8, 6), (2, 2), None, "4 GB on disk now (6 GB as `docker images` adds up)"),
        ((6, 6), (2, 2), None, "4 GB on disk now"),
        ((6, 2), (2, 2), (6, 6), "0 B on disk now (4 GB as `docker images` adds up); 4 GB once each image is built"),
        ((2, 2), (3, 3), None, "0 B on disk now"),
        (None, (2, 2), None, "— (bytes were not measured)"),
    ],
)
def test_the_summary_says_what_is_saved(
    now: tuple[int, int] | None, then: tuple[int, int], apart: tuple[int, int] | None, said: str
) -> None:
    def measure(pair: tuple[int, int] | None) -> ImageBytes | None:
        return None if pair is None else ImageBytes(pair[0] * 10**9, pair[1] * 10**9, 3)

    group = replace(plan().groups[0], now=measure(now), then=measure(then), if_apart=measure(apart))
    lines = " ".join(format_plan_text(plan(groups=(group,))).split("\nsaves ")[1].split("findings")[0].split())
    assert lines.startswith(said)
    assert lines == said or apart


def test_a_group_that_nobody_measured_is_not_counted_as_saved() -> None:
    bare = replace(plan().groups[0], now=None, then=None, if_apart=None)
    text = " ".join(format_plan_text(plan(groups=(plan().groups[0], bare))).split())
    assert "once each image is built by itself; 1 group not measured" in text


def test_the_summary_is_last() -> None:
    words = [line.split()[0] for line in format_plan_text(plan()).splitlines()[-6:]]
    assert words == ["saves", "itself", "findings", "next", "own", "proven,"]


@pytest.mark.parametrize(
    ("airflow", "source", "offered"), [(True, "BUILDER", True), (True, "SPEC", False), (False, "BUILDER", False)]
)
def test_init_is_offered_where_a_build_of_airflow_has_no_spec(airflow: bool, source: str, offered: bool) -> None:
    (one, *others) = plan().groups
    assert one.target is not None
    group = replace(one.group, airflow=airflow)
    target = replace(one.target, source=ImageOrigin[source], builder=None if source == "SPEC" else one.target.builder)
    text = format_plan_text(plan(groups=(replace(one, group=group, target=target), *others)))
    assert ("`optbuild init`" in text) is offered


def test_what_an_inspection_called_waste_is_said_with_init() -> None:
    (image, *_) = plan().images.values()
    text = " ".join(format_plan_text(plan(waste={image.id: 312_000_000})).split())
    assert f"no compiler; 312 MB of {image.name} is waste (`optbuild inspect`)" in text
    assert "is waste" not in format_plan_text(plan(waste={"sha256:another": 312_000_000, image.id: 0}))


def test_no_image_is_made_up_for_a_service_that_names_none() -> None:
    nameless = Service("fluentd", project="shop")
    single = GroupPlan(ServiceGroup((nameless,), airflow=False), None, "one service alone")
    made = plan()
    text = format_plan_text(replace(made, groups=(*made.groups, single)))
    assert "fluentd" in text
    assert "shop-fluentd" not in text
