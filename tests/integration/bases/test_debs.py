"""What a base of other people lacks: resolved on its own dpkg status, downloaded by debs.sh, installed without network,
and the same layer each time."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from stand_ins import run

from builder.core.process import LocalRunner
from builder.core.resources import find_template_folder
from builder.image.lock.debian import (
    PackageListSource,
    PackageRequest,
    ResolvedPackages,
    refresh_package_lists,
    resolve_packages,
)
from builder.image.lock.target import LockTarget

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from builder.image.lock.model import DebianPackage

ETC_APT = Path("/etc/apt")
EPOCH = 1_700_000_000
WANTED = ("ca-certificates", "curl", "dumb-init", "netbase", "tzdata", "libgomp1", "redis-server")
"""The contract's, a library, and a package that asks questions, makes a user and would start a service."""


@dataclass(frozen=True)
class Resolved:
    status: str
    packages: ResolvedPackages

    @property
    def installed(self) -> set[str]:
        return {line.partition(" ")[2] for line in self.status.splitlines() if line.startswith("Package: ")}


def resolve(folder: Path, status: str, *wanted: str, build: tuple[str, ...] = ()) -> ResolvedPackages:
    target = LockTarget("3.11", "bookworm")
    apt = refresh_package_lists(target, PackageListSource(LocalRunner(), os.environ, folder, ETC_APT))
    return resolve_packages(apt, target, PackageRequest(wanted, build, {}, installed=status))


def read_status(reference: str) -> str:
    return run(("docker", "run", "--rm", "--network=none", "--entrypoint=cat", reference, "/var/lib/dpkg/status"))


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lists")


@pytest.fixture(scope="module")
def resolved(python_311: str, lists: Path) -> Resolved:
    status = read_status(python_311)
    return Resolved(status, resolve(lists, status, *WANTED, build=("make",)))


def format_list(packages: Iterable[DebianPackage]) -> str:
    return "".join(f"{one.name} {one.version} {one.architecture} {one.sha256}\n" for one in packages)


