"""Which packages of a base image are replaced, and what that hides."""

from __future__ import annotations

from builder.image.lock.foundation import Foundation, ReadFoundation
from builder.image.lock.model import DebianPackage
from builder.image.lock.present.packages import (
    describe_package_upgrades,
    list_package_names,
    list_package_upgrades,
    read_installed_sizes,
)

STATUS = """\
Package: libc6
Status: install ok installed
Installed-Size: 12988
Description: says
 Installed-Size: 5

Package: adduser
Installed-Size: 686

Package: odd
Installed-Size: many
"""


def package(name: str, version: str) -> DebianPackage:
    return DebianPackage(name, version, "amd64", "ab" * 32, 1)


def test_what_the_image_has_in_another_version_is_replaced(foundation: Foundation) -> None:
    runtime = (package("curl", "1"), package("libc6", "2.36-9+deb12u14"))
    assert [str(one) for one in list_package_upgrades(runtime, foundation)] == [
        "libc6 2.36-9+deb12u7 -> 2.36-9+deb12u14"
    ]
    said = describe_package_upgrades(runtime, ReadFoundation(foundation, STATUS))
    assert "1 Debian packages of python:3.11-slim-bookworm are replaced" in said
    assert "about 13.3 MB stay hidden below:\n    libc6 2.36-9+deb12u7 -> 2.36-9+deb12u14" in said


def test_nothing_is_said_where_nothing_is_replaced(foundation: Foundation) -> None:
    assert describe_package_upgrades((package("curl", "1"),), ReadFoundation(foundation, STATUS)) == ""
    assert describe_package_upgrades((package("libc6", "1"),), None) == ""
    assert list_package_upgrades((package("libc6", "1"),), None) == ()


def test_sizes_are_those_of_the_packages_own_field() -> None:
    assert read_installed_sizes(STATUS) == {"libc6": 12988 * 1024, "adduser": 686 * 1024}


def test_the_final_image_has_what_is_added_and_what_is_below(foundation: Foundation) -> None:
    assert list_package_names((package("curl", "1"),), foundation) == {"curl", "adduser", "libc6"}
    assert list_package_names((package("curl", "1"),), None) == {"curl"}
