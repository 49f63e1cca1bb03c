"""Whose a file is, by dpkg's own account."""

from __future__ import annotations

import pytest
from layer_factories import (
    SITE,
    Part,
    content,
    debian,
    distribution,
    dpkg_status,
    file,
    inspected,
    layer,
    status,
    symlink,
)

from builder.inspect.filesystem import build_filesystem
from builder.inspect.model import PackageKey
from builder.inspect.packages.debian import find_debian_packages


def key(name: str) -> PackageKey:
    return PackageKey("debian", name)


def test_a_package_owns_the_files_of_its_list() -> None:
    found = inspected(layer(dpkg_status(status("bash")), debian("bash", file("/usr/bin/bash", 1200))))
    package = found.packages[0]
    assert (package.key, package.version, package.architecture) == (key("bash"), "1.2-3", "amd64")
    assert found.owners["/usr/bin/bash"] == key("bash")
    assert package.bytes == 1200 + len(found.content.layers[0].texts["/var/lib/dpkg/info/bash.list"])


def test_a_list_may_name_the_architecture() -> None:
    parts: list[Part] = [dpkg_status(status("libc6")), debian("libc6:amd64", file("/usr/lib/libc.so.6"))]
    assert inspected(layer(parts)).owners["/usr/lib/libc.so.6"] == key("libc6")


def test_with_a_merged_usr_a_list_says_bin_and_the_file_is_in_usr_bin() -> None:
    parts: list[Part] = [
        symlink("/bin", "usr/bin"),
        dpkg_status(status("coreutils")),
        debian("coreutils", listed=["/bin/ls"]),
    ]
    assert inspected(layer(parts, file("/usr/bin/ls"))).owners["/usr/bin/ls"] == key("coreutils")


@pytest.mark.parametrize(
    ("links", "listed", "real"),
    [
        ({"/bin": "./usr/bin"}, "/bin/ls", "/usr/bin/ls"),
        ({"/bin": "/usr/bin/"}, "/bin/ls", "/usr/bin/ls"),
        ({"/usr/share/foo": "/opt/foo"}, "/usr/share/foo/data/x", "/opt/foo/data/x"),
        ({"/usr/share/foo": "../../opt/foo"}, "/usr/share/foo/x", "/opt/foo/x"),
        ({"/lib": "usr/lib", "/usr/lib/jvm": "../../opt/jvm", "/opt/jvm": "java"}, "/lib/jvm/x", "/opt/java/x"),
        ({"/a": "b", "/b": "a"}, "/a/x", "/a/x"),
        ({"/a": "a/a/a"}, "/a/x", "/a/x"),
    ],
)
def test_a_listed_file_is_found_behind_links_wherever_they_lie(links: dict[str, str], listed: str, real: str) -> None:
    parts: list[Part] = [dpkg_status(status("foo")), debian("foo", listed=[listed]), file(real)]
    parts += [symlink(path, target) for path, target in links.items()]
    assert inspected(layer(parts)).owners[real] == key("foo")


@pytest.mark.parametrize("state", ["triggers-awaited", "triggers-pending"])
def test_a_package_that_waits_for_a_trigger_is_installed(state: str) -> None:
    text = status("man-db").replace("ok installed", f"ok {state}")
    found = inspected(layer(dpkg_status(text), debian("man-db", file("/usr/bin/man"))))
    assert found.owners["/usr/bin/man"] == key("man-db")


def test_without_a_merged_usr_both_stay_what_they_are() -> None:
    parts: list[Part] = [dpkg_status(status("coreutils")), debian("coreutils", file("/bin/ls")), file("/usr/bin/ls")]
    assert set(inspected(layer(parts)).owners) == {"/bin/ls", "/var/lib/dpkg/info/coreutils.list"}


def test_a_diverted_file_lies_elsewhere_and_the_diverter_keeps_the_place() -> None:
    parts: list[Part] = [
        dpkg_status(status("bash", "dash")),
        debian("bash", listed=["/usr/bin/sh"]),
        debian("dash", listed=["/usr/bin/sh"]),
        ("/var/lib/dpkg/diversions", b"/usr/bin/sh\n/usr/bin/sh.distrib\ndash\n"),
        file("/usr/bin/sh"),
        file("/usr/bin/sh.distrib"),
    ]
    owners = inspected(layer(parts)).owners
    assert owners["/usr/bin/sh"] == key("dash")
    assert owners["/usr/bin/sh.distrib"] == key("bash")


def test_a_removed_package_whose_settings_stay_is_none() -> None:
    text = status("bash").replace("install ok installed", "deinstall ok config-files")
    assert not inspected(layer(dpkg_status(text), debian("bash", file("/etc/bashrc")))).packages


def test_a_distroless_image_has_a_folder_of_parts() -> None:
    part = b"Package: libc6\nVersion: 2.36\nArchitecture: amd64\n"
    sums = b"d41d8cd98f00b204e9800998ecf8427e  lib/libc.so.6\n"
    parts: list[Part] = [
        symlink("/lib", "usr/lib"),
        ("/var/lib/dpkg/status.d/libc6", part),
        ("/var/lib/dpkg/status.d/libc6.md5sums", sums),
        file("/usr/lib/libc.so.6"),
    ]
    found = inspected(layer(parts))
    assert [(one.key, one.version) for one in found.packages] == [(key("libc6"), "2.36")]
    assert found.owners["/usr/lib/libc.so.6"] == key("libc6")


def test_of_alternatives_the_installed_one_is_needed_also_by_what_it_provides() -> None:
    text = status("app: mawk (>= 1) | gawk, awk, libx (= 1) | liby") + "\n" + status("gawk", Provides="awk")
    found = {one.key.name: one.requires for one in inspected(layer(dpkg_status(text))).packages}
    assert found == {"app": ("gawk",), "gawk": ()}


def test_apts_account_tells_what_was_asked_for() -> None:
    marks = b"Package: libc6\nArchitecture: amd64\nAuto-Installed: 1\n"
    text = dpkg_status(status("curl", "libc6"))
    with_account = {one.key.name: one.asked_for for one in inspected(layer(text, _marks(marks))).packages}
    assert with_account == {"curl": True, "libc6": False}
    assert {one.key.name: one.asked_for for one in inspected(layer(text)).packages} == {"curl": False, "libc6": False}
    given = inspected(layer(text), asked_for=["libc6"]).packages
    assert {one.key.name: one.asked_for for one in given} == {"curl": False, "libc6": True}


def _marks(text: bytes) -> tuple[str, bytes]:
    return ("/var/lib/apt/extended_states", text)


def test_what_dpkg_lists_is_dpkgs_also_where_a_record_lists_it() -> None:
    path = f"{SITE}/yaml.py"
    parts: list[Part] = [
        dpkg_status(status("python3-yaml")),
        debian("python3-yaml", listed=[path]),
        distribution("pyyaml", file(path)),
    ]
    assert inspected(layer(parts)).owners[path] == key("python3-yaml")


def test_a_damaged_status_file_is_read_as_far_as_it_goes() -> None:
    text = "nonsense\n\nPackage:\nStatus: install ok installed\n\n" + status("bash") + "\nPackage: half\nStat"
    scene = build_filesystem(content(layer(dpkg_status(text))))
    assert [one.name for one in find_debian_packages(scene)] == ["bash"]
