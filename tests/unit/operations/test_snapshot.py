"""The snapshot that decides about images: every project that this machine knows, whatever state its files are in."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from runtime_factory import make_runtime
from unreadable_folder import bar

from builder.cli import main as cli
from builder.compose.model import ProjectFiles
from builder.core.errors import MissingFileError, NoComposeFileError, UnknownProtectionError
from builder.engine.layers import match_history
from builder.operations.snapshot import LAYERS_FOLDER, SnapshotReader, StoreOptions
from builder.rollout.journal import Journal, Phase, ReplacedImage
from builder.rollout.journal_file import FOLDER, resolve_journal_path, write_journal
from builder.store.clean import CleanOptions, make_clean_plan
from builder.store.inventory import make_image_rows
from builder.store.layer_cache import write_layer_cache
from builder.store.retention import decide_retention

if TYPE_CHECKING:
    from builder.store.model import InventorySnapshot, RetentionDecision


class Api:
    """Images by ID and names; containers of one project."""

    def __init__(self, images: dict[str, list[str]], containers: list[dict[str, Any]], labels: dict[str, str]) -> None:
        self._images, self._containers, self._labels = images, containers, labels

    def images(self, *, all: bool = False) -> list[dict[str, Any]]:  # noqa: A002 - the SDK's name
        return [{"Id": image, "RepoTags": names, "Labels": self._labels} for image, names in self._images.items()]

    def inspect_image(self, image: str) -> dict[str, Any]:
        return {"RootFS": {"Layers": [f"sha256:{image}"]}}

    def history(self, image: str) -> list[dict[str, Any]]:
        return [{"Size": 7, "CreatedBy": "COPY x /"}]

    def containers(self) -> list[dict[str, Any]]:
        return self._containers

    def usage(self, kind: str) -> dict[str, Any]:
        return {}


class Machine:
    """A home, a folder in which optbuild is called, and another one with a project that has a container."""

    def __init__(self, folder: Path) -> None:
        self.here, self.shop = folder / "here", folder / "shop"
        for one in (self.here, self.shop, folder / "state"):
            one.mkdir()
        self.images: dict[str, list[str]] = {"sha256:a": ["app:1"], "sha256:b": ["shop-web:latest"], "sha256:c": []}
        self.labels: dict[str, str] = {}
        self.containers: list[dict[str, Any]] = []
        self.env = {
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "HOME": str(folder),
        }
        self.state = folder / "state" / "optbuild"
        self.notes: tuple[str, ...] = ()

    def known_by_a_container(self, *, image: str = "sha256:x") -> None:
        """Of an image that is not one of these."""
        labels = {
            "com.docker.compose.project": "shop",
            "com.docker.compose.project.working_dir": str(self.shop),
            "com.docker.compose.project.config_files": str(self.shop / "compose.yaml"),
        }
        self.containers = [{"Id": "c", "Names": ["/shop-web-1"], "ImageID": image, "State": "exited", "Labels": labels}]

    def verdicts(self, options: StoreOptions | None = None, *, strict: bool = True) -> dict[str, RetentionDecision]:
        return decide_retention(self.snapshot(options, strict=strict))

    def snapshot(self, options: StoreOptions | None = None, *, strict: bool = True) -> InventorySnapshot:
        runtime = make_runtime(self.here, self.env)
        api = Api(self.images, self.containers, self.labels)
        look = SimpleNamespace(api=api, identity="engine", containerd_store=False)
        store = SnapshotReader(runtime, options or StoreOptions(), cast("Any", look), strict=strict)
        found = store.read_snapshot()
        self.notes = tuple(store.notes)
        return found

    def standings(self, options: StoreOptions | None = None) -> dict[str, str]:
        return {image: verdict.standing.value for image, verdict in self.verdicts(options).items()}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_nothing_is_known(machine: Machine) -> None:
    assert machine.standings() == {"sha256:a": "unused", "sha256:b": "unused", "sha256:c": "dangling"}
    assert machine.notes == ()


def test_whoever_deletes_believes_no_cache(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nameless image is the base of one that a file names; a cache that says otherwise must not free it."""
    true = {"sha256:b": ["sha256:base", "sha256:top"], "sha256:c": ["sha256:base"]}
    monkeypatch.setattr(Api, "inspect_image", lambda _, image: {"RootFS": {"Layers": true.get(image, ["sha256:a"])}})
    monkeypatch.setattr(Api, "history", lambda _, image: [{"Size": 7}] * len(true.get(image, ["one"])))
    (machine.here / "compose.yaml").write_text("services: {web: {image: 'shop-web'}}")
    assert machine.standings()["sha256:c"] == "protected"
    wrong = {image: match_history([{"Size": 7}], [f"{image}0"]) for image in machine.images}
    write_layer_cache(Path(machine.env["XDG_CACHE_HOME"]) / "optbuild" / LAYERS_FOLDER, wrong)
    assert machine.verdicts(strict=False)["sha256:c"].standing.value == "dangling"
    assert machine.standings()["sha256:c"] == "protected"


