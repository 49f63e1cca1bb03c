"""A build against a runner and an engine in memory: what is asked of them, and in which order."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from runtime_factory import make_runtime

from builder.core.errors import BuildFailedError, BuildRefusedError, DiskFullError, EngineFailedError
from builder.core.process import Command, ProcessResult
from builder.engine.buildx import BuildOptions
from builder.engine.client import EngineInfo, ImageInfo
from builder.image.build import build as build_stage
from builder.image.build.build import build_candidate, lock_project
from builder.image.build.model import BuildJob
from builder.image.build.preflight import DiskEstimate
from builder.image.render.model import BuildContext, ContextFile
from builder.state import VerifiedImage, read_state, update_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.engine.client import Engine

CONTEXT = BuildContext((ContextFile("Dockerfile", b"FROM scratch\n"),), "linux/amd64", 17)
EVENT = json.dumps({"vertexes": [{"digest": "a", "name": "RUN x", "error": "exit code: 1", "started": None}]})


@dataclass
class FakeDocker:
    """Engine and runner in one: a build makes the image that ``makes`` says."""

    version: str = "0.13.1"
    code: int = 0
    says: tuple[str, ...] = ()
    makes: ImageInfo | None = None
    images: dict[str, ImageInfo] = field(default_factory=dict)
    builds: list[Command] = field(default_factory=list)
    free: int | None = 10**12
    driver: str = "docker"
    info: EngineInfo = field(
        default_factory=lambda: EngineInfo("e", "26", "/root", "linux/amd64", containerd_store=False)
    )

    def run(
        self,
        command: Command,
        *,
        on_out: Callable[[str], None] | None = None,
        on_err: Callable[[str], None] | None = None,
    ) -> ProcessResult:
        match command.argv[1:3]:
            case ("buildx", "version"):
                return ProcessResult(command, 0, f"github.com/docker/buildx {self.version} x", "")
            case ("buildx", "inspect"):
                return ProcessResult(command, 0, f"Name: default\nDriver: {self.driver}\nPlatforms: linux/amd64\n", "")
        self.builds.append(command)
        assert on_err is not None
        for line in self.says:
            on_err(line)
        if self.code == 0 and self.makes is not None:
            found = json.dumps({"containerimage.config.digest": self.makes.id})
            Path(command.argv[command.argv.index("--metadata-file") + 1]).write_text(found)
            self.images[command.argv[command.argv.index("--tag") + 1]] = self.makes
        return ProcessResult(command, self.code, "", "")

    def inspect_image(self, reference: str) -> ImageInfo | None:
        return self.images.get(reference)

    def find_image_id(self, reference: str) -> str | None:
        image = self.images.get(reference)
        return None if image is None else image.id

    def measure_free_bytes(self) -> int | None:
        return self.free


@dataclass
class Place:
    """A job, and all that was said."""

    job: BuildJob
    docker: FakeDocker
    notes: list[str]
    err: io.StringIO


class Notes:
    def __init__(self, notes: list[str]) -> None:
        self.notes = notes

    def note(self, text: str) -> None:
        self.notes.append(text)

    def task(self, label: str) -> object:
        raise AssertionError(label)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    docker, notes, err = FakeDocker(), list[str](), io.StringIO()
    env = {"HOME": str(tmp_path), "UV_INDEX": "https://u:hidden@x.example"}
    runtime = make_runtime(tmp_path, env, runner=docker, progress=Notes(notes), err=err)
    job = BuildJob(
        runtime, CONTEXT, "demo", cast("Engine", docker), BuildOptions(), lambda _c, _f: None, DiskEstimate(1000)
    )
    docker.makes = good(job)
    return Place(job, docker, notes, err)


def good(job: BuildJob) -> ImageInfo:
    labels = {"optbuild.project": "demo", "optbuild.content": job.content_tag}
    return ImageInfo("sha256:a", (job.reference,), labels, "linux/amd64", 42)


def proven(place: Place, image: ImageInfo) -> None:
    """On the engine, and verified."""
    place.docker.images[place.job.reference] = image
    verified = VerifiedImage(image.id, "demo", place.job.content_tag, "p", 1.0)
    update_state(place.job.runtime.state_folder, lambda state: state.with_verified(verified))


def test_a_build_gives_the_image_of_its_content_tag(place: Place) -> None:
    found = build_candidate(place.job)
    assert (found.image_id, found.reference, found.bytes, found.cached) == ("sha256:a", place.job.reference, 42, False)
    assert len(place.docker.builds) == 1


def test_a_build_is_written_down_before_it_begins_and_when_it_ended(place: Place) -> None:
    folder = place.job.runtime.state_folder
    seen: list[str | None] = []

    def prepare(_context: BuildContext, _folder: Path) -> None:
        seen.extend(one.image_id for one in read_state(folder).candidates)

    build_candidate(replace(place.job, prepare=prepare))
    (left,) = read_state(folder).candidates
    assert (seen, left.image_id, left.reference, left.before) == ([None], "sha256:a", place.job.reference, None)


def test_what_is_proven_needs_no_process(place: Place) -> None:
    proven(place, good(place.job))
    assert build_candidate(place.job).cached
    assert place.docker.builds == []
    assert read_state(place.job.runtime.state_folder).candidates == ()


def test_an_image_that_was_never_verified_is_built_again(place: Place) -> None:
    place.docker.images[place.job.reference] = good(place.job)
    assert not build_candidate(place.job).cached
    assert len(place.docker.builds) == 1


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"labels": {}}, id="no labels"),
        pytest.param({"platform": "linux/arm64"}, id="platform"),
        pytest.param({"labels": {"optbuild.project": "demo", "optbuild.content": "other"}}, id="content"),
    ],
)
def test_an_image_that_is_not_what_was_planned_is_no_proof(place: Place, changed: dict[str, Any]) -> None:
    proven(place, replace(good(place.job), **changed))
    assert not build_candidate(place.job).cached


class Ordering:
    """Stands for what puts layers in order: each image becomes another one. ``asked``: whether a cache was used."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[bool] = []
        monkeypatch.setattr(build_stage, "put_layers_in_order", self.order)

    def order(self, _runtime: object, _engine: object, image: ImageInfo, _name: str, *, from_cache: bool) -> ImageInfo:
        self.asked.append(from_cache)
        return replace(image, id="sha256:ordered")


