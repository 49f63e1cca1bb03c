"""The stand-ins are what other tests take them for: the layout of the official images, digests, pulls, faults."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest
from plain_images import ARM, OTHER_PYTHON, REFUSED, push_index
from stand_ins import run

if TYPE_CHECKING:
    from faulty_proxy import FaultyProxy
    from plain_images import PlainImage
    from stand_in_registry import StandInRegistry


def ask(reference: str, script: str) -> str:
    """What a shell in a container of the image prints."""
    return run(("docker", "run", "--rm", "--network=none", "--entrypoint=/bin/sh", reference, "-euc", script))


def test_a_python_is_laid_out_as_the_official_one(python_311: str) -> None:
    script = """
    for name in python3 python pip; do command -v $name; done; readlink -f /usr/local/bin/python
    python -c 'import sys, sysconfig, ssl, sqlite3; print(sys.prefix, sys.path[-1], sysconfig.get_path("purelib"))'
    python -m venv --without-pip /srv/venv; /srv/venv/bin/python -c 'import sys; print(sys.prefix)'
    pip --version >&2; dpkg-query -W | grep -c python || true; ls /var/lib/apt/lists | grep -c _ || true
    """
    said = ask(python_311, script).split("\n")
    assert said[:4] == [f"/usr/local/bin/{name}" for name in ("python3", "python", "pip", "python3.11")]
    assert said[4] == " ".join(("/usr/local", *["/usr/local/lib/python3.11/site-packages"] * 2))
    assert said[5:8] == ["/srv/venv", "0", "0"], "no package of Python's, no list of apt's"


def test_a_python_has_what_a_minimal_debian_has(python_311: str) -> None:
    script = "dpkg-query -W -f '${Package}\\n' apt perl-base gpgv; find /usr/bin -perm -4000 -name su; ls /etc/apt/*"
    said = ask(python_311, script)
    assert said.startswith("apt\ngpgv\nperl-base\n/usr/bin/su\n")
    assert "debian-archive" in said or "trusted.gpg.d" in said


def test_a_company_has_a_user_of_its_own_and_debians_interpreter(company: str) -> None:
    assert ask(company, "id -un; python3 -c 'import sys; print(sys.prefix)'; pwd") == "service\n/usr\n/srv/app\n"


@pytest.mark.parametrize("plain", REFUSED, ids=lambda plain: plain.name)
def test_what_is_refused_is_in_the_registry_with_its_platform(stand_ins: StandInRegistry, plain: PlainImage) -> None:
    stand_ins.publish_plain(plain)
    assert stand_ins.read_digest(plain.repository, "latest").startswith("sha256:")


def test_a_tag_moves(stand_ins: StandInRegistry) -> None:
    stand_ins.publish_plain(OTHER_PYTHON, "first")
    stand_ins.publish_plain(ARM, "other")
    before = stand_ins.read_digest(OTHER_PYTHON.repository, "first")
    stand_ins.move_tag(OTHER_PYTHON.repository, "moving", "first")
    assert stand_ins.read_digest(OTHER_PYTHON.repository, "moving") == before
    index = push_index(stand_ins.address, OTHER_PYTHON.repository, "moving", {"amd64": before})
    assert stand_ins.read_digest(OTHER_PYTHON.repository, "moving") == index != before


def test_an_image_is_pulled_and_forgotten(stand_ins: StandInRegistry) -> None:
    reference = stand_ins.publish_plain(OTHER_PYTHON)
    digest = stand_ins.read_digest(OTHER_PYTHON.repository, "latest")
    assert digest in run(("docker", "pull", reference))


def test_a_registry_that_is_not_well_is_well_again(stand_ins: StandInRegistry, faulty: FaultyProxy) -> None:
    """429 with its header, 503, a reset, a body cut in the middle; then the manifest."""
    stand_ins.publish_plain(OTHER_PYTHON)
    faulty.fail_next(429, 503, "reset", "cut", matching="/manifests/", retry_after="1")
    url = f"http://{faulty.address}/v2/{OTHER_PYTHON.repository}/manifests/latest"
    statuses = []
    for _ in range(2):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url, timeout=10)
        statuses.append((refused.value.code, refused.value.headers["Retry-After"]))
        refused.value.close()
    assert statuses == [(429, "1"), (503, "1")]
    with pytest.raises((ConnectionResetError, urllib.error.URLError, http.client.RemoteDisconnected)):
        urllib.request.urlopen(url, timeout=10)
    with (
        pytest.raises((ConnectionResetError, http.client.IncompleteRead)),
        urllib.request.urlopen(url, timeout=10) as cut,
    ):
        cut.read()
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert b"schemaVersion" in answer.read()
    assert faulty.failed == 4


def test_an_engine_pulls_through_a_registry_that_fails_and_goes_on(
    stand_ins: StandInRegistry, faulty: FaultyProxy
) -> None:
    stand_ins.publish_plain(OTHER_PYTHON)
    faulty.fail_next()
    reference = f"{faulty.address}/{OTHER_PYTHON.repository}:latest"
    try:
        run(("docker", "pull", "--quiet", reference))
    finally:
        run(("docker", "rmi", "--force", reference))
    assert faulty.failed == 0
    assert [path for _, path, _ in faulty.requests if "/manifests/" in path]