def test_what_earlier_versions_kept_of_compose_files_is_not_read_and_goes(machine: Machine) -> None:
    (machine.here / "compose.yaml").write_text("services: {web: {image: 'app:1'}}")
    kept = Path(machine.env["XDG_CACHE_HOME"]) / "optbuild" / LAYERS_FOLDER / "compose-files.json"
    kept.parent.mkdir(parents=True)
    kept.write_text('{"schema_version": 2, "files": {}}')
    assert machine.verdicts(strict=False)["sha256:a"].standing.value == "referenced"
    assert not kept.exists()
    kept.mkdir()
    assert machine.verdicts(strict=False)["sha256:a"].standing.value == "referenced"


@pytest.mark.parametrize(
    ("time", "seconds"),
    [("2026-11-25T13:35:55.646390146Z", 1795613755.646390), ("0001-01-01T00:00:00Z", 0.0), (None, 0.0), ("soon", 0.0)],
)
def test_an_image_that_was_made_long_ago_is_as_young_as_its_name(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, time: str | None, seconds: float
) -> None:
    """Reproducible builds write an old time into new images."""
    monkeypatch.setattr(Api, "inspect_image", lambda *_: {"Metadata": {"LastTagTime": time}})
    monkeypatch.setattr(Api, "history", lambda *_: [])
    snapshot = machine.snapshot(StoreOptions(times=True))
    assert [image.named_at for image in snapshot.images] == [pytest.approx(seconds, abs=0.001)] * 3
    young = make_clean_plan(snapshot, CleanOptions(unused=True, min_age=60), now=seconds + 59)
    assert young.going == ()
    old = make_clean_plan(snapshot, CleanOptions(unused=True, min_age=60), now=seconds + 61)
    assert len(old.going) == 3


@pytest.mark.parametrize(
    ("created", "is_set"),
    [
        ("2026-11-25T12:49:35.969130368Z", False),
        ("2024-01-18T20:00:00Z", True),
        ("1980-01-01T00:00:00.5Z", True),
        ("", True),
    ],
)
def test_a_date_of_whole_seconds_or_of_long_ago_was_set(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, created: str, is_set: bool
) -> None:
    monkeypatch.setattr(Api, "inspect_image", lambda *_: {"Created": created})
    monkeypatch.setattr(Api, "history", lambda *_: [])
    assert {image.has_set_date for image in machine.snapshot(StoreOptions(times=True)).images} == {is_set}


def test_the_project_has_the_name_that_its_file_says(machine: Machine) -> None:
    (machine.here / "compose.yaml").write_text("name: rev4proj\nservices: {web: {image: 'app:1'}}")
    rows = {row.image.id: row for row in make_image_rows(machine.snapshot())}
    assert rows["sha256:a"].projects == ("rev4proj",)
    assert rows["sha256:a"].verdict.reason == "compose.yaml of rev4proj names app:1"


def test_the_project_of_the_current_folder_counts(machine: Machine) -> None:
    (machine.here / "compose.yaml").write_text("services: {web: {image: 'app:1'}}")
    assert machine.standings()["sha256:a"] == "referenced"


