"""Installs .debs into the image that runs this: without network, without questions, without starting a service.

For change.py, which knows what that changed. Standard library only.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

UNWANTED = ("doc", "info", "lintian", "locale", "man")
"""Below /usr/share, as in a base of our own."""
DPKG = (
    *("dpkg", "--abort-after=99999", "--auto-deconfigure", "--force-unsafe-io", "--force-confdef", "--force-confold"),
    *(f"--path-exclude=/usr/share/{name}/*" for name in UNWANTED),
)
_FAILED = "Errors were encountered while processing:\n"
NEEDED_BY_SCRIPTS = ("/usr/bin/perl", "/usr/share/perl5/Debconf")
"""Of many packages; images from which a tool took what runs no longer need do not have it."""
POLICY = "usr/sbin/policy-rc.d"
"""Asked before a service is started, see invoke-rc.d(8); official Debian images have one."""
PROGRAMS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def install_debs(debs: Iterable[Path]) -> None:
    """Unpack and configure them in an order that their Pre-Depends allow. Raises SystemExit with what dpkg said."""
    left = sorted(debs, key=lambda deb: deb.name)
    while left:
        unpacked = run_dpkg("--unpack", *map(str, left))
        failed = read_failed(unpacked.stderr) if unpacked.returncode else frozenset()
        if unpacked.returncode and (not failed or failed >= {str(deb) for deb in left}):
            raise SystemExit(describe_failure("unpack", unpacked))
        left = [deb for deb in left if str(deb) in failed]
        # with some left, what needs them cannot be configured yet
        configured = run_dpkg("--configure", "--pending")
        if configured.returncode and not left:
            raise SystemExit(describe_failure("configure", configured))


def describe_failure(step: str, done: subprocess.CompletedProcess[str]) -> str:
    """What dpkg said; and of an image that was made smaller than dpkg's scripts can bear, what they miss."""
    lacks = [path for path in NEEDED_BY_SCRIPTS if not Path(path).exists()]
    names = ", ".join(sorted(read_failed(done.stderr))) or "these packages"
    advice = f"\nThe base image lacks {' and '.join(lacks)}, which scripts of {names} may need" if lacks else ""
    return f"change.py: dpkg could not {step} the packages:\n{done.stdout}{done.stderr}{advice}"


def run_dpkg(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run((*DPKG, *argv), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def read_failed(text: str) -> frozenset[str]:
    """The files that dpkg names at its end; empty where it ended for another reason."""
    return frozenset(line.strip() for line in text.partition(_FAILED)[2].splitlines())


def install_quietly(root: Path, debs: list[Path], epoch: str) -> None:
    """Without questions, and without a service that is started."""
    os.environ |= {
        "PATH": PROGRAMS,
        "LC_ALL": "C",
        "TZ": "UTC",
        "DEBIAN_FRONTEND": "noninteractive",
        "DEBCONF_NONINTERACTIVE_SEEN": "true",
        "SOURCE_DATE_EPOCH": epoch,  # the day on which a user was made, in /etc/shadow
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    policy = root / POLICY
    is_ours = not os.path.lexists(policy)
    if is_ours:
        policy.parent.mkdir(parents=True, exist_ok=True)
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        install_debs(debs)
    finally:
        if is_ours:
            policy.unlink()
