"""What must be in no layer, and what only looks like it."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import pytest

from builder.engine.archive import LayerFile
from builder.image.verify.contents import (
    RULES_VERSION,
    KnownLayers,
    LayerFinding,
    LayerInspection,
    read_known_layers,
    write_known_layers,
)

if TYPE_CHECKING:
    from pathlib import Path

BASE64_LINE = b"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n"
KEY = b"-----BEGIN RSA " + b"PRIVATE KEY-----\n" + BASE64_LINE * 3
AWS = b"AKIA" + b"IOSFODNN7ABCDEFG"
GITHUB = b"ghp_" + b"a1B2" * 9


def file(
    path: str, data: bytes = b"", *, mode: int = 0o644, layer: str = "blobs/sha256/one", capabilities: bool = False
) -> LayerFile:
    return LayerFile(layer, path, len(data), mode, lambda: data, capabilities)


def kinds(*files: LayerFile, forbidden: tuple[bytes, ...] = ()) -> list[str]:
    inspection = LayerInspection(forbidden)
    for each in files:
        inspection.inspect_file(each)
    return [finding.kind for finding in inspection.list_findings()]


@pytest.mark.parametrize(
    "path",
    [
        "/usr/bin/gcc",
        "/usr/bin/gcc-12",
        "/usr/bin/x86_64-linux-gnu-gcc-12",
        "/usr/bin/g++",
        "/usr/bin/c++",
        "/usr/bin/cc",
        "/usr/lib/gcc/x86_64-linux-gnu/12/cc1",
        "/usr/libexec/gcc/x86_64-linux-gnu/13/cc1plus",
        "/usr/bin/clang-15",
        "/usr/lib/llvm-15/bin/clang++",
        "/usr/bin/ld",
        "/usr/bin/ld.gold",
        "/usr/local/bin/x86_64-linux-gnu-ld.bfd",
        "/opt/conda/bin/gcc",
    ],
)
def test_a_compiler_is_found_by_name_and_mode(path: str) -> None:
    assert kinds(file(path, mode=0o755)) == ["compiler"]
    assert kinds(file(path, mode=0o644)) == []


@pytest.mark.parametrize(
    "path",
    [
        "/usr/bin/ld.so",
        "/usr/bin/ldd",
        "/usr/share/bash-completion/completions/gcc",
        "/usr/lib/python3.11/distutils/cc",
        "/usr/bin/accelerate",
        "/usr/sbin/ldconfig",
        "/home/airflow/.local/bin/celery",
    ],
)
def test_what_is_no_compiler_is_not_taken_for_one(path: str) -> None:
    assert kinds(file(path, mode=0o755)) == []


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/apt/lists/deb.example_dists_bookworm_InRelease", "apt"),
        ("/var/cache/apt/archives/gcc_12_amd64.deb", "apt"),
        ("/var/cache/apt/pkgcache.bin", "apt"),
        ("/root/.cache/pip/http/a/b", "cache"),
        ("/home/airflow/.cache/uv/CACHEDIR.TAG", "cache"),
    ],
)
def test_lists_and_caches_are_found(path: str, kind: str) -> None:
    assert kinds(file(path, b"x")) == [kind]


def test_apts_own_empty_lock_is_no_list() -> None:
    assert kinds(file("/var/lib/apt/lists/lock")) == []


@pytest.mark.parametrize(
    "path",
    [
        "/var/lib/apt/lists/.wh.deb.example_dists_bookworm_InRelease",
        "/var/lib/apt/lists/.wh..wh..opq",
        "/var/lib/apt/lists/partial/.wh.x",
        "/var/cache/apt/archives/.wh.gcc_12_amd64.deb",
        "/root/.cache/pip/.wh.http",
        "/root/.cache/uv/.wh..wh..opq",
        "/home/airflow/.cache/uv/.wh.wheels",
    ],
)
def test_what_a_layer_deletes_is_not_in_it(path: str) -> None:
    assert kinds(file(path)) == []


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        (file("/usr/bin/su2", mode=0o4755), "a setuid file"),
        (file("/usr/bin/wall2", mode=0o2755), "a setgid file"),
        (file("/usr/bin/ping2", capabilities=True), "a file with capabilities"),
        (file("/home/airflow/.local/bin/airflow", mode=0o777), "a file that every user may write"),
    ],
)
def test_a_file_that_gives_rights_away_is_found(subject: LayerFile, words: str) -> None:
    inspection = LayerInspection()
    inspection.inspect_file(subject)
    (found,) = inspection.list_findings("base")
    assert (found.kind, found.what, found.path) == ("privilege", words, subject.path)
    assert inspection.select_clean_layers(["one", "two"], "base") == ("two",)


@pytest.mark.parametrize("path", ["/tmp/x", "/var/tmp/x", "/run/lock/x", "/dev/x"])  # noqa: S108 - in an image
def test_scratch_files_may_be_written_by_all(path: str) -> None:
    assert kinds(file(path, mode=0o666)) == []


def package(name: str, *paths: str, layer: str = "blobs/sha256/one") -> LayerFile:
    return file(f"/var/lib/dpkg/info/{name}.list", "".join(f"{path}\n" for path in paths).encode(), layer=layer)


def test_what_a_debian_package_brings_in_its_own_layer_is_its_own_decision() -> None:
    su, listed = file("/usr/bin/su", mode=0o4755), package("util-linux", "/.", "/bin/su")
    assert kinds(su, listed) == kinds(listed, su) == []


def test_a_right_that_a_later_layer_adds_is_found_although_a_package_brought_the_file() -> None:
    later = "blobs/sha256/two"
    bash = package("bash", "/bin/bash")
    assert kinds(bash, file("/usr/bin/bash", mode=0o4755, layer=later)) == ["privilege"]
    other = package("curl", "/usr/bin/curl", layer=later)
    assert kinds(bash, other, file("/usr/bin/bash", mode=0o4755, layer=later)) == ["privilege"]


def test_a_file_that_no_package_of_the_base_has_is_found_there_too() -> None:
    inspection = LayerInspection()
    for each in (package("bash", "/bin/bash"), file("/usr/local/bin/root", mode=0o4755)):
        inspection.inspect_file(each)
    assert [finding.path for finding in inspection.list_findings("one")] == ["/usr/local/bin/root"]


def test_a_base_without_debians_lists_decides_for_itself_and_no_layer_above_it() -> None:
    inspection = LayerInspection()
    inspection.inspect_file(file("/bin/su", mode=0o4755))
    assert inspection.list_findings("one") == ()
    assert len(inspection.list_findings("two")) == 1


@pytest.mark.parametrize(
    ("path", "data"),
    [
        pytest.param("/root/.ssh/id_rsa", KEY, id="key"),
        pytest.param("/k", KEY.replace(b"RSA ", b"").replace(b"\n", b"\r\n"), id="key with CRLF"),
        pytest.param("/k.json", KEY.replace(b"RSA ", b"").replace(b"\n", rb"\n"), id="key inside JSON"),
        pytest.param("/k", KEY.replace(b"-----\nMII", b"-----\nProc-Type: 4,ENCRYPTED\n\nMII"), id="encrypted key"),
        pytest.param("/k", b"\x00\x01" + KEY, id="key in a binary file"),
        pytest.param("/app/settings.py", b"KEY = '" + AWS + b"'", id="AWS"),
        pytest.param("/app/x.pyc", b"\x00" + GITHUB + b"\x00", id="GitHub"),
        pytest.param("/app/x", b"glpat-" + b"abcdefghij0123456789", id="GitLab"),
        pytest.param("/root/.npmrc", b"//r.example/:_authToken=" + b"0123456789abcdef", id="npm"),
        pytest.param("/root/.netrc", b"machine pypi.example login u password hunter2", id="netrc"),
        pytest.param("/etc/pip.conf", b"[global]\nindex-url = https://me:pw@pypi.example/simple", id="pip.conf"),
        pytest.param("/root/.pypirc", b"[pypi]\nusername = u\npassword = x", id="pypirc"),
        pytest.param("/root/.aws/credentials", b"aws_secret_access_key = " + b"a1B2c3D4" * 5, id="AWS file"),
        pytest.param("/root/.docker/config.json", b'{"auths": {"r": {"auth": "dXNlcjpwYXNz"}}}', id="registry"),
        pytest.param("/root/.git-credentials", b"https://u:p@git.example", id="git"),
    ],
)
def test_secrets_are_found(path: str, data: bytes) -> None:
    assert kinds(file(path, data)) == ["secret"]


@pytest.mark.parametrize(
    ("path", "data"),
    [
        pytest.param("/x.py", b'if "-----BEGIN PRIVATE KEY-----" in text:', id="code that looks for keys"),
        pytest.param("/x.py", b'HEADER = "-----BEGIN RSA PRIVATE KEY-----\\n" + body', id="code that writes keys"),
        pytest.param("/x", b"-----BEGIN PUBLIC KEY-----\n" + BASE64_LINE, id="public key"),
        pytest.param("/x", b"-----BEGIN CERTIFICATE-----\n" + BASE64_LINE, id="certificate"),
        pytest.param("/x.rst", b"AKIA" + b"IOSFODNN7EXAMPLE", id="the example of AWS's documentation"),
        pytest.param("/etc/pip.conf", b"index-url = https://pypi.example/simple", id="an index without credentials"),
        pytest.param("/x.js", b"token = ghp_short", id="too short"),
        pytest.param("/usr/lib/libtls.so", b"\x7fELF" + KEY, id="self-test key of a library"),
    ],
)
def test_what_only_looks_like_a_secret_is_left_alone(path: str, data: bytes) -> None:
    assert kinds(file(path, data)) == []


def test_the_builds_own_secrets_are_found_anywhere_even_in_programs() -> None:
    assert kinds(file("/usr/lib/a.so", b"\x7fELF..hunter2.."), forbidden=(b"hunter2",)) == ["secret"]


def record_line(path: str, data: bytes) -> bytes:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=")
    return path.encode() + b",sha256=" + digest + b",%d\n" % len(data)


def test_a_file_of_a_published_distribution_is_excused_whatever_comes_first() -> None:
    key = file("/sp/pkg/tests/key.pem", KEY)
    record = file("/sp/pkg-1.dist-info/RECORD", record_line("pkg/tests/key.pem", KEY), layer="blobs/sha256/two")
    assert kinds(key, record) == kinds(record, key) == []


def test_a_file_of_a_debian_package_is_excused_by_its_md5() -> None:
    md5 = hashlib.md5(KEY, usedforsecurity=False).hexdigest().encode()
    sums = file("/var/lib/dpkg/info/tls.md5sums", md5 + b"  usr/share/tls/test.pem\n", layer="blobs/sha256/two")
    key = file("/usr/share/tls/test.pem", KEY)
    assert kinds(key, sums) == kinds(sums, key) == []
    assert kinds(key, file("/app/tls.md5sums", md5 + b"  x\n")) == ["secret"]


def test_a_changed_file_of_a_distribution_is_not_excused() -> None:
    record = file("/sp/pkg-1.dist-info/RECORD", record_line("pkg/key.pem", KEY + b"x"))
    assert kinds(file("/sp/pkg/key.pem", KEY), record) == ["secret"]


SOURCE = b'KEY = "-----BEGIN" + " as several strings, which Python makes one of"\n'
BYTECODE = "/sp/pkg/__pycache__/vectors.cpython-311.pyc"


def test_the_bytecode_of_a_published_source_is_excused_whatever_comes_first() -> None:
    """pycryptodome's tests hold keys in several strings a line."""
    made, source = file(BYTECODE, b"\xa7\r\r\n" + KEY), file("/sp/pkg/vectors.py", SOURCE)
    record = file("/sp/pkg-1.dist-info/RECORD", record_line("pkg/vectors.py", SOURCE))
    assert kinds(made, source, record) == kinds(record, source, made) == []