def test_the_image_is_the_one_with_its_layers_in_order(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    ordering = Ordering(monkeypatch)
    found = build_candidate(place.job)
    assert (found.image_id, found.config_digest, found.cached) == ("sha256:ordered", "sha256:ordered", False)
    internal = {"digest": "a", "name": "[internal] load build context", "cached": True}
    step = {"digest": "b", "name": "[2/3] COPY a b", "cached": True}
    for steps in ([internal], [internal, step]):
        place.docker.says = (json.dumps({"vertexes": steps}),)
        build_candidate(place.job)
    place.docker.version = "0.12.0"
    build_candidate(place.job)
    assert ordering.asked == [False, False, True, True], "an old buildx does not say what was cached"


def test_a_builder_with_a_store_of_its_own_writes_the_one_order(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    ordering = Ordering(monkeypatch)
    place.docker.driver = "docker-container"
    assert build_candidate(place.job).image_id == "sha256:a"
    assert ordering.asked == []


def test_what_was_proven_in_another_order_must_be_proven_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    ordering = Ordering(monkeypatch)
    proven(place, good(place.job))
    found = build_candidate(place.job)
    assert (found.image_id, found.cached, ordering.asked) == ("sha256:ordered", False, [True])
    assert place.docker.builds == []


def test_no_cache_builds_what_is_proven(place: Place) -> None:
    proven(place, good(place.job))
    job = replace(place.job, options=BuildOptions(no_cache=True))
    assert not build_candidate(job).cached
    assert "--no-cache" in place.docker.builds[0].argv


def test_another_byte_has_another_tag(place: Place) -> None:
    proven(place, good(place.job))
    other = BuildContext((ContextFile("Dockerfile", b"FROM scratch\n\n"),), "linux/amd64", 17)
    job = replace(place.job, context=other)
    assert job.reference != place.job.reference
    place.docker.makes = good(job)
    assert not build_candidate(job).cached


def test_wrong_labels_of_a_built_image_are_an_error(place: Place) -> None:
    place.docker.makes = replace(good(place.job), labels={"optbuild.project": "demo"})
    with pytest.raises(BuildFailedError, match=r"label optbuild\.content is None"):
        build_candidate(place.job)


def test_a_build_without_an_image_is_an_error(place: Place) -> None:
    place.docker.makes = None
    with pytest.raises(EngineFailedError, match="no such image"):
        build_candidate(place.job)


def test_an_old_buildx_has_its_plain_output_passed_on_and_that_is_said_once(place: Place) -> None:
    place.docker.version = "0.12.0"
    place.docker.says = ("#1 load hidden", "#2 https://u:hidden@x.example")
    build_candidate(place.job)
    assert [note for note in place.notes if "no event stream" in note] == [place.notes[0]]
    assert place.notes[2:] == ["#1 load ***", "#2 ***"]
    assert "plain" in place.docker.builds[0].argv


def test_rawjson_is_passed_on_masked_and_nothing_else(place: Place) -> None:
    place.docker.says = (EVENT.replace("RUN x", "RUN hidden"),)
    build_candidate(replace(place.job, options=BuildOptions(progress="rawjson")))
    assert place.err.getvalue() == EVENT.replace("RUN x", "RUN ***") + "\n"


def test_a_failed_build_names_its_step(place: Place) -> None:
    place.docker.code, place.docker.says = 1, (EVENT,)
    with pytest.raises(BuildFailedError, match=r"RUN x failed: exit code: 1"):
        build_candidate(place.job)
    assert list((place.job.runtime.cache_folder / "contexts").iterdir()) == []


def test_refusals_come_before_the_build(place: Place) -> None:
    with pytest.raises(BuildRefusedError):
        build_candidate(replace(place.job, options=BuildOptions(cache_to=("type=local,dest=x",))))
    place.docker.free = 10
    with pytest.raises(DiskFullError, match="/root"):
        build_candidate(replace(place.job, estimate=DiskEstimate(10**9)))
    assert place.docker.builds == []


def test_the_base_is_made_inside_the_written_context(place: Place) -> None:
    seen: list[bytes] = []

    def prepare(_context: BuildContext, folder: Path) -> None:
        seen.append((folder / "Dockerfile").read_bytes())

    build_candidate(replace(place.job, prepare=prepare))
    assert seen == [b"FROM scratch\n"]


def test_secrets_are_not_in_the_argument_vector(place: Place) -> None:
    build_candidate(place.job)
    assert "hidden" not in " ".join(place.docker.builds[0].argv)


def test_the_project_lock_is_one_per_engine_and_name(place: Place) -> None:
    engine = place.job.engine
    with lock_project(place.job.runtime, engine, "demo"), lock_project(place.job.runtime, engine, "other"):
        assert len(list((place.job.runtime.state_folder / "locks").iterdir())) == 2
