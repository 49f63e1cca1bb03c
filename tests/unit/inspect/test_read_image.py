"""An image of a fake engine, or of an archive on disk, from its first byte to what is told of it."""

from __future__ import annotations

import io
import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from archive_files import chunks, config_of, image, images, oci_image, old_image, sha256, tar

from builder.core.errors import (
    BadImageArchiveError,
    BadImageNameError,
    BaseNotSavedError,
    EngineFailedError,
    NoSuchImageError,
    NotABaseError,
)
from builder.core.progress import LineProgress, SilentProgress
from builder.engine.layers import compute_chain_ids
from builder.inspect.layer import read_layer
from builder.inspect.read import read_archive_file, read_image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builder.engine.archive import ArchivedLayer
    from builder.inspect.model import ImageContent, LayerContent

COMPOSE = "com.docker.compose.project"
BUILT = {"optbuild.project": "shop", "optbuild.content": "a"}
ONE, TWO, THREE = tar({"a": b"1" * 100}), tar({"b": b"2" * 30}), tar({"c": b"3"})


class GoneError(EngineFailedError):
    status_code = 404


class BadRequestError(EngineFailedError):
    status_code = 400


def diff(layer: bytes) -> str:
    return f"sha256:{sha256(layer)}"


@dataclass
class Stored:
    """An image of the fake engine."""

    layers: tuple[bytes, ...]
    tags: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    digests: tuple[str, ...] = ()
    archive: bytes | None = None
    history: list[dict[str, Any]] | None = None
    shell: list[str] | None = None
    start: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"sha256:{sha256(config_of(self.layers, name=self.tags))}"

    def saved(self) -> bytes:
        return image(*self.layers, name=self.tags) if self.archive is None else self.archive


class FakeApi:
    """An engine that counts what it is asked."""

    def __init__(self, *stored: Stored) -> None:
        self._stored = {one.id: one for one in stored}
        self.saves = 0
        self.inspected: list[str] = []

    @property
    def api(self) -> FakeApi:
        return self

    def _find(self, name: str) -> Stored:
        for one in self._stored.values():
            if name == one.id or name in one.tags:
                return one
        raise GoneError(f"no such image {name}")

    def images(self) -> list[dict[str, Any]]:
        return [
            {
                "Id": one.id,
                "Size": 10 * len(one.layers),
                "RepoTags": list(one.tags) or None,
                "RepoDigests": list(one.digests) or None,
                "Labels": one.labels or None,
            }
            for one in self._stored.values()
        ]

    def inspect_image(self, image: str) -> dict[str, Any]:
        self.inspected.append(image)
        if " " in image:
            raise BadRequestError("invalid reference format")
        found = self._find(image)
        return {
            "Id": found.id,
            "Size": 10 * len(found.layers),
            "RepoTags": list(found.tags),
            "Os": "linux",
            "Architecture": "arm64",
            "Created": "2026-11-25T12:49:35.969130368Z",
            "Config": {"Labels": found.labels or None, "Shell": found.shell, **found.start},
            "RootFS": {"Type": "layers", "Layers": [diff(layer) for layer in found.layers]},
        }

    def history(self, image: str) -> list[dict[str, Any]]:
        found = self._find(image)
        entries = [{"CreatedBy": f"COPY part{n} / # buildkit", "Size": 10} for n in range(len(found.layers))]
        return list(reversed(entries if found.history is None else found.history))

    def get_image(self, image: str, chunk_size: int = 0) -> Iterator[bytes]:
        self.saves += 1
        yield from chunks(self._find(image).saved())


def look(api: FakeApi, folder: Path, name: str = "it:1", **more: Any) -> ImageContent:
    return read_image(api, name, folder, SilentProgress(), **more)