@pytest.mark.parametrize(
    ("path", "source", "forbidden"),
    [
        (BYTECODE, SOURCE + b"#", ()),
        ("/sp/pkg/__pycache__/other.cpython-311.pyc", SOURCE, ()),
        ("/sp/pkg/vectors.pyc", SOURCE, ()),
        ("/sp/pkg/__pycache__/vectors.pyc", SOURCE, ()),
        (BYTECODE, SOURCE, (b"hunter2",)),
    ],
    ids=[
        "of a changed source",
        "of a source that is not there",
        "in no __pycache__",
        "of no Python",
        "a secret of the build",
    ],
)
def test_other_bytecode_is_not(path: str, source: bytes, forbidden: tuple[bytes, ...]) -> None:
    made = file(path, KEY + b"hunter2")
    record = file("/sp/pkg-1.dist-info/RECORD", record_line("pkg/vectors.py", SOURCE))
    assert "secret" in kinds(file("/sp/pkg/vectors.py", source), made, record, forbidden=forbidden)


def test_a_secret_of_the_build_is_never_excused() -> None:
    data = b"hunter2"
    record = file("/sp/pkg-1.dist-info/RECORD", record_line("pkg/x", data))
    assert kinds(file("/sp/pkg/x", data), record, forbidden=(data,)) == ["secret"]


