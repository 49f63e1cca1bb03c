"""The Debian packages that the image of every spec has: a layer of their own, the same file in all of them.

What :func:`builder.core.debian.list_runtime_packages` always asks for, libstdc++6, which wheels of each Airflow need
(greenlet, grpcio), all that these depend on, and what Debian calls essential. A test compares this with apt. A name
more or less does no harm: what a lock does not have is left out, what is not named here lies in the layer above.
"""

from __future__ import annotations

_BOOKWORM = """
base-files base-passwd bash bsdutils ca-certificates coreutils curl dash debconf debianutils diffutils dpkg dumb-init
findutils gcc-12-base grep gzip hostname init-system-helpers libacl1 libattr1 libaudit-common libaudit1 libblkid1
libbrotli1 libbz2-1.0 libc-bin libc6 libcap-ng0 libcap2 libcom-err2 libcrypt1 libcurl4 libdb5.3 libdebconfclient0
libexpat1 libffi8 libgcc-s1 libgcrypt20 libgmp10 libgnutls30 libgpg-error0 libgssapi-krb5-2 libhogweed6 libidn2-0
libk5crypto3 libkeyutils1 libkrb5-3 libkrb5support0 libldap-2.5-0 liblz4-1 liblzma5 libmd0 libmount1 libncursesw6
libnettle8 libnghttp2-14 libnsl2 libp11-kit0 libpam-modules libpam-modules-bin libpam-runtime libpam0g libpcre2-8-0
libpsl5 libpython3-stdlib libpython3.11-minimal libpython3.11-stdlib libreadline8 librtmp1 libsasl2-2
libsasl2-modules-db libselinux1 libsmartcols1 libsqlite3-0 libssh2-1 libssl3 libstdc++6 libsystemd0 libtasn1-6 libtinfo6
libtirpc-common libtirpc3 libudev1 libunistring2 libuuid1 libzstd1 login mawk media-types ncurses-base ncurses-bin
netbase openssl perl-base python3 python3-minimal python3.11 python3.11-minimal readline-common sed sysvinit-utils tar
tzdata usr-is-merged util-linux util-linux-extra zlib1g
"""
_TRIXIE = """
base-files base-passwd bash bsdutils ca-certificates coreutils curl dash debconf debianutils diffutils dpkg dumb-init
findutils gcc-14-base grep gzip hostname init-system-helpers libacl1 libattr1 libaudit-common libaudit1 libblkid1
libbrotli1 libbz2-1.0 libc-bin libc6 libcap-ng0 libcap2 libcom-err2 libcrypt1 libcurl4t64 libdb5.3t64 libdebconfclient0
libexpat1 libffi8 libgcc-s1 libgmp10 libgnutls30t64 libgssapi-krb5-2 libhogweed6t64 libidn2-0 libk5crypto3 libkeyutils1
libkrb5-3 libkrb5support0 liblastlog2-2 libldap2 liblzma5 libmd0 libmount1 libncursesw6 libnettle8t64 libnghttp2-14
libnghttp3-9 libp11-kit0 libpam-modules libpam-modules-bin libpam-runtime libpam0g libpcre2-8-0 libpsl5t64
libpython3-stdlib libpython3.13-minimal libpython3.13-stdlib libreadline8t64 librtmp1 libsasl2-2 libsasl2-modules-db
libselinux1 libsmartcols1 libsqlite3-0 libssh2-1t64 libssl3t64 libstdc++6 libsystemd0 libtasn1-6 libtinfo6 libudev1
libunistring5 libuuid1 libzstd1 mawk media-types ncurses-base ncurses-bin netbase openssl openssl-provider-legacy
perl-base python3 python3-minimal python3.13 python3.13-minimal readline-common sed sysvinit-utils tar tzdata
usr-is-merged util-linux zlib1g
"""
STANDARD_PACKAGES = {"bookworm": frozenset(_BOOKWORM.split()), "trixie": frozenset(_TRIXIE.split())}
"""Release → names."""
