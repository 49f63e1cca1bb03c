"""OB404 and OB415: secrets that a later layer hides, those that it does not, and what packages publish."""

from __future__ import annotations

import base64

import pytest
from layer_factories import SITE, Part, distribution, file, gone, hardlink, inspected, layer, secret, waste, wasted

from builder.findings.catalog import CATALOG

KEY = "/app/deploy_key"


@pytest.mark.parametrize("end", [gone(KEY), file(KEY, 3)])
def test_a_hidden_secret_is_an_error_whether_deleted_or_replaced(end: Part) -> None:
    (one,) = inspected(layer(secret(KEY)), layer(end)).waste
    assert (one.code, one.bytes, CATALOG[one.code].severity.word) == ("OB404", 60, "error")
    assert one.message == f"{KEY} (a private key) can still be read: a later layer only hides it"
    assert "type=secret" in one.fix


def test_a_secret_that_is_not_hidden_is_an_error_too() -> None:
    (one,) = inspected(layer(secret(KEY), file("/app/main.py"))).waste
    assert (one.code, one.bytes, one.layer, CATALOG[one.code].severity.word) == ("OB415", 60, 0, "error")
    assert one.message == f"{KEY} (a private key) can be read by everyone who has the image"
    assert ".dockerignore" in one.fix


def test_a_name_alone_is_not_a_secret_hidden_or_not() -> None:
    names = ["/app/database-ca.pem", "/root/.netrc", "/app/.env"]
    found = inspected(layer(*map(file, names)), layer(*map(gone, names)), layer(file("/root/.ssh/id_rsa")))
    assert {one.code for one in found.waste} == {"OB403"}


def test_the_same_secret_under_another_name_or_owner_is_the_same_secret() -> None:
    copied = inspected(layer(secret(KEY, text="k"), file("/app/x", 60, text="k")))
    assert set(wasted(copied, "OB415")) == {KEY, "/app/x"}
    owned = inspected(layer(secret(KEY)), layer(file(KEY, 60, uid=5)))
    assert [(one.code, one.layer) for one in owned.waste] == [("OB415", 0), ("OB401", 1)]
    linked = inspected(layer(secret(KEY), hardlink("/app/y", KEY)), layer(gone(KEY)))
    assert set(wasted(linked, "OB415")) == {"/app/y"}
    assert not waste(linked, "OB404")


@pytest.mark.parametrize(
    ("base", "place"), [(0, "give it"), (1, "in the Dockerfile of the base"), (2, "in the Docker")]
)
def test_a_secret_of_the_base_can_be_read_too(base: int, place: str) -> None:
    stack = (layer(secret(KEY), file("/lost", 70)), layer(gone(KEY), gone("/lost")), layer())
    found = inspected(*stack, base=base)
    assert [(one.code, one.bytes, one.layer) for one in waste(found, "OB404")] == [("OB404", 60, 0)]
    assert waste(found, "OB404")[0].fix.startswith(place)
    assert bool(waste(found, "OB403")) == (base == 0)


@pytest.mark.parametrize(("base", "place"), [(0, "leave it out"), (1, "in the Dockerfile of the base: leave it out")])
def test_so_can_one_that_the_base_does_not_hide(base: int, place: str) -> None:
    (one,) = waste(inspected(layer(secret(KEY)), layer(file("/x")), base=base), "OB415")
    assert one.fix.startswith(place)


def test_an_error_comes_before_what_is_larger() -> None:
    found = inspected(layer(secret(KEY), file("/lost", 70)), layer(gone(KEY), gone("/lost")))
    assert [one.code for one in found.waste] == ["OB404", "OB403"]


def test_a_key_that_a_wheel_publishes_is_not_a_secret_wherever_its_record_is() -> None:
    key = secret(f"{SITE}/tls/tests/key.pem")
    written = base64.urlsafe_b64encode(bytes.fromhex(key.entry.digest)).decode().rstrip("=")
    record: Part = (f"{SITE}/tls-1.dist-info/RECORD", f"tls/tests/key.pem,sha256={written},60\n".encode())
    for stack in ([layer(key, record)], [layer(key), layer(record)], [layer(record), layer(key), layer(gone(KEY))]):
        assert not waste(inspected(*stack), "OB415")
    other: Part = (f"{SITE}/tls-1.dist-info/RECORD", f"tls/tests/key.pem,sha256={'A' * 43},60\n".encode())
    assert wasted(inspected(layer(key, other)), "OB415") == {key.entry.path: 60}


def test_a_key_that_a_debian_package_publishes_is_not_one_either() -> None:
    key = secret("/usr/share/doc/tls/key.pem", md5="0" * 32)
    sums: Part = ("/var/lib/dpkg/info/tls.md5sums", f"{'0' * 32}  usr/share/doc/tls/key.pem\n".encode())
    assert not waste(inspected(layer(key, sums)), "OB415")
    changed = secret("/usr/share/doc/tls/key.pem", md5="1" * 32)
    assert waste(inspected(layer(changed, sums)), "OB415")


def test_what_else_a_distribution_lists_stays_a_secret() -> None:
    found = inspected(layer(distribution("mine", file(f"{SITE}/mine.py")), secret(f"{SITE}/mine.key")))
    assert set(wasted(found, "OB415")) == {f"{SITE}/mine.key"}