def test_everything_is_told_of_an_image(tmp_path: Path) -> None:
    stored = Stored((ONE, TWO), ("it:1", "also:2"), {"team": "ml"})
    found = look(FakeApi(stored), tmp_path)
    assert (found.id, found.references, found.platform) == (stored.id, ("it:1", "also:2"), "linux/arm64")
    assert found.created == pytest.approx(1795610975.969)
    assert found.labels == {"team": "ml"}
    assert [layer.diff for layer in found.layers] == [diff(ONE), diff(TWO)]
    assert [layer.bytes for layer in found.layers] == [100, 30]
    assert found.chains == compute_chain_ids([diff(ONE), diff(TWO)])
    assert found.instructions == ("COPY part0 /", "COPY part1 /")
    assert (found.base_layers, found.base_name) == (0, "")


START = {"Env": ["PATH=/opt/venv/bin:/bin", "EMPTY=", "no sign"], "Entrypoint": ["/entrypoint"], "Cmd": ["web", "-v"]}


def test_how_its_containers_start_is_told_by_engine_and_archive(tmp_path: Path) -> None:
    saved = from_file(tmp_path, image(ONE, config=START))
    for found in (look(FakeApi(Stored((ONE,), ("it:1",), start=START)), tmp_path), saved):
        assert found.environment == {"PATH": "/opt/venv/bin:/bin", "EMPTY": ""}
        assert found.start == ("/entrypoint", "web", "-v")
    assert look(FakeApi(Stored((ONE,), ("it:1",), start={"Env": None, "Cmd": None})), tmp_path).start == ()


def test_the_order_is_that_of_the_image_and_a_layer_may_come_twice(tmp_path: Path) -> None:
    found = look(FakeApi(Stored((TWO, ONE, TWO), ("it:1",))), tmp_path)
    assert [layer.bytes for layer in found.layers] == [30, 100, 30]


def test_a_second_look_asks_for_no_bytes_and_tells_the_same(tmp_path: Path) -> None:
    api = FakeApi(Stored((ONE, TWO), ("it:1",)))
    first = look(api, tmp_path)
    assert look(api, tmp_path) == first
    assert api.saves == 1


def test_a_layer_that_was_read_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(layer: ArchivedLayer) -> LayerContent:
        read.append(layer.name)
        return read_layer(layer)

    monkeypatch.setattr("builder.inspect.read.read_layer", counted)
    api = FakeApi(Stored((ONE,), ("base:1",)), Stored((ONE, TWO), ("it:1",)))
    look(api, tmp_path, "base:1")
    assert [layer.bytes for layer in look(api, tmp_path).layers] == [100, 30]
    assert read == [f"blobs/sha256/{sha256(ONE)}", f"blobs/sha256/{sha256(TWO)}"]
    assert api.saves == 2


def test_a_damaged_cache_is_read_again(tmp_path: Path) -> None:
    api = FakeApi(Stored((ONE, TWO), ("it:1",)))
    first = look(api, tmp_path)
    for path in (tmp_path / "layers").iterdir():
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert look(api, tmp_path) == first
    assert api.saves == 2


def test_an_image_without_layers_is_an_image(tmp_path: Path) -> None:
    api = FakeApi(Stored((), ("it:1",)))
    assert look(api, tmp_path).layers == ()
    assert api.saves == 0


def test_layers_of_older_engines_are_known_by_their_bytes(tmp_path: Path) -> None:
    stored = Stored((ONE, TWO), ("it:1",))
    stored.archive = old_image({"x/layer.tar": ONE, "y/layer.tar": TWO})
    assert [layer.bytes for layer in look(FakeApi(stored), tmp_path).layers] == [100, 30]


@pytest.mark.parametrize(
    "archive",
    [
        pytest.param(image(ONE), id="fewer layers"),
        pytest.param(image(ONE, THREE), id="another layer"),
        pytest.param(image(TWO, ONE), id="another order"),
        pytest.param(image(ONE, TWO).rstrip(b"\0")[:-100], id="cut"),
    ],
)
def test_an_engine_that_sends_something_else_is_not_believed(tmp_path: Path, archive: bytes) -> None:
    stored = Stored((ONE, TWO), ("it:1",), archive=archive)
    with pytest.raises(BadImageArchiveError):
        look(FakeApi(stored), tmp_path)