def test_a_project_that_is_given_counts(machine: Machine) -> None:
    (machine.shop / "compose.yaml").write_text("services: {web: {image: 'app:1'}}")
    options = StoreOptions(files=(str(machine.shop / "compose.yaml"),))
    assert machine.standings(options)["sha256:a"] == "referenced"
    with pytest.raises(NoComposeFileError):
        machine.standings(StoreOptions(files=("gone.yaml",)))


def test_a_project_with_a_container_counts_also_the_files_beside(machine: Machine) -> None:
    machine.known_by_a_container()
    (machine.shop / "compose.yaml").write_text("services: {web: {build: .}}")
    (machine.shop / "compose.prod.yaml").write_text("services: {job: {image: 'app:1'}}")
    assert machine.standings() == {"sha256:a": "referenced", "sha256:b": "referenced", "sha256:c": "dangling"}
    (machine.shop / "compose.prod.yaml").unlink()
    assert machine.standings()["sha256:a"] == "unused"


def test_of_a_project_that_cannot_be_read_everything_that_it_ever_used_stays(machine: Machine) -> None:
    machine.known_by_a_container()
    verdicts = machine.verdicts()
    assert verdicts["sha256:b"].standing == "referenced"
    assert verdicts["sha256:b"].reason == f"shop used it once, and {machine.shop / 'compose.yaml'} is not there"
    assert verdicts["sha256:a"].standing == "unused"
    assert any("its journals or its name point to count as referenced" in note for note in machine.notes)
    machine.labels = {"com.docker.compose.project": "shop"}
    assert machine.verdicts()["sha256:c"].standing == "referenced"


@pytest.mark.parametrize("strict", [True, False])
def test_a_folder_that_one_may_not_enter_keeps_what_it_may_name_or_protect(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, strict: bool
) -> None:
    """The home of another user, whose containers everybody sees."""
    machine.known_by_a_container()
    (machine.shop / "compose.yaml").write_text("services: {web: {image: 'app:1'}}")
    bar(monkeypatch, machine.shop)
    verdicts = machine.verdicts(strict=strict)
    denied = f"{machine.shop / 'compose.yaml'} cannot be read: Permission denied"
    assert (verdicts["sha256:b"].standing.value, verdicts["sha256:b"].reason) == (
        "referenced",
        f"shop used it once, and {denied}",
    )
    assert any(denied in note for note in machine.notes)
    spec = machine.shop / "optbuild.toml"
    reason = f"{spec} may not be read by this user, so it is not known whether something needs it"
    assert (verdicts["sha256:a"].standing.value, verdicts["sha256:a"].reason) == ("protected", reason)


def journal(machine: Machine) -> Journal:
    files = ProjectFiles(machine.shop, (machine.shop / "compose.yaml",))
    return Journal(
        "0000aaaa",
        files,
        "shop",
        "engine",
        Phase.COMMITTED,
        1.0,
        replaced=(ReplacedImage("sha256:a", ("app:1",)), ReplacedImage("sha256:c")),
    )


def test_a_journal_makes_a_project_known(machine: Machine) -> None:
    made = journal(machine)
    write_journal(resolve_journal_path(machine.state, made.files), made)
    (machine.shop / "compose.yaml").write_text("services: {web: {build: .}}")
    assert machine.standings() == {"sha256:a": "superseded", "sha256:b": "referenced", "sha256:c": "superseded"}
    (machine.shop / "compose.yaml").unlink()
    assert set(machine.standings().values()) == {"referenced"}, "what a project used that cannot be read now"


def test_a_journal_that_cannot_be_read_keeps_everything(machine: Machine) -> None:
    (machine.state / FOLDER).mkdir(parents=True)
    (machine.state / FOLDER / f"{'0' * 64}.json").write_text("{")
    assert set(machine.standings().values()) == {"protected"}


def test_patterns_of_every_folder_count(machine: Machine) -> None:
    machine.known_by_a_container()
    (machine.shop / "compose.yaml").write_text("services: {}")
    (machine.shop / "optbuild.toml").write_text('[protect]\nimages = ["app:*"]\n')
    (machine.here / "optbuild.toml").write_text('[protect]\nimages = ["shop-*"]\n')
    assert machine.standings() == {"sha256:a": "protected", "sha256:b": "protected", "sha256:c": "dangling"}
    assert machine.standings(StoreOptions(protect=("app",)))["sha256:a"] == "protected"


