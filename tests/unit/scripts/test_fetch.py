"""The download of uv: by its hash from any index, with credentials that go to their own host only."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import urllib.error
import urllib.request
import zipfile
from email.message import Message
from typing import TYPE_CHECKING

import pytest

from builder.core.resources import find_template_folder

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


def make_wheel() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("uv-1.data/scripts/uv", "program")
        archive.writestr("uv/__init__.py", "")
    return stream.getvalue()


WHEEL = make_wheel()
SHA256 = hashlib.sha256(WHEEL).hexdigest()
JSON_PAGE = json.dumps({"files": [{"url": "../../files/uv.whl", "hashes": {"sha256": SHA256}}]}).encode()
HTML_PAGE = f'<a href="/files/uv.whl?a=1&amp;b=2#sha256={SHA256}">uv</a>'.encode()


class Web:
    """Pages by address; keeps what was asked. What it has not is answered with 404."""

    def __init__(self, pages: dict[str, bytes]) -> None:
        self.pages = pages
        self.asked: list[urllib.request.Request] = []

    def open(self, request: urllib.request.Request, timeout: float) -> Answer:
        assert timeout
        self.asked.append(request)
        address = request.full_url.removeprefix("https://")
        if address not in self.pages:
            raise urllib.error.HTTPError(request.full_url, 404, "no", Message(), None)
        return Answer(self.pages[address], request.full_url)

    @property
    def credentials(self) -> dict[str, str | None]:
        return {str(request.host): request.unredirected_hdrs.get("Authorization") for request in self.asked}


class Answer(io.BytesIO):
    def __init__(self, body: bytes, url: str) -> None:
        super().__init__(body)
        self.url = url


@pytest.fixture
def fetch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    for name in ("UV_INDEX", "UV_DEFAULT_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "uv.txt").write_text(f"uv==1 --hash=sha256:{SHA256}\n")
    spec = importlib.util.spec_from_file_location("fetch", find_template_folder() / "scripts" / "fetch.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "read_pip_index", lambda: "https://index.example/simple")
    return module


def serve(monkeypatch: pytest.MonkeyPatch, pages: dict[str, bytes]) -> Web:
    web = Web(pages)
    monkeypatch.setattr(urllib.request, "urlopen", web.open)
    return web


@pytest.mark.parametrize(
    ("page", "file"),
    [(JSON_PAGE, "index.example/files/uv.whl"), (HTML_PAGE, "index.example/files/uv.whl?a=1&b=2")],
    ids=["json", "html"],
)
def test_programs_of_the_locked_file_are_unpacked(
    fetch: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, page: bytes, file: str
) -> None:
    serve(monkeypatch, {"index.example/simple/uv/": page, file: WHEEL})
    fetch.fetch(tmp_path / "uv.txt", tmp_path / "tools")
    assert (tmp_path / "tools/bin/uv").read_text() == "program"
    assert (tmp_path / "tools/bin/uv").stat().st_mode & 0o777 == 0o755
    assert [path.name for path in (tmp_path / "tools").rglob("*")] == ["bin", "uv"]


def test_an_index_without_it_is_passed_by(fetch: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UV_INDEX", "mine=https://a.example/simple https://b.example/simple/")
    pages = {
        "b.example/simple/uv/": b"<html>no links",
        "index.example/simple/uv/": JSON_PAGE,
        "index.example/files/uv.whl": WHEEL,
    }
    web = serve(monkeypatch, pages)
    fetch.fetch(tmp_path / "uv.txt", tmp_path / "tools")
    assert [request.host for request in web.asked] == ["a.example", "b.example", "index.example", "index.example"]


def test_credentials_go_to_their_own_host_and_survive_no_redirection(
    fetch: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://me:p%40ss@a.example/simple")
    page = json.dumps({"files": [{"url": "https://files.example/uv.whl", "hashes": {"sha256": SHA256}}]}).encode()
    web = serve(monkeypatch, {"a.example/simple/uv/": page, "files.example/uv.whl": WHEEL})
    fetch.fetch(tmp_path / "uv.txt", tmp_path / "tools")
    assert web.credentials == {"a.example": "Basic bWU6cEBzcw==", "files.example": None}
    assert not [request for request in web.asked if "Authorization" in request.headers]  # those a redirection keeps


def test_the_netrc_is_read(fetch: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine index.example login me password secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    web = serve(monkeypatch, {"index.example/simple/uv/": JSON_PAGE, "index.example/files/uv.whl": WHEEL})
    fetch.fetch(tmp_path / "uv.txt", tmp_path / "tools")
    assert web.credentials == {"index.example": "Basic bWU6c2VjcmV0"}


def test_another_file_than_the_locked_one_is_refused(
    fetch: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    serve(monkeypatch, {"index.example/simple/uv/": JSON_PAGE, "index.example/files/uv.whl": WHEEL + b"x"})
    with pytest.raises(ValueError, match="another file"):
        fetch.fetch(tmp_path / "uv.txt", tmp_path / "tools")
    assert not (tmp_path / "tools").exists()


def test_a_file_that_no_index_has_is_left_to_pip(
    fetch: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    serve(monkeypatch, {"index.example/simple/uv/": b'{"files": []}'})
    with pytest.raises(LookupError, match="no index has uv==1"):
        fetch.fetch(tmp_path / "uv.txt", tmp_path / "tools")
