"""Shared libraries → Debian packages, as data.

What wheels may expect from any Linux: ``lib_whitelist`` of auditwheel's manylinux policies (PEP 513, 571, 599, 600).
The Debian packages are those of each release that contain the file of that soname; the ``t64`` names came with trixie.
"""

from __future__ import annotations

import re

GLIBC = frozenset(
    {
        "ld-linux-aarch64.so.1",
        "ld-linux-x86-64.so.2",
        "ld-linux.so.2",
        "libBrokenLocale.so.1",
        "libanl.so.1",
        "libc.so.6",
        "libdl.so.2",
        "libm.so.6",
        "libmvec.so.1",
        "libnss_dns.so.2",
        "libnss_files.so.2",
        "libpthread.so.0",
        "libresolv.so.2",
        "librt.so.1",
        "libthread_db.so.1",
        "libutil.so.1",
    }
)
"""In ``libc6``, which is always there."""

_ANY_LINUX = {
    "libGL.so.1": "libgl1",
    "libICE.so.6": "libice6",
    "libSM.so.6": "libsm6",
    "libX11.so.6": "libx11-6",
    "libXext.so.6": "libxext6",
    "libXrender.so.1": "libxrender1",
    "libatomic.so.1": "libatomic1",
    "libcrypt.so.1": "libcrypt1",
    "libexpat.so.1": "libexpat1",
    "libgcc_s.so.1": "libgcc-s1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgobject-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libnsl.so.2": "libnsl2",
    "libstdc++.so.6": "libstdc++6",
    "libz.so.1": "zlib1g",
    # Not in the policies, but named by wheels and in no doubt about their package:
    "libbz2.so.1.0": "libbz2-1.0",
    "libffi.so.8": "libffi8",
    "libgomp.so.1": "libgomp1",
    "liblzma.so.5": "liblzma5",
    "libuuid.so.1": "libuuid1",
}
_RENAMED = {"trixie": {"libglib2.0-0": "libglib2.0-0t64"}}
"""The transition to 64 bit time_t renamed packages whose interface changed on 32 bit machines."""


def find_library_package(soname: str, release: str, python: str) -> str | None:
    """The package of ``release`` that contains ``soname``; None when the table does not know it."""
    if soname == f"libpython{python}.so.1.0":
        return f"libpython{python}"
    package = _ANY_LINUX.get(soname)
    return None if package is None else _RENAMED.get(release, {}).get(package, package)


def list_package_candidates(soname: str, release: str) -> tuple[str, ...]:
    """Package names by Debian policy 8.1 and library packaging practice, the likeliest first.

    ``libpq.so.5`` → ``libpq5``; a name that ends in a digit gets a dash: ``libfoo2.so.1`` → ``libfoo2-1``;
    ``libodbc-2.1.so`` → ``libodbc-2.1``.
    """
    versioned = re.fullmatch(r"(?P<name>.+?)\.so\.(?P<version>[0-9A-Za-z.]+)", soname)
    unversioned = re.fullmatch(r"(?P<name>.+?)-(?P<version>[0-9][0-9A-Za-z.]*)\.so", soname)
    match = versioned or unversioned
    if match is None:
        return ()
    name, version = match["name"].lower().replace("_", "-"), match["version"].lower()
    dash = "-" if name[-1].isdigit() or unversioned else ""
    plain = (f"{name}{dash}{version}", f"{name}-{version}" if not dash else f"{name}{version}")
    return tuple(f"{one}t64" for one in plain[:1] if release != "bookworm") + plain
