"""What a failed build says → Debian packages; what a source is known to need; what gives it."""

from __future__ import annotations

import pytest

from builder.core.build_packages import (
    MissingPackages,
    find_binary_twin,
    find_missing_packages,
    list_needed_packages,
    select_absent_packages,
)

LOGS = {
    "mysqlclient 2.2 without a pkg-config file": (
        "Exception: Can not find valid pkg-config name.\nSpecify MYSQLCLIENT_CFLAGS and MYSQLCLIENT_LDFLAGS env vars",
        ("default-libmysqlclient-dev", "pkg-config"),
    ),
    "mysqlclient 2.2 without pkg-config": (
        "/bin/sh: 1: pkg-config: not found",
        ("pkg-config",),
    ),
    "mysqlclient 1.4": ("OSError: mysql_config: command not found", ("default-libmysqlclient-dev", "pkg-config")),
    "python-ldap": (
        "In file included from Modules/LDAPObject.c:3:\nModules/common.h:15:10: fatal error: lber.h: No such file",
        ("libldap2-dev", "libsasl2-dev"),
    ),
    "psycopg2": ("Error: pg_config executable not found.", ("libpq-dev",)),
    "pyodbc": ("src/pyodbc.h:52:10: fatal error: sql.h: No such file or directory", ("unixodbc-dev",)),
    "pykerberos": ("src/kerberosbasic.h:17:10: fatal error: gssapi/gssapi.h: No such file", ("libkrb5-dev",)),
    "krb5": ("FileNotFoundError: [Errno 2] No such file or directory: 'krb5-config'", ("libkrb5-dev",)),
    "pycurl": (
        "ConfigurationError: Could not run curl-config: [Errno 2] No such file or directory: 'curl-config'",
        ("libcurl4-openssl-dev", "libssl-dev"),
    ),
    "pygraphviz": ("graphviz_wrap.c:3020:10: fatal error: graphviz/cgraph.h: No such file", ("libgraphviz-dev",)),
    "no compiler, setuptools": ("error: command 'gcc' failed: No such file or directory", ("gcc", "libc6-dev")),
    "no compiler, a cross name": (
        "error: command 'x86_64-linux-gnu-gcc' failed: No such file or directory",
        ("gcc", "libc6-dev"),
    ),
    "no C++ compiler": ("gcc: fatal error: cannot execute 'cc1plus': execvp: No such file or directory", ("g++",)),
    "no headers of Python": ("a.c:1:10: fatal error: Python.h: No such file or directory", ("python3-dev",)),
    "no headers of C": ("a.c:1:10: fatal error: stdio.h: No such file or directory", ("libc6-dev",)),
    "a library": ("/usr/bin/ld: cannot find -lpq: No such file or directory", ("libpq-dev",)),
    "pkg-config": ("Package 'xmlsec1', required by 'virtual:world', not found", ("libxmlsec1-dev", "pkg-config")),
    "an older pkg-config": ("No package 'cairo' found", ("libcairo2-dev", "pkg-config")),
    "meson": ('../meson.build:1:0: ERROR: Dependency "openblas" not found, tried pkgconfig', ("libopenblas-dev",)),
    "lxml": (
        "Error: Please make sure the libxml2 and libxslt development packages are installed.",
        ("libxml2-dev", "libxslt1-dev"),
    ),
    "Rust": ("error: can't find Rust compiler", ("cargo",)),
    "maturin": ("Cargo, the Rust package manager, is not installed or is not on PATH.", ("cargo",)),
    "two at once": (
        "fatal error: ffi.h: No such file\nfatal error: openssl/ssl.h: No such file",
        ("libffi-dev", "libssl-dev"),
    ),
}


@pytest.mark.parametrize("name", LOGS)
def test_what_was_missing_names_its_packages(name: str) -> None:
    log, packages = LOGS[name]
    assert find_missing_packages(f"running build_ext\n{log}\nerror: it failed\n") == MissingPackages(packages, ())


@pytest.mark.parametrize(
    ("log", "unknown"),
    [
        ("a.c:1:10: fatal error: acme/widget.h: No such file or directory", ("acme/widget.h",)),
        ("/bin/sh: 1: acme-config: not found", ("acme-config",)),
        ("/usr/bin/ld: cannot find -lacme", ("acme",)),
    ],
)
def test_what_no_table_knows_is_named_itself(log: str, unknown: tuple[str, ...]) -> None:
    found = find_missing_packages(log)
    assert found == MissingPackages((), unknown)
    assert found


@pytest.mark.parametrize(
    "log",
    [
        "",
        "ModuleNotFoundError: No module named 'pkg_resources'",
        "error: implicit declaration of function 'PyUnicode_GetSize'",
        "FileNotFoundError: [Errno 2] No such file or directory: 'requirements.txt'",
        "-- Could NOT find Doxygen (missing: DOXYGEN_EXECUTABLE)",
        "warning: no files found matching '*.h' under directory 'src'",
        "checking for gfortran... no, not needed",
    ],
)
def test_other_failures_miss_nothing(log: str) -> None:
    assert not find_missing_packages(log)


@pytest.mark.parametrize(
    ("needed", "installed", "absent"),
    [
        (("libpq-dev",), {"libpq5"}, ("libpq-dev",)),
        (("libpq-dev",), {"libpq-dev"}, ()),
        (("default-libmysqlclient-dev", "pkg-config"), {"libmariadb-dev", "pkgconf"}, ()),
        (("python3-dev",), {"libpython3.11-dev"}, ()),
        (("python3-dev",), {"python3", "python3.11"}, ("python3-dev",)),
        (("libldap2-dev",), {"libldap-dev"}, ()),
        (("g++", "gcc"), {"g++", "gcc"}, ()),
        (("gcc", "gcc"), {"gcc-12-base"}, ("gcc",)),
        (("libcurl4-openssl-dev",), {"libcurl4-gnutls-dev"}, ()),
    ],
)
def test_a_need_is_met_by_what_gives_the_same(
    needed: tuple[str, ...], installed: set[str], absent: tuple[str, ...]
) -> None:
    assert select_absent_packages(needed, installed) == absent


def test_what_a_source_needs_is_known_by_its_name() -> None:
    assert list_needed_packages("psycopg2") == ("gcc", "libc6-dev", "python3-dev", "libpq-dev")
    assert list_needed_packages("cron-descriptor") == ()
    assert (find_binary_twin("psycopg2"), find_binary_twin("mysqlclient")) == ("psycopg2-binary", None)
