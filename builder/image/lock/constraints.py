"""The constraints that become preferences: fetched or read, parsed strictly, identified by version and sha256."""

from __future__ import annotations

import hashlib
import http.client
import re
import shlex
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name
from packaging.version import Version

from builder.core.errors import ConstraintsError, ConstraintsUnreachableError, Where
from builder.core.files import read_regular_file, write_private_file
from builder.core.retry import DEFAULT_POLICY, call_with_retries
from builder.image.lock.inputs import NO_CONSTRAINTS, find_constraints_choice
from builder.image.spec.allow import RefusedError
from builder.image.spec.paths import resolve_in_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from builder.image.spec.model import Spec

OFFICIAL = "official"
_OFFICIAL_URL = "https://raw.githubusercontent.com/apache/airflow/constraints-{version}/constraints-{python}.txt"
"""Where Airflow publishes them ("Installation from PyPI" in its documentation)."""
_TIMEOUT_SECONDS = 20.0
RETRIES = DEFAULT_POLICY
_MAX_BYTES = 4_000_000
"""An official file has 30 kB; more than this is something else."""
_ORIGIN = re.compile(r"^#.*/constraints-(\d[\w.]*)/constraints-(?:[a-z-]+-)?(\d+\.\d+)\.txt\s*$", re.MULTILINE)
"""The line in which an official file says where it was published."""
_PIN = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*==\s*([A-Za-z0-9.!+_-]+)")
_HOW_TO_PASS = "download it where that host can be reached, then: optbuild lock --constraints FILE"  # noqa: S105 - no password


@dataclass(frozen=True)
class ConstraintsFile:
    """``pins`` are normalised name → version. ``version`` names the file: the Airflow and the Python that it was
    published for (``2.8.1/3.11``) where its first lines say that, else what the spec says."""

    version: str
    sha256: str
    pins: Mapping[str, str]


def find_constraints(
    spec: Spec, given: Path | None, cache_folder: Path, fetch: Callable[[str], bytes] | None = None
) -> ConstraintsFile | None:
    """The constraints of the spec; ``given`` is ``--constraints FILE`` and stands in for whatever the spec names."""
    try:
        return _load_constraints(spec, given, cache_folder, fetch or fetch_bytes)
    except ConstraintsError as error:
        if error.hint == _HOW_TO_PASS:
            error.hint = f"{_HOW_TO_PASS} {shlex.quote(str(spec.folder))}"
        raise


def _load_constraints(
    spec: Spec, given: Path | None, cache_folder: Path, fetch: Callable[[str], bytes]
) -> ConstraintsFile | None:
    wanted = find_constraints_choice(spec)
    if wanted == NO_CONSTRAINTS:
        if given is not None:
            where = Where(spec.file, key="airflow.constraints")
            raise ConstraintsError(
                "is false: constraints are switched off", where=where, hint="leave out --constraints"
            )
        return None
    official = f"{spec.airflow.version}/{spec.python.version}"
    version = official if wanted == OFFICIAL else wanted
    if given is not None:
        return parse_constraints(_read_constraints_file(given), version, str(given))
    if wanted == OFFICIAL:
        url = _OFFICIAL_URL.format(version=spec.airflow.version, python=spec.python.version)
        cached = cache_folder / "constraints" / f"{official.replace('/', '-py')}.txt"
        return parse_constraints(_fetch_cached(url, cached, fetch), version, url)
    if wanted.startswith("https://"):
        return parse_constraints(fetch(wanted), version, wanted)
    return parse_constraints(_read_constraints_file(_find_constraints_file(spec, wanted)), version, wanted)


def _find_constraints_file(spec: Spec, name: str) -> Path:
    """Below the spec's folder, as it is now: a link may have taken its place since the spec was read."""
    try:
        return resolve_in_folder(spec.folder, name)
    except RefusedError as error:
        where = Where(spec.file, key="airflow.constraints")
        raise ConstraintsError(str(error), where=where, hint=error.hint or _HOW_TO_PASS) from error


def parse_constraints(data: bytes, version: str, name: str) -> ConstraintsFile:
    """``name==version`` lines and comments, nothing else: an option or a URL in there would be obeyed by installers.

    ``version``: what the file is called unless it says itself what it was published for.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConstraintsError("is not a text file", where=Where(name), hint=_HOW_TO_PASS) from error
    pins: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        content = line.strip(" \t\r")
        if content and not content.startswith("#"):
            key, pin = _parse_pin(content, name, number)
            if pins.setdefault(key, pin) != pin:
                raise ConstraintsError(f"pins {key} twice, to {pins[key]} and {pin}", where=Where(name, number))
    if not pins:
        raise ConstraintsError("holds no pins", where=Where(name), hint=_HOW_TO_PASS)
    found = _ORIGIN.search(text)
    return ConstraintsFile(f"{found[1]}/{found[2]}" if found else version, hashlib.sha256(data).hexdigest(), pins)


def _parse_pin(content: str, name: str, number: int) -> tuple[str, str]:
    match = _PIN.fullmatch(content.split(" #", 1)[0].rstrip())
    try:
        if match is not None:
            Version(match[2])
            return canonicalize_name(match[1]), match[2]
    except ValueError:  # InvalidVersion, and a number of more digits than Python reads
        pass
    shown = content if len(content) <= 80 and content.isprintable() else ascii(content[:80])
    raise ConstraintsError(
        f"is not a constraint: {shown}",
        where=Where(name, number),
        hint="a constraints file holds lines like pandas==2.0.3 and comments, nothing else",
    )


def _read_constraints_file(path: Path) -> bytes:
    try:
        return read_regular_file(path)
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        raise ConstraintsError(message, where=Where(str(path)), hint=_HOW_TO_PASS) from error


def _fetch_cached(url: str, path: Path, fetch: Callable[[str], bytes]) -> bytes:
    """The official file of a release does not change in practice; deleting the cache fetches it again."""
    if path.is_file():
        return path.read_bytes()
    data = fetch(url)
    parse_constraints(data, "", url)
    write_private_file(path, data)
    return data


def fetch_bytes(url: str) -> bytes:
    """What is there, over TLS alone. Raises ConstraintsError, and ConstraintsUnreachableError where no host answers.

    A host that is busy, or that breaks off, is asked again.
    """
    try:
        tls = ssl.create_default_context()  # once: it reads all certificates of the machine
        data, final = call_with_retries(lambda: _read_url(url, tls), _is_transient, lambda _line: None, RETRIES)
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        absent = isinstance(error, urllib.error.HTTPError) and error.code in (404, 410)
        kind = ConstraintsError if absent else ConstraintsUnreachableError
        raise kind(f"cannot be fetched: {reason}", where=Where(url), hint=_HOW_TO_PASS) from error
    if not final.startswith("https://"):
        raise ConstraintsError(f"is redirected to {final}, without TLS", where=Where(url), hint=_HOW_TO_PASS)
    if len(data) > _MAX_BYTES:
        raise ConstraintsError(f"has more than {_MAX_BYTES} bytes", where=Where(url), hint=_HOW_TO_PASS)
    return data


def _read_url(url: str, tls: ssl.SSLContext) -> tuple[bytes, str]:
    """Its bytes, not many more than allowed, and where redirects led."""
    with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS, context=tls) as answer:  # noqa: S310 - the spec takes https alone
        return answer.read(_MAX_BYTES + 1), str(answer.url)


def _is_transient(error: Exception) -> bool:
    """Statuses 429 and 5xx, connections that break off, and time limits; not a name or a certificate that is wrong."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code == 429 or error.code >= 500
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    return isinstance(cause, (ConnectionError, TimeoutError, http.client.HTTPException))
