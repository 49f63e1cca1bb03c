"""Debian packages that a source needs to become a wheel: by the distribution's name, and by what a failed build says.

The names are those of ``[apt] build``, in Debian 12 and 13. Sources: the installation notes of each distribution, and
the package that contains the header, the program, the library or the pkg-config file (packages.debian.org).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

C_COMPILER = ("gcc", "libc6-dev", "python3-dev")
"""What an extension in C needs; gcc only recommends libc6-dev, and recommended packages are not installed."""
_CXX_COMPILER = ("g++", "python3-dev")
_RUST_COMPILER = ("cargo", *C_COMPILER)

_DISTRIBUTIONS: dict[str, tuple[str, ...]] = {
    "cryptography": (*_RUST_COMPILER, "libssl-dev", "pkg-config"),
    "confluent-kafka": (*C_COMPILER, "librdkafka-dev"),
    "cffi": (*C_COMPILER, "libffi-dev"),
    "dbus-python": (*C_COMPILER, "libdbus-1-dev", "libglib2.0-dev", "pkg-config"),
    "gdal": (*_CXX_COMPILER, "libgdal-dev"),
    "google-re2": (*_CXX_COMPILER, "libre2-dev"),
    "gssapi": (*C_COMPILER, "libkrb5-dev"),
    "h5py": (*C_COMPILER, "libhdf5-dev", "pkg-config"),
    "kerberos": (*C_COMPILER, "libkrb5-dev"),
    "krb5": (*C_COMPILER, "libkrb5-dev"),
    "lxml": (*C_COMPILER, "libxml2-dev", "libxslt1-dev"),
    "mariadb": (*C_COMPILER, "libmariadb-dev"),
    "mysqlclient": (*C_COMPILER, "default-libmysqlclient-dev", "pkg-config"),
    "plyvel": (*_CXX_COMPILER, "libleveldb-dev"),
    "psycopg-c": (*C_COMPILER, "libpq-dev"),
    "psycopg2": (*C_COMPILER, "libpq-dev"),
    "pycairo": (*C_COMPILER, "libcairo2-dev", "pkg-config"),
    "pycurl": (*C_COMPILER, "libcurl4-openssl-dev", "libssl-dev"),
    "pygraphviz": (*C_COMPILER, "libgraphviz-dev"),
    "pykerberos": (*C_COMPILER, "libkrb5-dev"),
    "pymssql": (*C_COMPILER, "freetds-dev", "libkrb5-dev"),
    "pyodbc": (*_CXX_COMPILER, "unixodbc-dev"),
    "python-ldap": (*C_COMPILER, "libldap2-dev", "libsasl2-dev"),
    "python-snappy": (*_CXX_COMPILER, "libsnappy-dev"),
    "sasl": (*_CXX_COMPILER, "libsasl2-dev"),
    "shapely": (*C_COMPILER, "libgeos-dev"),
    "systemd-python": (*C_COMPILER, "libsystemd-dev", "pkg-config"),
    "xmlsec": (*C_COMPILER, "libxml2-dev", "libxmlsec1-dev", "pkg-config"),
}
"""Normalised name → what its build certainly fails without."""

_BINARY_TWINS = {"psycopg2": "psycopg2-binary", "psycopg-c": "psycopg-binary"}
"""The same modules as a wheel that brings its library along."""

_GIVEN_BY = {
    "default-libmysqlclient-dev": r"lib(mysqlclient|mariadb)-dev",
    "libcurl4-openssl-dev": r"libcurl4-\w+-dev",
    "libldap2-dev": r"libldap2?-dev",
    "libmariadb-dev": r"libmariadb-dev",
    "pkg-config": r"pkg-config|pkgconf",
    "python3-dev": r"(lib)?python3(\.\d+)?-dev",
}
"""Package → others that give the same; every other name is given by itself alone."""

_PROGRAMS = {
    "c++": ("g++",),
    "cargo": ("cargo",),
    "cc": ("gcc", "libc6-dev"),
    "cc1plus": ("g++",),
    "cmake": ("cmake",),
    "curl-config": ("libcurl4-openssl-dev", "libssl-dev"),
    "gcc": ("gcc", "libc6-dev"),
    "gdal-config": ("libgdal-dev",),
    "geos-config": ("libgeos-dev",),
    "gfortran": ("gfortran",),
    "git": ("git",),
    "g++": ("g++",),
    "krb5-config": ("libkrb5-dev",),
    "make": ("make",),
    "mariadb_config": ("libmariadb-dev",),
    "mysql_config": ("default-libmysqlclient-dev", "pkg-config"),
    "ninja": ("ninja-build",),
    "pg_config": ("libpq-dev",),
    "pkg-config": ("pkg-config",),
    "protoc": ("protobuf-compiler",),
    "rustc": ("cargo",),
    "swig": ("swig",),
    "xml2-config": ("libxml2-dev", "libxslt1-dev"),
    "xslt-config": ("libxml2-dev", "libxslt1-dev"),
}
_HEADERS = (
    (r"Python\.h|pyconfig\.h", ("python3-dev",)),
    (r"(stdio|stdlib|string|limits|errno|assert|sys/types)\.h", ("libc6-dev",)),
    (r"libpq-fe\.h|pg_config\.h", ("libpq-dev",)),
    (r"(mysql/|mariadb/)?(mysql|mysqld_error|errmsg)\.h", ("default-libmysqlclient-dev", "pkg-config")),
    (r"(lber|ldap)\.h", ("libldap2-dev", "libsasl2-dev")),
    (r"(sasl/)?sasl\.h", ("libsasl2-dev",)),
    (r"ffi\.h", ("libffi-dev",)),
    (r"openssl/.+\.h", ("libssl-dev",)),
    (r"curl/.+\.h", ("libcurl4-openssl-dev",)),
    (r"(gssapi|krb5)(/.+)?\.h", ("libkrb5-dev",)),
    (r"sql(ext|ucode|types)?\.h", ("unixodbc-dev",)),
    (r"sqlfront\.h|sybdb\.h|ctpublic\.h", ("freetds-dev",)),
    (r"xmlsec/.+\.h", ("libxmlsec1-dev", "pkg-config")),
    (r"libxml/.+\.h", ("libxml2-dev",)),
    (r"libxslt/.+\.h", ("libxslt1-dev",)),
    (r"cairo(/.+|-.+)?\.h", ("libcairo2-dev", "pkg-config")),
    (r"hdf5\.h", ("libhdf5-dev", "pkg-config")),
    (r"(cblas|lapacke)\.h", ("libopenblas-dev",)),
    (r"(graphviz/)?(cgraph|gvc)\.h", ("libgraphviz-dev",)),
    (r"librdkafka/.+\.h", ("librdkafka-dev",)),
    (r"snappy(-c)?\.h", ("libsnappy-dev",)),
    (r"leveldb/.+\.h", ("libleveldb-dev",)),
    (r"re2/.+\.h", ("libre2-dev",)),
    (r"geos_c\.h", ("libgeos-dev",)),
    (r"gdal\w*\.h|ogr_\w+\.h", ("libgdal-dev",)),
    (r"yaml\.h", ("libyaml-dev",)),
    (r"zlib\.h", ("zlib1g-dev",)),
    (r"bzlib\.h", ("libbz2-dev",)),
    (r"lzma\.h", ("liblzma-dev",)),
    (r"jpeglib\.h", ("libjpeg62-turbo-dev",)),
    (r"gmp\.h", ("libgmp-dev",)),
    (r"mpfr\.h", ("libmpfr-dev",)),
    (r"libmemcached/.+\.h", ("libmemcached-dev",)),
    (r"pcap(/.+)?\.h", ("libpcap-dev",)),
    (r"systemd/.+\.h", ("libsystemd-dev",)),
    (r"dbus/.+\.h", ("libdbus-1-dev",)),
    (r"jni\.h", ("default-jdk-headless",)),
)
"""Pattern of what stands in ``#include`` → packages."""
_LIBRARIES = (
    (r"pq", ("libpq-dev",)),
    (r"mysqlclient|mariadb(client)?", ("default-libmysqlclient-dev",)),
    (r"ldap(_r)?|lber", ("libldap2-dev",)),
    (r"sasl2", ("libsasl2-dev",)),
    (r"ssl|crypto", ("libssl-dev",)),
    (r"odbc", ("unixodbc-dev",)),
    (r"(open)?blas|lapack", ("libopenblas-dev",)),
    (r"z", ("zlib1g-dev",)),
    (r"xml2", ("libxml2-dev",)),
    (r"xslt", ("libxslt1-dev",)),
    (r"ffi", ("libffi-dev",)),
    (r"python3\.\d+", ("python3-dev",)),
)
"""Pattern of what stands behind ``-l`` → packages."""
_MODULES = (
    (r"(lib)?(mysqlclient|mariadb)|mysql", ("default-libmysqlclient-dev", "pkg-config")),
    (r"libpq", ("libpq-dev",)),
    (r"xmlsec1.*", ("libxmlsec1-dev", "pkg-config")),
    (r"libxml-?2\S*", ("libxml2-dev",)),
    (r"(py)?cairo.*", ("libcairo2-dev", "pkg-config")),
    (r"hdf5", ("libhdf5-dev", "pkg-config")),
    (r"openblas|blas|lapack", ("libopenblas-dev",)),
    (r"openssl|libssl|libcrypto", ("libssl-dev",)),
    (r"libffi", ("libffi-dev",)),
    (r"libsystemd", ("libsystemd-dev",)),
    (r"dbus-1", ("libdbus-1-dev",)),
    (r"glib-2\.0", ("libglib2.0-dev",)),
    (r"gobject-introspection-1\.0", ("libgirepository1.0-dev",)),
)
"""Pattern of the name that pkg-config, meson or cmake looked for → packages."""
_SENTENCES = (
    (r"pg_config executable not found", ("libpq-dev",)),
    (r"Can not find valid pkg-config name|MYSQLCLIENT_CFLAGS", ("default-libmysqlclient-dev", "pkg-config")),
    (r"libxml2 and libxslt development packages", ("libxml2-dev", "libxslt1-dev")),
    (r"Rust compiler|the Rust package manager", ("cargo",)),
    (r"Unable to (load|locate) .*HDF5|libhdf5\.so", ("libhdf5-dev", "pkg-config")),
    (r"[Ff]ortran compiler", ("gfortran",)),
    (r"CMake must be installed|cmake[^\n]{0,30} not found", ("cmake",)),
    (r"No such file or directory: 'geos_c|GEOS.*not found", ("libgeos-dev",)),
)
"""What builds say in words of their own."""

