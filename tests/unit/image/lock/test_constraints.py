"""Constraints files: strict, hostile ones refused, identified without their place."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import urllib.error
from email.message import Message
from typing import TYPE_CHECKING
from urllib.response import addinfourl

import pytest

from builder.core.errors import ConstraintsError, ExitCode, Where
from builder.core.retry import RetryPolicy
from builder.image.lock import constraints
from builder.image.lock.constraints import find_constraints, parse_constraints
from builder.image.lock.model import Constraints

if TYPE_CHECKING:
    from pathlib import Path

    from builder.image.spec.model import Spec

GOOD = b"# made by a machine\n\nFlask_AppBuilder==4.3.10\r\npyparsing == 3.1.1  # why\n"


def no_network(url: str) -> bytes:
    raise AssertionError(url)


def test_names_are_normalised_and_comments_skipped() -> None:
    found = parse_constraints(GOOD, "2.8.1/3.11", "c.txt")
    assert dict(found.pins) == {"flask-appbuilder": "4.3.10", "pyparsing": "3.1.1"}


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://example.org/simple",
        "-r other.txt",
        "-e .",
        "pandas @ https://example.org/pandas.whl",
        "https://example.org/pandas.whl",
        "pandas>=2",
        "pandas==2.*",
        "pandas==2 --hash=sha256:00",
        "pandas==2; python_version > '3'",
        "pandas[extra]==2",
        "pandas==not-a-version",
        "pandas==1\x00",
        "pandas==1\u2028--index-url x",
        "pandas==1\x85b==2",
        "<!DOCTYPE html>",
        "404: Not Found",
    ],
)
def test_what_is_no_pin_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(ConstraintsError, match="is not a constraint") as caught:
        parse_constraints(b"a==1\n" + line.encode() + b"\n", "v", "c.txt")
    assert caught.value.where == Where("c.txt", 2)
    assert caught.value.message.isprintable()


def test_two_versions_of_one_name_are_refused() -> None:
    with pytest.raises(ConstraintsError, match="pins a-b twice, to 1 and 2"):
        parse_constraints(b"a-b==1\nA_b==2\n", "v", "c.txt")


@pytest.mark.parametrize("data", [b"", b"# nothing\n", b"\xff\xfe"])
def test_what_holds_no_pins_is_refused(data: bytes) -> None:
    with pytest.raises(ConstraintsError):
        parse_constraints(data, "v", "c.txt")


def test_a_given_file_stands_in_for_the_official_one(spec: Spec, tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_bytes(GOOD)
    given = find_constraints(spec, tmp_path / "c.txt", tmp_path / "cache", no_network)
    fetched = find_constraints(spec, None, tmp_path / "cache", lambda _url: GOOD)
    assert given == fetched
    assert given is not None
    assert given.version == "2.8.1/3.11"


def test_the_official_one_is_fetched_once(spec: Spec, tmp_path: Path) -> None:
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return GOOD

    first = find_constraints(spec, None, tmp_path, fetch)
    assert find_constraints(spec, None, tmp_path, no_network) == first
    assert len(asked) == 1
    assert asked[0].endswith("/apache/airflow/constraints-2.8.1/constraints-3.11.txt")


def test_rubbish_is_not_cached(spec: Spec, tmp_path: Path) -> None:
    with pytest.raises(ConstraintsError):
        find_constraints(spec, None, tmp_path, lambda _url: b"<html>")
    assert find_constraints(spec, None, tmp_path, lambda _url: GOOD) is not None


def test_without_network_it_says_how_to_pass_a_file(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_args: object, **_kwargs: object) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr("urllib.request.urlopen", unreachable)
    with pytest.raises(ConstraintsError, match="cannot be fetched") as caught:
        find_constraints(spec, None, tmp_path)
    assert f"optbuild lock --constraints FILE {spec.folder}" in (caught.value.hint or "")
    assert caught.value.exit_code is ExitCode.ENGINE


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that would have been waited."""
    found: list[float] = []
    monkeypatch.setattr(constraints, "RETRIES", RetryPolicy(sleep=found.append, draw=lambda: 1.0))
    return found


