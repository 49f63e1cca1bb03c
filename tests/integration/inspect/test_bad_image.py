"""A deliberately bad image, built for real: `optbuild inspect` names each mistake with its bytes; ours has none.

It extends another image, so that what that one does is not blamed on it, and so that there is a shell for `chown -R`.
"""

from __future__ import annotations

import json
import os
import random
import sys
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from builder.core.process import Command, LocalRunner, ProcessResult
from builder.engine.layers import read_image_layers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from builder.engine.client import Engine

TEST_LABEL = "optbuild.test"
SITE = "usr/local/lib/python3.11/site-packages"
STANZAS = """\

Package: gcc-12
Status: install ok installed
Architecture: amd64
Version: 12.2.0-14
Depends: cpp-12, libmpc3

Package: cpp-12
Status: install ok installed
Architecture: amd64
Version: 12.2.0-14

Package: libmpc3
Status: install ok installed
Architecture: amd64
Version: 1.3.1-1
"""
COMPILER = {
    "gcc-12": ("usr/bin/gcc-12", 900_000),
    "cpp-12": ("usr/bin/cpp-12", 700_000),
    "libmpc3": ("usr/lib/mpc", 50_000),
}
APP = {f"data{number}.bin": 200_000 for number in range(10)}
PIP_CACHE = {"http-v2/a/one": 600_000, "http-v2/b/two": 450_000, "selfcheck/x.json": 300}
APT = {"lists/main_Packages": 400_000, "lists/main_Release": 3_000}
NETRC = b"machine pypi.example login me password hunter2-0a1b\n"
KEY = b"-----BEGIN " + b"PRIVATE KEY-----\n" + b"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw\n" * 20
ENV = b"DB_HOST=db\nDB_PASSWORD=hunter2-0a1b\n"
CERTIFICATE = b"-----BEGIN CERTIFICATE-----\n" + b"MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG\n" * 20
GIT = {"HEAD": 23, "config": 90, "objects/pack/pack-1.pack": 500_000}
VENV = {"lib/python3.9/site-packages/x.py": 250_000, "Scripts/python.exe": 90_000}
CORE = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + b"\x04\0\x3e\0\x01\0\0\0"
DATABASE = b"SQLite format 3\0"
LEFT = 300_000
TESTS, MAPS = 350_000, 120_000
WHEEL = 800_000
DOCKERFILE = """\
FROM {base}
USER root
LABEL {label}={mark}
RUN --mount=type=bind,target=/in cp -r /in/compiler/. / && cat /in/stanzas >> /var/lib/dpkg/status
COPY app /app
RUN chown -R 1000:1000 /app
RUN --mount=type=bind,target=/in mkdir -p /root/.cache/pip && cp -r /in/pip/. /root/.cache/pip
RUN --mount=type=bind,target=/in mkdir -p /var/lib/apt/lists && cp -r /in/apt/lists/. /var/lib/apt/lists
COPY secret/.netrc /root/.netrc
COPY secret/deploy /root/.ssh/deploy
RUN rm -r /root/.netrc /root/.ssh
COPY project /opt/project
COPY site /{site}
COPY wheel /wheels
COPY wheel /opt/wheels
"""
EXPECTED = {
    "OB401": sum(APP.values()),
    "OB404": len(NETRC) + len(KEY),
    "OB405": sum(PIP_CACHE.values()),
    "OB406": sum(APT.values()),
    "OB407": sum(size for _, size in COMPILER.values()),
    "OB409": TESTS,
    "OB410": MAPS,
    "OB412": WHEEL,
    "OB415": len(ENV),
    "OB416": sum(GIT.values()),
    "OB417": sum(VENV.values()),
    "OB418": LEFT,
    "OB419": LEFT,
}
"""Code → the bytes that were put there for nothing. A package's own list of a few lines comes to them."""
WORST = frozenset(EXPECTED) - {"OB409", "OB410"} | {"OB403"}
"""What our own image may not have in any layer: caches, compilers, secrets, copies, leftovers."""