def test_an_image_that_is_not_there_is_named_with_its_like(tmp_path: Path) -> None:
    with pytest.raises(NoSuchImageError, match=r"no image it:2\n.*it:1") as caught:
        look(FakeApi(Stored((ONE,), ("it:1",))), tmp_path, "it:2")
    assert caught.value.exit_code == 2


def test_no_secret_of_a_build_is_shown(tmp_path: Path) -> None:
    history = [
        {"CreatedBy": "ARG TOKEN=", "Size": 0},
        {"CreatedBy": "RUN |1 TOKEN=s3cret-value /bin/sh -c make # buildkit", "Size": 100},
        {"CreatedBy": "ENV KEY=s3cret-value", "Size": 0},
        {"CreatedBy": "COPY s3cret-value / # buildkit", "Size": 30},
    ]
    found = look(FakeApi(Stored((ONE, TWO), ("it:1",), history=history)), tmp_path)
    assert found.instructions == ("RUN TOKEN=*** make", "COPY *** /")


def test_a_history_that_does_not_fit_says_nothing(tmp_path: Path) -> None:
    stored = Stored((ONE, TWO), ("it:1",), history=[{"CreatedBy": "COPY a /", "Size": 100}])
    assert look(FakeApi(stored), tmp_path).instructions == ("", "")


def test_progress_goes_to_its_end_and_never_beyond(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.inspect.read.REPORT_EVERY", 1000)
    told: list[tuple[float, float]] = []
    details: list[str] = []

    class Spy(SilentProgress):
        @contextmanager
        def task(self, label: str) -> Iterator[Any]:
            assert label == "reading it:1"

            class Task:
                def update(self, *, detail: str, done: float | None = None, total: float | None = None) -> None:
                    details.append(detail)
                    if done is not None and total is not None:
                        told.append((done, total))

            yield Task()

    read_image(FakeApi(Stored((ONE, TWO), ("it:1",))), "it:1", tmp_path, Spy())
    assert told
    assert all(done <= total for done, total in told)
    assert re.fullmatch(r"[0-9]{2} kB", details[-1])


def test_it_is_told_how_much_was_read_also_of_a_small_archive(tmp_path: Path) -> None:
    stream = io.StringIO()
    read_archive_file(archive(tmp_path, image(ONE, TWO)), tmp_path / "cache", LineProgress(stream))
    assert re.fullmatch(r"=> reading image.tar: done in 0\.[0-9] s, [0-9]{2} kB", stream.getvalue().splitlines()[-1])


# --- the base


def test_the_longest_tagged_image_below_is_the_base(tmp_path: Path) -> None:
    api = FakeApi(
        Stored((ONE,), ("debian:12",)),
        Stored((ONE, TWO), ("python:3.11",)),
        Stored((TWO,), ("other:1",)),
        Stored((ONE, TWO, THREE), ("it:1",)),
        Stored((ONE, TWO, THREE), ("same:1",), {"x": "y"}),
    )
    found = look(api, tmp_path)
    assert (found.base_layers, found.base_name) == (2, "python:3.11")


def test_of_many_images_each_is_asked_once_and_larger_ones_never(tmp_path: Path) -> None:
    many = [Stored((ONE,), (f"b{number}:1",)) for number in range(20)]
    api = FakeApi(*many, Stored((ONE, TWO, THREE), ("large:1",)), Stored((ONE, TWO), ("it:1",)))
    first = look(api, tmp_path)
    assert (first.base_layers, first.base_name) == (1, "b9:1")
    assert len(api.inspected) == 21
    assert look(api, tmp_path) == first
    assert len(api.inspected) == 22


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"[]",
        b'{"version": 0, "images": {}}',
        b'{"version": 1, "images": [1]}',
        b'{"version": 1, "images": {"x": ["y"]}}',
        b'{"version": 1, "images": {"sha256:a": 7}}',
    ],
)
def test_what_was_known_of_images_is_only_used_whole(tmp_path: Path, damage: bytes) -> None:
    api = FakeApi(Stored((ONE,), ("base:1",)), Stored((ONE, TWO), ("it:1",)))
    first = look(api, tmp_path)
    path = tmp_path / "image-layers.json"
    good = path.read_bytes()
    path.write_bytes(damage)
    assert look(api, tmp_path) == first
    assert path.read_bytes() == good