_MISSING_HEADER = re.compile(r"fatal error: ([\w./+-]+\.(?:h|hpp|hh)): No such file")
_MISSING_LIBRARY = re.compile(r"cannot find -l:?([\w.+-]+)")
_MISSING_MODULE = re.compile(
    r"Package '?([\w.+-]+?)'?,? (?:required by [^\n]*?, )?(?:was )?not found|No package '([\w.+-]+)' found|"
    r"Dependency \"?([\w.+-]+?)\"? not found|Could (?:not find|NOT find) ([\w.+-]+)"
)
_MISSING_PROGRAM = re.compile(
    r"No such file or directory: b?'([\w.+-]+)'|/sh: (?:\d+: )?([\w.+-]+): not found|\b([\w.+-]+): command not found|"
    r"(?:unable to execute|command|execute) '([\w.+/-]+)'(?: failed)?: (?:execvp: )?No such file|"
    r"error trying to exec '([\w.+-]+)'|\b([\w.+-]+) executable not found"
)
"""As Python's subprocess, dash, bash, setuptools and gcc say that a program is not there."""


@dataclass(frozen=True)
class MissingPackages:
    """``packages`` in the order in which the log asks for them; ``unknown``: what no table has a package for."""

    packages: tuple[str, ...]
    unknown: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.packages or self.unknown)