def _write(path: Path, data: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def make_context(folder: Path, base: str, mark: str) -> None:
    """Random bytes, so that no two files are equal by accident."""
    noise = random.Random(4)  # noqa: S311 - not for a secret

    def fill(place: str, size: int) -> None:
        _write(folder / place, noise.randbytes(size))

    for name, (path, size) in COMPILER.items():
        fill(f"compiler/{path}", size)
        _write(folder / f"compiler/var/lib/dpkg/info/{name}.list", f"/.\n/{path}\n")
    for top, files in (("app", APP), ("pip", PIP_CACHE), ("apt", APT)):
        for name, size in files.items():
            fill(f"{top}/{name}", size)
    _write(folder / "secret/.netrc", NETRC)
    _write(folder / "secret/deploy", KEY)
    for top, files in ((".git", GIT), (".venv", VENV)):
        for name, size in files.items():
            fill(f"project/{top}/{name}", size)
    _write(folder / "project/.venv/pyvenv.cfg", "home = C:\\Python39\n")
    _write(folder / "project/.env", ENV)
    _write(folder / "project/.env.example", ENV + b"# hunter2\n")
    _write(folder / "project/ca.pem", CERTIFICATE)
    _write(folder / "project/core.77", CORE + noise.randbytes(LEFT - len(CORE)))
    _write(folder / "project/airflow.db", DATABASE + noise.randbytes(LEFT - len(DATABASE)))
    fill("site/big/core.py", 5_000)
    fill("site/big/tests/test_core.py", TESTS)
    fill("site/big/static/app.js.map", MAPS)
    names = ("core.py", "tests/test_core.py", "static/app.js.map")
    record = "".join(f"big/{name},,\n" for name in names) + "big-1.0.dist-info/METADATA,,\nbig-1.0.dist-info/RECORD,,\n"
    _write(folder / "site/big-1.0.dist-info/RECORD", record)
    _write(folder / "site/big-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: big\nVersion: 1.0\n")
    fill("wheel/big-1.0-py3-none-any.whl", WHEEL)
    _write(folder / "stanzas", STANZAS)
    _write(folder / "Dockerfile", DOCKERFILE.format(base=base, label=TEST_LABEL, mark=mark, site=SITE))


def docker(*words: str) -> ProcessResult:
    done = LocalRunner().run(Command(("docker", *words), timeout=600))
    assert done.ok, done.err
    return done


class Inspector:
    """The real command with a cache of its own; a folder without any budget."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}

    def run(self, *words: str, code: int = 0) -> ProcessResult:
        argv = (sys.executable, "-c", "from builder.cli.main import main; main()", "inspect", *words)
        done = LocalRunner().run(Command(argv, cwd=self.folder, env=self.env, timeout=600))
        assert done.code == code, f"{words} ended with {done.code}:\n{done.out[-2000:]}\n{done.err}"
        return done

    def json(self, *words: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run(*words, "--format", "json").out)
        return found


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory) -> Inspector:
    return Inspector(tmp_path_factory.mktemp("inspect"))


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory, postgres_image: str, orphans_removed: object) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("bad")
    mark = f"{os.getpid()}-{uuid.uuid4().hex[:10]}"
    make_context(folder, postgres_image, mark)
    reference = f"optbuild-test-bad:{mark}"
    docker("build", "--quiet", "--tag", reference, str(folder))
    yield reference
    docker("rmi", reference)


@pytest.fixture(scope="module")
def found(bad: str, inspector: Inspector) -> dict[str, Any]:
    return inspector.json(bad)


def by_code(found: Mapping[str, Any]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for one in found["waste"]:
        sums[one["code"]] = sums.get(one["code"], 0) + one["bytes"]
    return sums


@pytest.mark.parametrize("code", EXPECTED)
def test_each_mistake_is_named_with_its_bytes(found: Mapping[str, Any], code: str) -> None:
    assert by_code(found)[code] == pytest.approx(EXPECTED[code], rel=0.01)


def test_nothing_else_counts_and_nothing_of_the_base(found: Mapping[str, Any]) -> None:
    assert set(by_code(found)) == set(EXPECTED)
    assert found["waste_bytes"] == pytest.approx(sum(EXPECTED.values()), rel=0.01)
    lowest = found["image"]["base"]["layers"]
    assert lowest > 0
    assert all(file["layer"] >= lowest for one in found["waste"] for file in one["files"])


def test_each_waste_names_the_layer_whose_instruction_has_to_change(found: Mapping[str, Any]) -> None:
    made = {one["code"]: found["layers"][one["layer"]]["instruction"] for one in found["waste"]}
    assert "chown -R" in made["OB401"]
    assert "/root/.cache/pip" in made["OB405"]
    assert "/in/compiler" in made["OB407"]
    assert "/opt/wheels" in made["OB412"]
    assert made["OB404"].startswith("COPY secret/")


def test_all_bytes_are_those_of_the_engine(found: Mapping[str, Any], bad: str, engine: Engine) -> None:
    layers = read_image_layers(engine.api, [bad])[bad]
    assert layers is not None
    assert found["bytes"] == layers.bytes
    assert [one["bytes"] for one in found["layers"]] == [one.bytes for one in layers.layers]


def test_packages_have_the_bytes_of_their_files(found: Mapping[str, Any]) -> None:
    packages = {one["name"]: one for one in found["packages"]}
    assert packages["gcc-12"]["bytes"] == pytest.approx(900_000, rel=0.001)
    assert packages["big"]["bytes"] == pytest.approx(5_000 + TESTS + MAPS, rel=0.001)
    owned = sum(one["bytes"] for one in found["packages"])
    assert owned + found["nobody"]["bytes"] == found["visible_bytes"]


def test_the_text_says_what_to_change(bad: str, inspector: Inspector) -> None:
    text = inspector.run(bad, "--top", "0").out
    for words in ("COPY --chown", "--no-cache-dir", "type=secret", "can still be read", "gcc-12", "only hides"):
        assert words in text


def test_an_archive_of_it_says_the_same_and_without_a_base_no_less(
    found: Mapping[str, Any], bad: str, inspector: Inspector
) -> None:
    archive = inspector.folder / "bad.tar"
    docker("save", "--output", str(archive), bad)
    try:
        other = inspector.json(str(archive))
    finally:
        archive.unlink()
    assert other["bytes"] == found["bytes"]
    assert all(by_code(other)[code] >= amount for code, amount in by_code(found).items())


def test_budgets_fail_with_actual_and_limit(bad: str, inspector: Inspector, tmp_path: Path) -> None:
    rules = tmp_path / ".dive-ci"
    rules.write_text("rules:\n  highestWastedBytes: 1MB\n  lowestEfficiency: disabled\n")
    done = inspector.run(bad, "--dive-ci", str(rules), code=1)
    hidden = EXPECTED["OB401"] + EXPECTED["OB404"]
    assert f"highestWastedBytes: {hidden:,} bytes (2.0 MB) hidden between layers, at most 1,000,000" in done.err


def test_a_name_that_is_not_there_gets_the_nearest_ones(bad: str, inspector: Inspector) -> None:
    done = inspector.run(bad.replace("-bad:", "-bat:"), code=2)
    assert f"name one of these: {bad}" in done.err
    assert "`optbuild images` lists all" in done.err


def test_our_own_image_has_nothing_of_that_kind(image: str, inspector: Inspector) -> None:
    codes = by_code(inspector.json(image))
    assert not WORST & set(codes)
    assert sum(codes.values()) < 100_000
