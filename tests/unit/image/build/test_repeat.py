"""The context of the second build: the same image, and nothing that a cache of the first one could answer."""

from __future__ import annotations

import io
import re
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from builder.core.errors import EngineFailedError
from builder.image.build.repeat import (
    append_behind_end,
    check_nothing_cached,
    rename_cache_mounts,
    write_separate_context,
)
from builder.image.lock.document import read_lock
from builder.image.render.context import render_context
from builder.image.spec.reader import read_spec

IMAGE = Path(__file__).parents[4] / "images/airflow"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("--mount=type=cache,id=a,target=/x", "--mount=type=cache,id=a-N,target=/x"),
        ("--mount=target=/x,type=cache", "--mount=target=/x,type=cache,id=/x-N"),
        ("--mount=type=cache,id=a,target=/x,readonly", "--mount=type=cache,id=a-N,target=/x,readonly"),
        ("--mount=type=bind,source=a,target=/x", "--mount=type=bind,source=a,target=/x"),
        ("--mount=type=secret,id=ca", "--mount=type=secret,id=ca"),
        ("--mount=type=cache,id=a,target=/x --mount=type=cache,id=b,target=/y", None),
    ],
)
def test_cache_mounts_get_another_name_and_others_do_not(before: str, after: str | None) -> None:
    wanted = after or "--mount=type=cache,id=a-N,target=/x --mount=type=cache,id=b-N,target=/y"
    assert rename_cache_mounts(f"RUN {before} x".encode(), "N").decode() == f"RUN {wanted} x"


def test_no_cache_mount_of_the_real_dockerfile_keeps_its_name(tmp_path: Path) -> None:
    context = render_context(read_spec(IMAGE), read_lock(IMAGE / "optbuild.lock"))

    def prepare(_context: object, folder: Path) -> None:
        (folder / "base.tar").write_bytes(make_tar())

    job: Any = SimpleNamespace(context=context, prepare=prepare)
    write_separate_context(job, tmp_path, "0123456789abcdef")
    written = (tmp_path / "Dockerfile").read_text()
    mounts = re.findall(r"--mount=\S*type=cache\S*", written)
    assert len(mounts) >= 3
    assert all("-0123456789abcdef," in mount for mount in mounts)
    plain = next(file.data.decode() for file in context.list_stamped_files() if file.path == "Dockerfile")
    assert written.replace("-0123456789abcdef", "") == plain
    assert (tmp_path / "base.tar").read_bytes() != make_tar()


def make_tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("etc/x"))
    return out.getvalue()


def test_an_archive_has_the_same_entries_and_other_bytes(tmp_path: Path) -> None:
    path = tmp_path / "base.tar"
    path.write_bytes(make_tar())
    append_behind_end(path, "nonce")
    assert len(path.read_bytes()) == len(make_tar()) + 512
    with tarfile.open(path) as tar:
        assert tar.getnames() == ["etc/x"]


def test_a_step_from_a_cache_proves_nothing() -> None:
    check_nothing_cached(("[base 1/1] ADD base.tar /", "[internal] load build context", "[a 2/2] COPY x RUN /"))
    with pytest.raises(
        EngineFailedError, match=r"\(1 in all\), so it proves nothing: \[python-1 1/1\] RUN /bin/bash x"
    ):
        check_nothing_cached(("[base 1/1] ADD base.tar /", "[python-1 1/1] RUN /bin/bash x"))