def test_images_that_are_gone_are_forgotten(tmp_path: Path) -> None:
    base, other, it = Stored((ONE,), ("base:1",)), Stored((TWO,), ("other:1",)), Stored((ONE, TWO), ("it:1",))
    look(FakeApi(base, other, it), tmp_path)
    look(FakeApi(base, it), tmp_path)
    assert set(json.loads((tmp_path / "image-layers.json").read_bytes())["images"]) == {base.id}


def test_an_image_without_a_tag_is_no_base(tmp_path: Path) -> None:
    api = FakeApi(Stored((ONE,), ()), Stored((ONE, TWO), ("it:1",)))
    assert look(api, tmp_path).base_layers == 0


@pytest.mark.parametrize(
    ("tags", "labels", "other_tags", "other_labels"),
    [
        pytest.param(("rev:1",), {}, ("rev:old",), {}, id="an earlier build"),
        pytest.param(("rev:1",), {}, ("docker.io/library/rev:old",), {}, id="in another spelling"),
        pytest.param(("it:1", "rev:1"), {}, ("a:1", "rev:old"), {}, id="one of several names"),
        pytest.param(("h.example:5000/rev:1",), {}, ("h.example:5000/rev:old",), {}, id="of a registry"),
        pytest.param(("web:1",), {COMPOSE: "shop"}, ("builder:1",), {COMPOSE: "shop"}, id="the same compose project"),
        pytest.param(
            ("web:1",),
            {"optbuild.project": "shop", "optbuild.content": "b"},
            ("old:1",),
            {"optbuild.project": "shop", "optbuild.content": "a"},
            id="the same optbuild project",
        ),
        pytest.param((), {}, ("rev:old",), {}, id="an image without a name"),
    ],
)
def test_another_build_of_the_same_program_is_no_base(
    tmp_path: Path,
    tags: tuple[str, ...],
    labels: dict[str, str],
    other_tags: tuple[str, ...],
    other_labels: dict[str, str],
) -> None:
    it = Stored((ONE, TWO, THREE), tags, labels)
    earlier = Stored((ONE, TWO), other_tags, other_labels)
    found = look(FakeApi(earlier, it), tmp_path, it.id)
    assert (found.base_layers, found.base_name, found.base_why) == (0, "", "")


@pytest.mark.parametrize(
    ("labels", "other_labels"),
    [
        pytest.param({COMPOSE: "shop"}, {COMPOSE: "other"}, id="another compose project"),
        pytest.param({COMPOSE: "shop"}, {}, id="of no project"),
        pytest.param(BUILT, BUILT, id="an image of `optbuild build`, whose labels are inherited"),
    ],
)
def test_another_program_is_a_base(tmp_path: Path, labels: dict[str, str], other_labels: dict[str, str]) -> None:
    it, below = Stored((ONE, TWO), ("team/it:1",), labels), Stored((ONE,), ("it:1",), other_labels)
    found = look(FakeApi(below, it), tmp_path, it.id)
    assert (found.base_layers, found.base_name) == (1, "it:1")
    assert found.base_why.startswith("no other program's image on the engine has more")


def test_an_earlier_build_hides_no_base_below_it(tmp_path: Path) -> None:
    api = FakeApi(Stored((ONE,), ("debian:12",)), Stored((ONE, TWO), ("it:old",)), Stored((ONE, TWO, THREE), ("it:1",)))
    assert look(api, tmp_path).base_name == "debian:12"
    assert look(api, tmp_path, base="it:old").base_layers == 2
    none = look(api, tmp_path, base="scratch")
    assert (none.base_layers, none.base_why) == (0, "--base says so")


@pytest.mark.parametrize("base", [None, "UPPER/Bad Name"])
def test_what_no_image_can_be_called_is_said(tmp_path: Path, base: str | None) -> None:
    name = "it:1" if base else "UPPER/Bad Name"
    with pytest.raises(
        BadImageNameError, match="UPPER/Bad Name is not the name of an image: lower-case letters, no blanks"
    ):
        look(FakeApi(Stored((ONE,), ("it:1",))), tmp_path, name, base=base)