def test_a_layer_is_clean_only_by_itself() -> None:
    inspection = LayerInspection()
    inspection.inspect_file(file("/sp/pkg/key.pem", KEY))
    inspection.inspect_file(
        file("/sp/pkg-1.dist-info/RECORD", record_line("pkg/key.pem", KEY), layer="blobs/sha256/two")
    )
    assert inspection.select_clean_layers(["one", "two"]) == ("two",)


def test_a_finding_never_shows_the_secret() -> None:
    inspection = LayerInspection((b"hunter2",))
    inspection.inspect_file(file("/a", AWS + b" hunter2"))
    words = " ".join(map(str, inspection.list_findings()))
    assert "AKIA" not in words
    assert "hunter2" not in words
    assert "/a" in words


def test_clean_layers_are_remembered_and_a_damaged_memory_is_none(tmp_path: Path) -> None:
    cache = tmp_path / "new/clean.json"
    assert read_known_layers(cache) == KnownLayers()
    known = KnownLayers(frozenset("ab"), {"c": (("pip", "/sp/pip/__init__.py", "pip"),), "d": ()})
    write_known_layers(cache, known)
    assert read_known_layers(cache) == known
    (now,) = (f'{{"rules": {RULES_VERSION}, {rest}}}' for rest in ('"clean": ["a"], "bases": {"c": [["pip"]]}',))
    for damaged in ("{", "[]", '{"rules": 0, "clean": ["a"], "bases": {}}', f'{{"rules": {RULES_VERSION}}}', now):
        cache.write_text(damaged)
        assert read_known_layers(cache) == KnownLayers()