BUSY = urllib.error.HTTPError("http://x", 429, "busy", Message(), None)


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (BUSY, 5),
        (urllib.error.HTTPError("http://x", 503, "no", Message(), None), 5),
        (urllib.error.URLError(ConnectionResetError("reset")), 5),
        (ConnectionResetError("reset"), 5),
        (TimeoutError("late"), 5),
        (http.client.IncompleteRead(b"half"), 5),
        (urllib.error.HTTPError("http://x", 404, "no", Message(), None), 1),
        (urllib.error.HTTPError("http://x", 401, "no", Message(), None), 1),
        (urllib.error.URLError(ssl.SSLCertVerificationError("self-signed")), 1),
        (urllib.error.URLError(socket.gaierror("unknown name")), 1),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_may_pass_is_tried_again(
    error: Exception, attempts: int, *, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fail(url: str, **_kwargs: object) -> None:
        asked.append(url)
        raise error

    monkeypatch.setattr("urllib.request.urlopen", fail)
    with pytest.raises(ConstraintsError, match="cannot be fetched"):
        constraints.fetch_bytes("https://host.example/c.txt")
    assert len(asked) == attempts
    assert waits == [1.0, 2.0, 4.0, 8.0][: attempts - 1]


@pytest.mark.usefixtures("waits")
@pytest.mark.parametrize(("code", "exit_code"), [(404, ExitCode.USAGE), (403, ExitCode.ENGINE), (502, ExitCode.ENGINE)])
def test_only_a_url_that_leads_nowhere_is_the_specs_fault(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, exit_code: ExitCode
) -> None:
    def answered(*_args: object, **_kwargs: object) -> None:
        raise urllib.error.HTTPError("http://x", code, "no", Message(), None)

    monkeypatch.setattr("urllib.request.urlopen", answered)
    with pytest.raises(ConstraintsError, match="cannot be fetched") as caught:
        find_constraints(spec, None, tmp_path)
    assert caught.value.exit_code is exit_code


ORIGIN = "# https://raw.example/apache/airflow/constraints-{}/constraints-{}.txt\n"
OTHER = "published for Airflow {} and Python {}, and this is Airflow 2.8.1 and Python 3.11"


@pytest.mark.parametrize(
    ("airflow", "python", "said"),
    [
        ("2.8.1", "3.11", False),
        ("2.10.3", "3.11", True),
        ("2.8.1", "3.8", True),
        ("3.0.0rc1", "3.12", True),
    ],
)
def test_a_file_of_another_airflow_or_python_is_named_as_what_it_is(
    spec: Spec, tmp_path: Path, airflow: str, python: str, said: bool
) -> None:
    (tmp_path / "c.txt").write_bytes(b"#\n# NOTE: copied from:\n" + ORIGIN.format(airflow, python).encode() + GOOD)
    found = find_constraints(spec, tmp_path / "c.txt", tmp_path, no_network)
    assert found is not None
    assert found.version == f"{airflow}/{python}"
    text = Constraints(found.version, found.sha256).describe_other_origin("2.8.1", "3.11")
    assert (OTHER.format(airflow, python) in text) if said else not text


@pytest.mark.parametrize(
    "line",
    [
        "# see https://raw.example/constraints-2.10.3/other.txt",
        "a==1  # https://raw.example/constraints-2.10.3/constraints-3.11.txt",
        "# our own pins",
    ],
)
def test_a_file_that_does_not_say_what_it_is_for_is_not_guessed_at(line: str) -> None:
    found = parse_constraints(f"{line}\nb==1\n".encode(), "pins.txt", "pins.txt")
    assert (found.version, Constraints(found.version, found.sha256).describe_other_origin("2.8.1", "3.11")) == (
        "pins.txt",
        "",
    )


@pytest.mark.parametrize("variant", ["", "no-providers-", "source-providers-"])
def test_the_variants_of_the_official_file_say_it_too(variant: str) -> None:
    line = f"# https://raw.example/constraints-2.9.0/constraints-{variant}3.12.txt"
    assert parse_constraints(f"{line}\nb==1\n".encode(), "c", "c").version == "2.9.0/3.12"


def test_an_answer_that_was_redirected_to_http_is_refused(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(*_args: object, **_kwargs: object) -> addinfourl:
        return addinfourl(io.BytesIO(GOOD), Message(), "http://x/c.txt")

    monkeypatch.setattr("urllib.request.urlopen", answer)
    with pytest.raises(ConstraintsError, match=r"redirected to http://x/c\.txt, without TLS"):
        find_constraints(spec, None, tmp_path)


@pytest.mark.parametrize(("wanted", "version"), [("pins.txt", "pins.txt"), (False, None)])
def test_a_file_of_the_spec_or_none(spec: Spec, tmp_path: Path, wanted: object, version: str | None) -> None:
    (tmp_path / "pins.txt").write_bytes(GOOD)
    changed = spec.model_copy(update={"airflow": spec.airflow.model_copy(update={"constraints": wanted})})
    found = find_constraints(changed, None, tmp_path, no_network)
    assert (found and found.version) == version


def test_a_file_for_a_spec_that_wants_none_is_refused(spec: Spec, tmp_path: Path) -> None:
    changed = spec.model_copy(update={"airflow": spec.airflow.model_copy(update={"constraints": False})})
    with pytest.raises(ConstraintsError, match=r"airflow.constraints: is false.*\n.*leave out --constraints"):
        find_constraints(changed, tmp_path / "c.txt", tmp_path, no_network)


def test_a_missing_file_is_named(spec: Spec, tmp_path: Path) -> None:
    with pytest.raises(ConstraintsError, match=r"nowhere.txt: cannot be read"):
        find_constraints(spec, tmp_path / "nowhere.txt", tmp_path)