@pytest.mark.parametrize(
    "labels",
    [
        {"org.opencontainers.image.base.name": "docker.io/library/debian:12"},
        {"org.opencontainers.image.base.digest": "sha256:abc"},
    ],
)
def test_a_label_names_the_base_where_that_is_here_and_below(tmp_path: Path, labels: dict[str, str]) -> None:
    debian = Stored((ONE,), ("debian:12",), digests=("debian@sha256:abc",))
    it = Stored((ONE, TWO, THREE), ("it:1",), labels)
    found = look(FakeApi(debian, Stored((ONE, TWO), ("longer:1",)), it), tmp_path)
    assert found.base_layers == 1
    assert found.base_name in {"docker.io/library/debian:12", debian.id}
    assert found.base_why == f"the image's label {next(iter(labels))} says so"


def test_a_label_that_is_not_true_is_not_followed(tmp_path: Path) -> None:
    labels = {"org.opencontainers.image.base.name": "debian:12"}
    api = FakeApi(Stored((TWO,), ("debian:12",)), Stored((ONE,), ("b:1",)), Stored((ONE, TWO), ("it:1",), labels))
    assert (look(api, tmp_path).base_layers, look(api, tmp_path).base_name) == (1, "b:1")


def test_a_base_that_is_given_wins(tmp_path: Path) -> None:
    labels = {"org.opencontainers.image.base.name": "longer:1"}
    api = FakeApi(
        Stored((ONE,), ("debian:12",)),
        Stored((ONE, TWO), ("longer:1",)),
        Stored((ONE, TWO, THREE), ("it:1",), labels),
    )
    found = look(api, tmp_path, base="debian:12")
    assert (found.base_layers, found.base_name, found.base_why) == (1, "debian:12", "--base says so")


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ((TWO,), "only 0 of its 1 layers"),
        ((ONE, THREE), "only 1 of its 2 layers"),
        ((ONE, TWO), "all layers of this image"),
        ((ONE, TWO, THREE), "only 2 of its 3 layers"),
    ],
)
def test_a_base_that_is_given_must_be_below(tmp_path: Path, layers: tuple[bytes, ...], words: str) -> None:
    api = FakeApi(Stored(layers, ("base:1",)), Stored((ONE, TWO), ("it:1",), {"a": "b"}))
    with pytest.raises(NotABaseError, match=words):
        look(api, tmp_path, base="base:1")
    assert api.saves == 0


def test_a_base_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoSuchImageError, match="no image debian:13"):
        look(FakeApi(Stored((ONE, TWO), ("it:1",))), tmp_path, base="debian:13")


# --- archives on disk


def archive(folder: Path, data: bytes) -> Path:
    path = folder / "image.tar"
    path.write_bytes(data)
    return path


def from_file(folder: Path, data: bytes, **more: Any) -> ImageContent:
    return read_archive_file(archive(folder, data), folder / "cache", SilentProgress(), **more)


def test_an_archive_tells_what_an_engine_would(tmp_path: Path) -> None:
    history = [
        {"created_by": "ADD base.tar / # buildkit"},
        {"created_by": "ENV TOKEN=abc", "empty_layer": True},
        {"created_by": "RUN |1 TOKEN=s3cret /bin/sh -c make"},
    ]
    config = {"Labels": {"a": "b"}}
    found = from_file(
        tmp_path, image(ONE, TWO, tags=["it:1"], history=history, config=config, created="2026-11-25T12:49:35Z")
    )
    assert (found.references, found.platform, found.labels) == (("it:1",), "linux/amd64", {"a": "b"})
    assert found.created == pytest.approx(1795610975)
    assert [layer.bytes for layer in found.layers] == [100, 30]
    assert found.instructions == ("ADD base.tar /", "RUN TOKEN=*** make")