def find_missing_packages(log: str) -> MissingPackages:
    """What a failed build did not find on its machine; nothing where it failed for another reason."""
    packages: list[str] = []
    unknown: list[str] = []
    for wanted, found in (*_iterate_missing_files(log), *_iterate_sentences(log)):
        packages.extend(found)
        unknown.extend(() if found else (wanted,))
    return MissingPackages(tuple(dict.fromkeys(packages)), tuple(dict.fromkeys(unknown)))


def _iterate_missing_files(log: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(what is missing, packages that have it)."""
    for found in _MISSING_PROGRAM.finditer(log):
        name = next(word for word in found.groups() if word).rsplit("/", 1)[-1]
        name = re.sub(r"^x86_64-linux-gnu-|^aarch64-linux-gnu-|-\d+$", "", name)
        if "." not in name:  # a source or a setting of its own that the distribution forgot
            yield name, _PROGRAMS.get(name, ())
    tables = ((_MISSING_HEADER, _HEADERS), (_MISSING_LIBRARY, _LIBRARIES), (_MISSING_MODULE, _MODULES))
    for expression, table in tables:
        for found in expression.finditer(log):
            name = next(word for word in found.groups() if word)
            packages = next((packages for pattern, packages in table if re.fullmatch(pattern, name)), ())
            if packages or table is not _MODULES:  # of what else is not found builds say nothing reliable
                yield name, packages


def _iterate_sentences(log: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for pattern, packages in _SENTENCES:
        if re.search(pattern, log):
            yield pattern, packages


def list_needed_packages(distribution: str) -> tuple[str, ...]:
    """What the source of a distribution (its normalised name) is known to need; nothing where nothing is known."""
    return _DISTRIBUTIONS.get(distribution, ())


def find_binary_twin(distribution: str) -> str | None:
    """The distribution with the same modules that comes as a wheel."""
    return _BINARY_TWINS.get(distribution)


def select_absent_packages(needed: Iterable[str], installed: Collection[str]) -> tuple[str, ...]:
    """Those of ``needed`` that nothing in ``installed`` (names with all dependencies) gives."""
    return tuple(
        name
        for name in dict.fromkeys(needed)
        if not any(re.fullmatch(_GIVEN_BY.get(name, re.escape(name)), one) for one in installed)
    )