def test_what_a_base_has_is_remarked_and_remembered_by_its_layer() -> None:
    """Debian's own su too: an image of ours names what lies below. A secret of this build nothing excuses."""
    inspection = LayerInspection((b"hunter2",))
    for each in (
        file("/usr/bin/su", mode=0o4755),
        file("/var/lib/dpkg/info/util-linux.list", b"/usr/bin/su\n"),
        file("/usr/local/lib/python3.11/site-packages/pip/__init__.py"),
        file("/usr/local/lib/python3.11/site-packages/pipx/__init__.py"),
        file("/leak", b"hunter2"),
        file("/usr/bin/gcc", mode=0o755, layer="blobs/sha256/two"),
    ):
        inspection.inspect_file(each)
    remarks = inspection.list_remarks({"one"})
    assert [(one.kind, one.path) for one in remarks] == [
        ("pip", "/usr/local/lib/python3.11/site-packages/pip/__init__.py"), ("privilege", "/usr/bin/su")
    ]  # fmt: skip
    known = KnownLayers(frozenset("x")).with_base(["one", "none"], remarks)
    assert known.clean == {"x"}
    assert known.bases["none"] == ()
    assert known.list_remarks(["none", "one", "unknown"]) == remarks


def test_every_secret_but_the_builds_own_may_be_a_bases() -> None:
    assert LayerFinding("secret", "/a", "one", "a key", ("1", "2")).is_excusable
    assert LayerFinding("compiler", "/a", "one", "gcc").is_excusable
    assert not LayerFinding("secret", "/a", "one", "a secret of the build").is_excusable