def test_an_oci_layout_in_an_archive_is_read(tmp_path: Path) -> None:
    assert from_file(tmp_path, oci_image(ONE, TWO)).references == ("it:1",)


def test_of_several_images_one_has_to_be_named(tmp_path: Path) -> None:
    data = images([ONE], [ONE, TWO], tags=["a:1", "b:1"])
    with pytest.raises(NoSuchImageError, match=r"holds several images\n.*a:1, b:1"):
        from_file(tmp_path, data)
    with pytest.raises(NoSuchImageError, match="no image c:1"):
        from_file(tmp_path, data, reference="c:1")
    assert len(from_file(tmp_path, data, reference="docker.io/library/a:1").layers) == 1
    found = from_file(tmp_path, data, reference="b:1")
    assert (len(found.layers), found.base_layers, found.base_name) == (2, 1, "a:1")


def test_the_base_of_an_archived_image_is_in_the_archive(tmp_path: Path) -> None:
    data = images([ONE], [TWO], [ONE, TWO], tags=["a:1", "b:1", "c:1"])
    assert from_file(tmp_path, data, reference="c:1", base="a:1").base_layers == 1
    with pytest.raises(NotABaseError):
        from_file(tmp_path, data, reference="c:1", base="b:1")
    with pytest.raises(BaseNotSavedError, match=r"--base d:1: the archive does not hold it\n.*docker save .* d:1"):
        from_file(tmp_path, data, reference="c:1", base="d:1")


def test_another_tag_of_its_repository_is_no_base_of_an_archived_image_either(tmp_path: Path) -> None:
    data = images([ONE], [ONE, TWO], [ONE, TWO, THREE], tags=["a:1", "rev:old", "rev:1"])
    assert from_file(tmp_path, data, reference="rev:1").base_name == "a:1"
    assert from_file(tmp_path, data, reference="rev:1", base="rev:old").base_layers == 2
    assert from_file(tmp_path, data, reference="rev:1", base="scratch").base_layers == 0


def test_a_damaged_archive_is_refused_also_where_its_layers_are_known(tmp_path: Path) -> None:
    data = image(ONE, TWO)
    assert from_file(tmp_path, data) == from_file(tmp_path, data)
    damaged = data.replace(b"2" * 30, b"2" * 29 + b"3")
    with pytest.raises(BadImageArchiveError, match="is damaged"):
        from_file(tmp_path, damaged)


def test_an_image_that_fills_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.inspect.read.MAX_ENTRIES", 1)
    assert from_file(tmp_path, image(ONE, ONE)).layers
    with pytest.raises(BadImageArchiveError, match="more than 1 entries"):
        from_file(tmp_path, image(ONE, TWO))


@pytest.mark.parametrize(
    "config",
    [
        pytest.param({"history": 7, "config": [7], "created": [], "os": {}}, id="of other types"),
        pytest.param(
            {"history": [1, {"created_by": 5}], "config": {"Shell": 7, "Labels": [1], "Env": [3], "Cmd": {}}},
            id="deeper",
        ),
        pytest.param({"history": None, "config": None, "created": None}, id="null"),
        pytest.param({"created": "9999999999-01-01"}, id="a year that never comes"),
    ],
)
def test_a_configuration_of_nonsense_is_no_crash(tmp_path: Path, config: dict[str, Any]) -> None:
    found = from_file(tmp_path, image(ONE, TWO, **config))
    assert [layer.bytes for layer in found.layers] == [100, 30]
    assert found.created is None


def test_nothing_is_written_but_the_cache(tmp_path: Path) -> None:
    hostile = tar({"../../escaped": b"x", "/tmp/absolute": b"y"}, links={"link": "/etc"})  # noqa: S108 - a name inside the image
    (tmp_path / "in").mkdir()
    from_file(tmp_path / "in", image(hostile))
    assert {path.name for path in tmp_path.iterdir()} == {"in"}
    assert {path.name for path in (tmp_path / "in").iterdir()} == {"image.tar", "cache"}
    assert {path.name for path in (tmp_path / "in/cache/layers").iterdir()} == {sha256(hostile)}
