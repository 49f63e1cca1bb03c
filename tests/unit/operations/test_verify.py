"""What `optbuild verify` is to prove."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from runtime_factory import make_runtime

from builder.core.errors import VerifyUsageError
from builder.image.verify.plan import DagFolder
from builder.operations.verify import find_dag_folder

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
