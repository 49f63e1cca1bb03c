"""What `optbuild verify` is to prove."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import pytest
from runtime_factory import make_runtime

from builder.core.errors import VerifyUsageError
from builder.engine import client
from builder.engine.client import ImageInfo
from builder.image.verify.plan import DagFolder, PlanBase
from builder.operations.verify import find_dag_folder, find_image

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_of_dags_is_named_as_the_person_named_it(tmp_path: Path) -> None:
    (tmp_path / "my/dags").mkdir(parents=True)
    assert find_dag_folder("my/dags/", make_runtime(tmp_path)) == DagFolder(tmp_path / "my/dags", "my/dags/")


@pytest.mark.parametrize(
    ("name", "words"), [("gone", "--dags: gone does not exist"), ("f", "--dags: f is not a folder")]
)
def test_what_is_not_a_folder_is_refused(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "f").touch()
    with pytest.raises(VerifyUsageError, match=words) as caught:
        find_dag_folder(name, make_runtime(tmp_path))
    assert caught.value.hint


class Engine:
    """One that has one image with these labels, of three layers."""

    def __init__(self, labels: dict[str, str]) -> None:
        self.labels, self.api = {"org.apache.airflow.version": "2.8.1", **labels}, self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def inspect_image(self, image: str) -> Any:
        if image == "shop:1":
            return ImageInfo("sha256:i", ("shop:1",), self.labels, "linux/amd64", 1)
        return {"Id": image, "Config": {"Labels": self.labels}, "RootFS": {"Layers": ["a", "b", "c"]}}

    def images(self) -> list[Any]:
        return []


@pytest.mark.parametrize(
    ("labels", "base"),
    [
        ({}, None),
        ({"optbuild.project": "shop"}, None),
        ({"optbuild.base.kind": "airflow"}, PlanBase("apache/airflow:2.8.1", 2, "official")),
        ({"optbuild.base.kind": "image"}, PlanBase("apache/airflow:2.8.1", 2)),
    ],
)
def test_what_an_image_stands_on_is_read_from_its_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, labels: dict[str, str], base: PlanBase | None
) -> None:
    if base is not None:
        labels |= {"org.opencontainers.image.base.name": base.name, "optbuild.base.layers": str(base.layers)}
    monkeypatch.setattr(client, "connect_engine", lambda _env: Engine(labels))
    image, plan = find_image("shop:1", make_runtime(tmp_path))
    assert (image, plan.base) == ("shop:1", base)