@pytest.mark.parametrize("text", ["[protect", '[protect]\nimage = ["app:*"]\n'])
def test_what_is_protected_is_not_guessed_where_something_would_go(machine: Machine, text: str) -> None:
    (machine.here / "optbuild.toml").write_text(text)
    with pytest.raises(UnknownProtectionError):
        machine.verdicts()
    machine.verdicts(strict=False)
    assert "optbuild.toml" in machine.notes[0]


@pytest.mark.parametrize("strict", [True, False])
def test_a_spec_that_is_named_is_there(machine: Machine, strict: bool) -> None:
    folder = machine.here / "ml"
    folder.mkdir()
    (folder / "optbuild.toml").write_text('[protect]\nimages = ["app:*"]\n')
    assert machine.verdicts(StoreOptions(spec=Path("ml")), strict=strict)["sha256:a"].standing.value == "protected"
    with pytest.raises(MissingFileError, match=r"typo/optbuild\.toml does not exist"):
        machine.verdicts(StoreOptions(spec=Path("typo")), strict=strict)
    with pytest.raises(MissingFileError, match="is not a folder") as caught:
        machine.verdicts(StoreOptions(spec=Path("ml/optbuild.toml")), strict=strict)
    assert caught.value.hint == "--spec names the folder of an optbuild.toml: --spec ml"


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("how", ["environment", ".env", "-f"])
def test_files_that_are_named_are_all_there(machine: Machine, how: str, strict: bool) -> None:
    """However they are named: the one that is there must not lose its say with the other."""
    there, gone = machine.shop / "stack.yml", machine.shop / "prod.yml"
    there.write_text("services: {web: {image: 'app:1'}}")

    def standing(*files: Path) -> str:
        if how == "-f":
            options = StoreOptions(files=tuple(map(str, files)))
            return machine.verdicts(options, strict=strict)["sha256:a"].standing.value
        listed = ":".join(map(str, files))
        if how == ".env":
            (machine.here / ".env").write_text(f"COMPOSE_FILE={listed}\n")
        else:
            machine.env["COMPOSE_FILE"] = listed
        return machine.verdicts(strict=strict)["sha256:a"].standing.value

    assert standing(there) == "referenced"
    with pytest.raises(NoComposeFileError, match=r"prod\.yml: there is no such file"):
        standing(there, gone)


def test_files_beside_are_read_one_by_one_where_none_has_a_default_name(machine: Machine) -> None:
    (machine.here / "compose.prod.yml").write_text("services: {web: {image: 'app:1'}}")
    assert machine.standings()["sha256:a"] == "referenced"
    assert machine.notes == ()


def test_a_broken_state_deletes_nothing(machine: Machine) -> None:
    machine.labels = {"optbuild.project": "ml"}
    machine.state.mkdir(parents=True)
    (machine.state / "state.json").write_text("{")
    assert set(machine.standings().values()) == {"protected"}
    assert any("is broken" in note for note in machine.notes)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("images", "--filter", "standng=unused"), "perhaps you meant standing="),
        (("clean", "--filter", "unused"), "is not key=value"),
        (("clean", "--min-age", "4"), "a number and s, m, h, d or w"),
        (("clean", "--keep", "1"), "--keep 1: at least 2 stay for a rollback"),
        (("images", "--sort", "colour"), "--sort 'colour': use size, unique,"),
    ],
)
def test_a_wrong_option_is_explained(
    words: tuple[str, ...], said: str, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    runtime = make_runtime(machine.here, machine.env, out=sys.stdout, err=sys.stderr)
    assert cli.run(words, lambda **_: runtime) == 2
    assert said in capsys.readouterr().err


def test_an_unfinished_run_keeps_what_it_may_have_made(machine: Machine) -> None:
    made = replace(journal(machine), phase=Phase.BUILT, known=("sha256:a", "sha256:b"))
    path = resolve_journal_path(machine.state, made.files)
    write_journal(path.with_suffix(".open.json"), made)
    (machine.shop / "compose.yaml").write_text("services: {}")
    assert machine.standings() == {"sha256:a": "protected", "sha256:b": "unused", "sha256:c": "protected"}