def write_context(folder: Path, resolved: Resolved) -> Path:
    folder.mkdir()
    for name in ("debs.sh", "foundation/change.py", "foundation/dpkg.py", "foundation/pruning.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes((find_template_folder() / name).read_bytes())
    (folder / "foundation/slim.json").write_text('["dpkg-symbols"]')
    (folder / "debs.sh").chmod(0o755)
    (folder / "base.env").write_text("release=bookworm\narchitecture=amd64\n")
    (folder / "runtime.packages").write_text(format_list(resolved.packages.runtime))
    (folder / "builder.packages").write_text(format_list(resolved.packages.build))
    return folder


def download(folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (str(folder / "debs.sh"),), env={**os.environ, **env}, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.fixture(scope="module")
def context(resolved: Resolved, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With its .debs."""
    folder = write_context(tmp_path_factory.mktemp("debs") / "context", resolved)
    done = download(folder)
    assert done.returncode == 0, done.stderr
    return folder


# -- the lock ---------------------------------------------------------------------------------------------------------


def test_only_what_the_image_lacks_is_added(resolved: Resolved) -> None:
    runtime = {one.name for one in resolved.packages.runtime}
    assert {"curl", "dumb-init", "libcurl4", "redis-server"} <= runtime
    assert runtime & resolved.installed == set(), "nothing of it is upgraded"
    assert not any(name.startswith("python3") for name in runtime)
    build = {one.name for one in resolved.packages.build}
    assert {"binutils", "make", "python3-pip-whl"} <= build
    assert build & (runtime | resolved.installed) == set()


def test_an_older_image_is_upgraded_only_where_it_must_be(resolved: Resolved, lists: Path) -> None:
    """libc6-dev of the release wants its own libc6, nothing else does."""
    before, _, after = resolved.status.partition("Package: libc6\n")
    head, _, rest = after.partition("\nVersion: ")
    older = f"{before}Package: libc6\n{head}\nVersion: 2.36-9\n{rest.partition(chr(10))[2]}"
    runtime = {one.name for one in resolve(lists, older, "curl").runtime}
    assert "curl" in runtime
    assert "libc6" not in runtime
    assert "libc6" in {one.name for one in resolve(lists, older, "libc6-dev").runtime}


# -- debs.sh ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "part"), [("debs", "runtime"), ("builder-debs", "build")])
def test_exactly_the_locked_files_are_there(resolved: Resolved, context: Path, name: str, part: str) -> None:
    wanted = {
        f"{one.name}_{one.version.replace(':', '%3a')}_{one.architecture}.deb": one.size
        for one in getattr(resolved.packages, part)
    }
    assert {path.name: path.stat().st_size for path in (context / name).iterdir()} == wanted
    assert not list(context.glob("*.part"))


@pytest.mark.parametrize(
    ("spoilt", "code", "said"),
    [
        (("curl ", "curl 0."), 4, "gone from the mirror: curl 0."),
        (("[0-9a-f]{64}", "0" * 64), 4, "(it has another file of that name)"),
        (("[0-9a-f]{64}", "0"), 1, "runtime.packages cannot be checked; render the context again"),
    ],
)
def test_what_the_mirror_no_longer_has_is_named(
    resolved: Resolved, tmp_path: Path, spoilt: tuple[str, str], code: int, said: str
) -> None:
    folder = write_context(tmp_path / "context", resolved)
    list_file = folder / "runtime.packages"
    list_file.write_text(re.sub(*spoilt, list_file.read_text(), count=1))
    done = download(folder)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert not [path for path in folder.iterdir() if "debs" in path.name and path.is_dir()]


def test_a_machine_without_the_release_says_what_to_do(resolved: Resolved, tmp_path: Path) -> None:
    folder = write_context(tmp_path / "context", resolved)
    (tmp_path / "other.list").write_text("deb http://mirror.example/debian trixie main\n")
    done = download(folder, OPTBUILD_DEBIAN_SOURCES=str(tmp_path / "other.list"), DOCKER="no-such-program")
    assert (done.returncode, "no apt source of bookworm" in done.stderr) == (3, True), done.stderr
    done = download(folder, OPTBUILD_DEBIAN_SOURCES=str(tmp_path / "none.list"))
    assert (done.returncode, "which is not a file" in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_leaves_nothing(resolved: Resolved, tmp_path: Path, number: signal.Signals) -> None:
    folder = write_context(tmp_path / "context", resolved)
    (tmp_path / "tmp").mkdir()
    process = subprocess.Popen(
        # whoever started this test may ignore them, and no shell can trap back what it ignores from the start
        ("/usr/bin/env", "--default-signal=INT,HUP", str(folder / "debs.sh")),
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 20
    while not list((tmp_path / "tmp").glob("*/state/lists/*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    assert process.wait(30) == 128 + number
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not [path for path in folder.iterdir() if "debs" in path.name and path.is_dir()]


# -- the build --------------------------------------------------------------------------------------------------------

COMMAND = "echo ours >/srv/ours; date +%N >/tmp/now"
DOCKERFILE = """\
FROM {base} AS rootfs
USER root
RUN --network=none --mount=type=bind,source=foundation,target=/foundation --mount=type=bind,source=debs,target=/debs \
    python3 -B /foundation/change.py collect /out {epoch} --debs /debs -- sh -c "{command}"
FROM {base} AS multi
COPY --link --from=rootfs /out/ /
FROM {base} AS single
USER root
RUN --network=none --mount=type=bind,source=foundation,target=/foundation --mount=type=bind,source=debs,target=/debs \
    python3 -B /foundation/change.py stay {epoch} --debs /debs -- sh -c "{command}"
FROM {base} AS builder
USER root
RUN --network=none --mount=type=bind,source=foundation,target=/foundation --mount=type=bind,source=debs,target=/debs \
    --mount=type=bind,source=builder-debs,target=/builder-debs \
    python3 -B /foundation/change.py install --debs /debs --debs /builder-debs
"""


@pytest.fixture(scope="module")
def builds(context: Path, python_311: str) -> Iterator[dict[str, list[str]]]:
    """Image IDs of two builds each, every step run both times."""
    (context / "Dockerfile").write_text(DOCKERFILE.format(base=python_311, epoch=EPOCH, command=COMMAND))
    made = {}
    for target in ("multi", "single"):
        made[target] = [
            run(
                (
                    *("docker", "build", "--quiet", "--no-cache", "--target", target, "--tag", f"debs-{target}:{turn}"),
                    *("--build-arg", f"SOURCE_DATE_EPOCH={EPOCH}", str(context)),
                )
            ).strip()
            for turn in (1, 2)
        ]
    yield made
    run(("docker", "rmi", "--force", *(f"debs-{target}:{turn}" for target in made for turn in (1, 2))))


@pytest.mark.parametrize("target", ["multi", "single"])
def test_two_builds_give_one_image(builds: dict[str, list[str]], target: str) -> None:
    first, second = builds[target]
    assert first == second


@pytest.mark.parametrize("target", ["multi", "single"])
def test_the_packages_work_and_nothing_is_left(builds: dict[str, list[str]], target: str) -> None:
    script = """
    curl --version >/dev/null; redis-server --version >/dev/null; dumb-init true
    test -z "$(dpkg --audit)"; cat /srv/ours
    for path in /var/lib/dpkg/info/libcurl4:amd64.symbols \
      /tmp/now /usr/sbin/policy-rc.d /var/lib/dpkg/lock-frontend /var/log/dpkg.log; do
      [ ! -s "$path" ] || echo "left: $path"
    done
    ls /var/lib/dpkg/info/libc6:amd64.symbols >/dev/null
    getent shadow redis | cut -d : -f 3; stat -c '%U %a' /var/lib/redis; ls /usr/share/doc | grep -c redis || true
    """
    said = run(("docker", "run", "--rm", "--network=none", "--entrypoint=/bin/sh", f"debs-{target}:1", "-euc", script))
    assert said.split() == ["ours", str(EPOCH // 86400), "redis", "750", "0"]


def test_the_builder_gets_what_it_has_beyond(context: Path, builds: dict[str, list[str]]) -> None:
    run(("docker", "build", "--quiet", "--target", "builder", "--tag", "debs-builder:1", str(context)))
    try:
        script = "make --version; strip --version; ls /usr/share/python-wheels"
        said = run(("docker", "run", "--rm", "--entrypoint=/bin/sh", "debs-builder:1", "-euc", script))
        assert "GNU Make" in said
        assert "pip-" in said
    finally:
        run(("docker", "rmi", "--force", "debs-builder:1"))
