"""What lock knows about sources that will be built, in sentences and in a line to copy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from foundation_factory import make_foundation

from builder.core.build_packages import MissingPackages
from builder.image.lock.debian import ResolvedPackages
from builder.image.lock.facts import DistributionFacts, ElfRecord
from builder.image.lock.foundation import InstalledPackage
from builder.image.lock.model import DebianPackage
from builder.image.lock.pylock import LockedFile
from builder.image.lock.sources.advice import format_apt_lines, list_source_advice
from builder.image.lock.sources.unbuilt import UnbuiltSource

if TYPE_CHECKING:
    from builder.image.lock.model import Lock

ELF = (ElfRecord("x.so", "x86_64", ("libc.so.6",), ()),)


def make_packages(runtime: str = "", build: str = "") -> ResolvedPackages:
    parts = (tuple(DebianPackage(name, "1", "amd64", "00", 1) for name in names.split()) for names in (runtime, build))
    return ResolvedPackages(*parts)


def make_file(name: str, version: str = "1.0") -> LockedFile:
    return LockedFile(name, version, "sdist", "11" * 32, 5, None)


def advise(
    lock: Lock,
    name: str,
    packages: ResolvedPackages,
    *,
    elf: tuple[ElfRecord, ...] = (),
    case: UnbuiltSource | None = None,
) -> str:
    inputs = replace(lock.inputs, apt_build=("cmake",), apt_runtime=())
    facts = {name: DistributionFacts(name, (), elf)}
    return "\n".join(list_source_advice(inputs, [make_file(name)], facts, [case] if case else [], packages))


def test_psycopg2_without_pg_config_is_told_before_the_build(lock: Lock) -> None:
    text = advise(lock, "psycopg2", make_packages("libc6", "gcc libc6-dev libpython3.11-dev"), elf=ELF)
    assert text.splitlines() == [
        "warning: psycopg2 1.0 is built from source, and nothing in [apt] build gives it libpq-dev; " + TWIN,
        "warning: psycopg2 1.0 loads libpq5 when it runs, and nothing in [apt] runtime gives it",
        '  in optbuild.toml: [apt] build = ["cmake", "libpq-dev"]',
        '  in optbuild.toml: [apt] runtime = ["libpq5"]',
    ]


TWIN = "psycopg2-binary has the same modules as a wheel"
COMPILER = "gcc g++ libc6-dev libpython3.11-dev"


@pytest.mark.parametrize(
    ("name", "runtime", "build"),
    [
        ("psycopg2", "libpq5", f"{COMPILER} libpq-dev"),
        ("mysqlclient", "libmariadb3", f"{COMPILER} libmariadb-dev pkgconf"),
        ("python-ldap", "libldap-2.5-0 libsasl2-2", f"{COMPILER} libldap-dev libsasl2-dev"),
        ("cron-descriptor", "", ""),
    ],
)
def test_nothing_is_said_of_what_has_all_it_needs(lock: Lock, name: str, runtime: str, build: str) -> None:
    assert advise(lock, name, make_packages(runtime, build), elf=ELF if build else ()) == ""


@pytest.mark.parametrize(
    ("name", "build", "runtime"),
    [
        ("mysqlclient", '"default-libmysqlclient-dev", "pkg-config"', '"libmariadb3"'),
        ("python-ldap", '"libldap2-dev", "libsasl2-dev"', '"libldap-2.5-0", "libsasl2-2"'),
        ("pyodbc", '"unixodbc-dev"', '"unixodbc"'),
        ("pycurl", '"libcurl4-openssl-dev", "libssl-dev"', '"libcurl4"'),
        ("lxml", '"libxml2-dev", "libxslt1-dev"', '"libxml2", "libxslt1.1"'),
        ("xmlsec", '"libxml2-dev", "libxmlsec1-dev", "pkg-config"', '"libxml2", "libxmlsec1-openssl"'),
    ],
)
def test_the_relatives_of_psycopg2(lock: Lock, name: str, build: str, runtime: str) -> None:
    lines = advise(lock, name, make_packages("", COMPILER)).splitlines()
    assert lines[-2:] == [
        f'  in optbuild.toml: [apt] build = ["cmake", {build}]',
        f"  in optbuild.toml: [apt] runtime = [{runtime}]",
    ]


def test_machine_code_of_an_unknown_source_needs_a_compiler(lock: Lock) -> None:
    text = advise(lock, "fast-thing", make_packages("", ""), elf=ELF)
    assert "nothing in [apt] build gives it gcc, libc6-dev and python3-dev" in text
    assert advise(lock, "fast-thing", make_packages("", COMPILER), elf=ELF) == ""


def test_several_sources_share_one_line(lock: Lock) -> None:
    files = [make_file("psycopg2"), make_file("lxml"), replace(make_file("pyodbc"), kind="wheel")]
    facts = {file.name: DistributionFacts(file.name, (), ()) for file in files}
    inputs = replace(lock.inputs, apt_build=(), apt_runtime=())
    *_, build, runtime = list_source_advice(inputs, files, facts, [], make_packages("", COMPILER))
    assert build.endswith('[apt] build = ["libpq-dev", "libxml2-dev", "libxslt1-dev"]')
    assert runtime.endswith('[apt] runtime = ["libpq5", "libxml2", "libxslt1.1"]')


SEARCH = "; find the Debian package with acme.h"


def make_case(missing: MissingPackages, *, advice: str = "", proven: bool = False) -> UnbuiltSource:
    facts = DistributionFacts("acme", (), ())
    return UnbuiltSource(make_file("acme"), facts, "its wheel x", missing, "acme 1.0 has no wheel", advice, proven)


def test_a_build_that_missed_something_here_is_told_and_compared_with_apt_build(lock: Lock) -> None:
    case = make_case(MissingPackages(("libffi-dev",), ("acme.h",)))
    text = advise(lock, "acme", make_packages("", COMPILER), case=case)
    assert text.splitlines() == [
        "acme 1.0 has no wheel",
        "  its metadata is that of its wheel x; `optbuild build` builds it in the builder stage" + SEARCH,
        "warning: acme 1.0 is built from source, and nothing in [apt] build gives it libffi-dev",
        '  in optbuild.toml: [apt] build = ["cmake", "libffi-dev"]',
    ]


def test_a_build_that_missed_nothing_is_a_warning(lock: Lock) -> None:
    text = advise(lock, "acme", make_packages(), case=make_case(MissingPackages((), ()), advice="ask for acme==2"))
    assert text.startswith("warning: acme 1.0 has no wheel\n")
    assert "`optbuild build` may fail at it\n  next: ask for acme==2" in text


def test_what_the_builder_stage_built_needs_no_word(lock: Lock) -> None:
    assert advise(lock, "acme", make_packages(), case=make_case(MissingPackages((), ()), proven=True)) == ""


def test_a_name_stands_once_in_the_line() -> None:
    assert format_apt_lines("build", ("gcc",), ("gcc", "make", "make")) == '[apt] build = ["gcc", "make"]'


def test_what_the_base_image_has_is_not_asked_for(lock: Lock) -> None:
    """Its own Python has its headers beside it; what it loads is its own, by the names of its release."""
    files, facts = [make_file("python-ldap")], {"python-ldap": DistributionFacts("python-ldap", (), ELF)}
    inputs = replace(lock.inputs, debian="", apt_build=(), apt_runtime=())
    names = ("gcc", "libc6-dev", "libldap-2.5-0")
    foundation = make_foundation(packages=tuple(InstalledPackage(name, "1", "amd64") for name in names))
    *_, build, runtime = list_source_advice(inputs, files, facts, [], make_packages(), foundation=foundation)
    assert build == '  in optbuild.toml: [apt] build = ["libldap2-dev", "libsasl2-dev"]'
    assert runtime == '  in optbuild.toml: [apt] runtime = ["libsasl2-2"]'
    debian = replace(foundation, python_path="/usr/bin/python3.11")
    said = "\n".join(list_source_advice(inputs, files, facts, [], make_packages(), foundation=debian))
    assert '"python3-dev"' in said
