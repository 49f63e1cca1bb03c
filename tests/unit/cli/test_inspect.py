"""The command `inspect` on archives as `docker save` writes them; no engine."""

from __future__ import annotations

import io
import json
import os
from typing import TYPE_CHECKING

import pytest
from archive_factories import BASE, numpy, save, save_several, tar
from runtime_factory import make_runtime

from builder.cli import main as cli

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


SPEC = """\
[image]
name = "{name}"
[base]
debian = "bookworm"
[airflow]
version = "2.8.1"
extras = ["postgres"]
[python]
version = "3.11"
requirements = ["numpy==1.0"]
[apt]
runtime = ["libgomp1"]
[budget]
{budget}
"""
CACHE = {"root/.cache/pip/wheel": b"w" * 300_000}


class Ran:
    """One run of the command."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "work"
    made.mkdir()
    save(made / "shop.tar", tar(BASE), tar(numpy("1.0", 1000)), tar(CACHE))
    return made


@pytest.fixture
def inspect(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """``inspect(*words)``: the whole command line. The engine that is meant does not exist."""

    def run(*words: str) -> Ran:
        out, err = io.StringIO(), io.StringIO()

        env = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "DOCKER_CONTEXT": "none"}
        runtime = make_runtime(folder, env, out=out, err=err, color=True)
        code = cli.run(("inspect", *words), lambda **_: runtime)
        return Ran(code, out.getvalue(), err.getvalue() + capsys.readouterr().err)

    return run


def test_it_shows_layers_packages_and_waste(inspect: Callable[..., Ran]) -> None:
    done = inspect("shop.tar")
    assert done.code == 0, done.err
    assert done.out.startswith("shop.tar (")
    for words in ("COPY layer 1 /", "numpy 1.0", "300 kB  OB405  layer 2: the cache of pip (/root/.cache/pip), 1 file"):
        assert words in done.out
    assert not done.err
    assert "\x1b" not in done.out


def test_the_second_look_says_the_same_from_the_cache(inspect: Callable[..., Ran], tmp_path: Path) -> None:
    first = inspect("shop.tar", "--format", "json")
    assert list((tmp_path / "cache/optbuild").rglob("*"))
    assert inspect("shop.tar", "--format", "json").out == first.out
    assert json.loads(first.out)["waste_bytes"] == 300_000


def test_output_goes_into_a_file(inspect: Callable[..., Ran], folder: Path) -> None:
    done = inspect("shop.tar", "--format", "json", "-o", "found.json")
    assert (done.code, done.out) == (0, "")
    assert json.loads((folder / "found.json").read_text())["schema_version"] == 1


def test_a_place_where_nothing_can_be_written_is_said_before_the_work(inspect: Callable[..., Ran]) -> None:
    done = inspect("missing.tar", "-o", "none/found.json")
    assert done.code == 2
    assert "cannot write none/found.json" in done.err


@pytest.mark.parametrize("code", ["OB401", "ob414"])
def test_explain_teaches_about_a_code_and_needs_no_image(inspect: Callable[..., Ran], code: str) -> None:
    done = inspect("--explain", code)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{code.upper()} ")
    assert "What to do" in done.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "which image?"),
        (("",), "which image?"),
        (("shop.tar", "--base", " "), "which image?"),
        (("shop.tar", "--base", "nope"), "--base nope: the archive does not hold it"),
        (("pipe.tar",), "pipe.tar is a pipe, but an archive must be a file"),
        (("./sub",), "sub is a folder, but an archive must be a file"),
        (("./layout",), "it is an OCI layout: `tar --create --file image.tar --directory"),
        (("layout",), "it is an OCI layout: `tar --create --file image.tar --directory"),
        (("context/",), "`docker build --tag NAME"),
        (("./context/",), "`docker build --tag NAME"),
        (("./spec",), "`optbuild build"),
        (("context/Dockerfile",), "context/Dockerfile is a Dockerfile, not an archive"),
        (("/dev/null",), "/dev/null is not an ordinary file, but an archive must be a file"),
        (("shop.tar", "--sbom", "cyclonedx", "--dive-ci", "x"), "--sbom checks no budget"),
        (("--explain", "OB4O1"), "next: did you mean OB401? --explain knows OB101"),
        (("--explain", "402"), "did you mean OB402?"),
        (("shop.tar", "--top", "many"), "--top many is not a number of rows"),
        (("--explain", "OB999"), "there is no finding OB999"),
        (("other.tar",), "there is no archive"),
        (("./shop",), "`docker save --output ./shop IMAGE` writes one"),
        (("shop.tar", "--image", "none:1"), "shop.tar has no image none:1"),
        (("shop.tar", "--dive-ci", "none"), "none: there is no such file"),
        (("shop.tar", "--spec", "none"), "there is no folder"),
    ],
)
def test_what_cannot_be_done_says_why(
    inspect: Callable[..., Ran], folder: Path, words: tuple[str, ...], told: str
) -> None:
    os.mkfifo(folder / "pipe.tar")
    for name in ("sub/x", "layout/oci-layout", "context/Dockerfile", "spec/optbuild.toml"):
        (folder / name).parent.mkdir()
        (folder / name).write_text("FROM debian\n")
    done = inspect(*words)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert "next: " in done.err


def test_without_an_engine_an_image_cannot_be_asked_for(inspect: Callable[..., Ran]) -> None:
    done = inspect("shop:latest")
    assert (done.code, done.out) == (3, "")
    assert "next: " in done.err


def write_spec(folder: Path, name: str, budget: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "optbuild.toml").write_text(SPEC.format(name=name, budget=budget))


def test_the_largest_image_of_another_program_is_the_base_and_none_of_this_one(
    inspect: Callable[..., Ran], folder: Path
) -> None:
    first, secret, last = (
        tar(BASE),
        tar({"deploy": b"PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 1\n", "big": b"b" * 700}),
        tar({".wh.deploy": b"", ".wh.big": b""}),
    )
    images = {"debian:12": (first,), "rev:old": (first, secret), "rev:1": (first, secret, last)}
    save_several(folder / "rev.tar", images)

    def waste(*words: str) -> tuple[str | None, list[str]]:
        found = json.loads(inspect("rev.tar", "--image", "rev:1", *words, "--format", "json").out)
        return found["image"]["base"]["name"], [one["code"] for one in found["waste"]]

    assert waste() == ("debian:12", ["OB404", "OB403"])
    assert waste("--base", "scratch") == (None, ["OB404", "OB403"])
    assert waste("--base", "rev:old") == ("rev:old", ["OB404"])


def test_a_budget_of_this_image_is_held_and_fails_with_exit_code_1(inspect: Callable[..., Ran], folder: Path) -> None:
    write_spec(folder, "shop", 'waste-bytes = "100kB"\nimage-bytes = "1GB"')
    done = inspect("shop.tar")
    assert done.code == 1
    assert "  exceeded  budget.waste-bytes: 300,000 bytes of waste, at most 100,000 bytes allowed" in done.out
    assert done.err == (
        "optbuild: over budget: budget.waste-bytes: 300,000 bytes of waste, at most 100,000 bytes allowed: "
        "200,000 bytes too much\n"
    )


def test_another_images_budget_is_not(inspect: Callable[..., Ran], folder: Path) -> None:
    write_spec(folder, "other", 'waste-bytes = "1B"')
    assert inspect("shop.tar").code == 0


def test_a_spec_that_is_named_counts_whatever_its_image_is_called(inspect: Callable[..., Ran], folder: Path) -> None:
    write_spec(folder / "image", "other", 'package-bytes = { numpy = "1kB", pandas = "1MB" }')
    done = inspect("shop.tar", "--spec", "image", "--format", "json")
    assert done.code == 1
    assert [(one["name"], one["passed"]) for one in json.loads(done.out)["budget"]] == [
        ("budget.package-bytes.numpy", False)
    ]
    assert "budget.package-bytes.pandas: the image has no package of that name" in done.err
    assert next(one["asked_for"] for one in json.loads(done.out)["packages"] if one["name"] == "numpy")


@pytest.mark.parametrize("text", ["[image]\nname = ", 'image = "shop"\n[budget]\nwaste-byte = "1B"'])
def test_a_spec_here_that_cannot_be_read_is_no_budget_that_was_kept(
    inspect: Callable[..., Ran], folder: Path, text: str
) -> None:
    (folder / "optbuild.toml").write_text(text)
    expected = 2 if text.endswith("= ") else 0  # the second one names no image, so it is not this one's
    assert inspect("shop.tar").code == expected


def test_a_mistake_in_a_budget_has_its_line(inspect: Callable[..., Ran], folder: Path) -> None:
    write_spec(folder, "shop", "wast-percent = 5")
    done = inspect("shop.tar")
    assert done.code == 2
    assert "optbuild.toml:14: budget.wast-percent: unknown key" in done.err
    assert "did you mean `waste-percent`?" in done.err


def test_a_dive_file_here_is_held(inspect: Callable[..., Ran], folder: Path) -> None:
    save(folder / "lost.tar", tar({"big": b"x" * 7_000_000}), tar({".wh.big": b""}))
    (folder / ".dive-ci").write_text("rules:\n  highestWastedBytes: disabled\n  highestUserWastedPercent: 0.5\n")
    done = inspect("lost.tar")
    assert done.code == 1
    assert ".dive-ci lowestEfficiency: 0.0000, at least 0.9 is required (7,000,000 bytes" in done.err
    assert ".dive-ci highestUserWastedPercent: 100.00 % of the layers above the base is waste" in done.err


def test_a_bad_dive_file_stops_before_anything_is_read(inspect: Callable[..., Ran], folder: Path) -> None:
    (folder / ".dive-ci").write_text("rules:\n  lowestEfficiency: 95\n")
    done = inspect("shop.tar")
    assert (done.code, done.out) == (2, "")
    assert ".dive-ci:2: rules.lowestEfficiency: 95 is not between 0 and 1" in done.err


def test_a_deleted_service_account_is_a_secret_and_a_deleted_certificate_is_only_deleted(
    inspect: Callable[..., Ran], folder: Path
) -> None:
    """From the bytes of an archive to the report: whatever the files are called."""
    key = "-----BEGIN " + "PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"
    account = json.dumps({"type": "service_account", "private_key": key}).encode()
    certificate = b"-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQ\n" * 20
    files = {"opt/flows.json": account, "opt/private-key-ca.pem": certificate}
    gone = {"opt/.wh.flows.json": b"", "opt/.wh.private-key-ca.pem": b""}
    save(folder / "hidden.tar", tar(files), tar(gone))
    first = inspect("hidden.tar", "--format", "json").out
    told = {one["code"]: one["message"] for one in json.loads(first)["waste"]}
    assert "/opt/flows.json (a service account with its private key) can still be read" in told["OB404"]
    assert told["OB403"].endswith(": /opt/private-key-ca.pem")
    assert inspect("hidden.tar", "--format", "json").out == first, "from the cache the same"
    save(folder / "plain.tar", tar(files))
    assert [one["code"] for one in json.loads(inspect("plain.tar", "--format", "json").out)["waste"]] == ["OB415"]
