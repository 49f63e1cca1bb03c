"""Which library a package of headers belongs to: what a program that was built with the headers loads when it runs.

Source: the dependencies of each -dev package in Debian 11, 12 and 13 and in Alpine 3.19. Those whose library has a name
of its own in each release (libldap2-dev, libicu-dev, libboost-dev, ...) have no row, or one for each release; those
whose library every Python loads already (libffi-dev, libssl-dev) need none.
"""

from __future__ import annotations

_DEBIAN = {
    "default-libmysqlclient-dev": "libmariadb3",
    "libmariadb-dev": "libmariadb3",
    "libmariadb-dev-compat": "libmariadb3",
    "libpq-dev": "libpq5",
    "unixodbc-dev": "unixodbc",
    "libxml2-dev": "libxml2",
    "libxslt1-dev": "libxslt1.1",
    "libsasl2-dev": "libsasl2-2",
    "libkrb5-dev": "libgssapi-krb5-2",
    "freetds-dev": "libct4 libsybdb5",
    "librdkafka-dev": "librdkafka1",
    "libsnappy-dev": "libsnappy1v5",
    "libyaml-dev": "libyaml-0-2",
    "libjpeg62-turbo-dev": "libjpeg62-turbo",
    "libcairo2-dev": "libcairo2",
    "libdbus-1-dev": "libdbus-1-3",
    "libleveldb-dev": "libleveldb1d",
    "libsystemd-dev": "libsystemd0",
}
_DEBIAN_RELEASES = {
    "libldap2-dev": {"bookworm": "libldap-2.5-0", "trixie": "libldap2"},
    "libcurl4-openssl-dev": {"bookworm": "libcurl4", "trixie": "libcurl4t64"},
    "libxmlsec1-dev": {"bookworm": "libxmlsec1-openssl", "trixie": "libxmlsec1t64-openssl"},
    "libgeos-dev": {"bookworm": "libgeos-c1v5", "trixie": "libgeos-c1t64"},
    "libre2-dev": {"bookworm": "libre2-9", "trixie": "libre2-11"},
}
"""Headers → release → library."""
_ALPINE = {
    "postgresql-dev": "libpq",
    "libpq-dev": "libpq",
    "mariadb-dev": "mariadb-connector-c",
    "mariadb-connector-c-dev": "mariadb-connector-c",
    "unixodbc-dev": "unixodbc",
    "libxml2-dev": "libxml2",
    "libxslt-dev": "libxslt",
    "cyrus-sasl-dev": "libsasl",
    "krb5-dev": "krb5-libs",
    "freetds-dev": "freetds",
    "librdkafka-dev": "librdkafka",
    "jpeg-dev": "libjpeg-turbo",
}
_IN_EVERY_PYTHON = frozenset({"libffi-dev", "libssl-dev", "zlib1g-dev", "libbz2-dev", "liblzma-dev", "libsqlite3-dev"})
_IN_EVERY_PYTHON |= {"libc6-dev", "libc-dev", "musl-dev", "linux-headers", "python3-dev", "python-dev", "openssl-dev"}
_TABLES = {"apt": _DEBIAN, "apk": _ALPINE}


def find_runtime_library(manager: str, headers: str, release: str = "") -> str | None:
    """The packages with the library, as one would write them; empty where none is needed; None: not known.

    ``release``: the code name of a Debian release, where it is known.
    """
    if headers in _IN_EVERY_PYTHON:
        return ""
    return _TABLES.get(manager, {}).get(headers) or _DEBIAN_RELEASES.get(headers, {}).get(release)
