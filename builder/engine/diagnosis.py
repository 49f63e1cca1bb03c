"""The end of a failed step's log → what happened, in one sentence, and what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from builder.core.build_packages import find_missing_packages

INSTALLER = "uv"
UV_MISMATCH = re.compile(r"Hash mismatch for `([^`]+)`")
"""uv's words; what the name is followed by differs: ``name==version``."""
PIP_MISMATCH = "DO NOT MATCH THE HASHES"
PIP_MISMATCHED = re.compile(r"^\s+(\S+==\S+)(?: from .*)?:\s*$", re.MULTILINE)
"""pip's lines after that: ``    name==version from URL (from -r file (line 1)):``."""
PUSH_HINT = "is the registry right, does it answer, and are you logged in (`docker login`)?"
ENGINE_HINT = (
    "the engine ended, or the connection to it broke off: see whether it runs (`docker info`, `optbuild doctor`) and "
    "what its own log says, then build again. All tags stay as they were"
)
_ENGINE_GONE = (
    "code = Unavailable",
    "failed to solve: Unavailable",
    "error reading from server",
    "Cannot connect to the Docker daemon",
)
"""gRPC's status of a server that is gone (grpc.io, "Status codes"), passed on by buildx; the docker client's words."""
_ABSENT_PROGRAMS = (
    "write the packages that failed into runtime of [apt] in the spec of the base image itself, build and push that "
    "one, then: optbuild lock --refresh-base"
)
HINTS = (
    ("failed to push", PUSH_HINT),  # before what a registry may answer: 401 has another meaning below
    (
        "CERTIFICATE_VERIFY_FAILED",
        "a proxy with its own CA is in between: point SSL_CERT_FILE to the bundle that holds it",
    ),
    (
        "invalid peer certificate",
        "a proxy with its own CA is in between: point SSL_CERT_FILE to the bundle that holds it",
    ),
    ("The base image lacks /usr/", _ABSENT_PROGRAMS),
    ("no space left on device", "free some disk (`docker system df` shows what the engine holds) and build again"),
    *((words, ENGINE_HINT) for words in _ENGINE_GONE),
    ("401 Unauthorized", "the package index needs credentials: set UV_DEFAULT_INDEX or UV_INDEX, or a .netrc"),
    ("Temporary failure in name resolution", "the build has no network: check DNS and proxy settings of the engine"),
)
"""What a log says, and what to do about it; the first that matches is shown."""

_OWN_HEADERS = re.compile(r"-I/(?!usr/include/)\S*?/include/python3\.\d+")
"""Where a compiler looks for the headers of a Python that is not Debian's."""

_SCRIPT_FAILED = re.compile(r"^run_scripts\.py: (?P<cause>\S.*)\nrun_scripts\.py: next: (?P<step>\S.*)$", re.MULTILINE)
"""What the build says in the end where a script of [build] run failed."""
_WITHOUT_NETWORK = ", without network"
_NETWORK_WORDS = (
    "Could not resolve host",
    "EAI_AGAIN",
    "ENOTFOUND",
    "Name or service not known",
    "Network is unreachable",
    "Temporary failure in name resolution",
    "unable to resolve host",
)
"""What programs say where no name can be resolved (getaddrinfo(3), curl, wget, Node)."""


@dataclass(frozen=True)
class Diagnosis:
    """``cause`` None: only the log is shown. ``hint`` None: no next step is known."""

    cause: str | None = None
    hint: str | None = None


def diagnose_failure(text: str) -> Diagnosis:
    """``text`` is the error of the step and the end of its log."""
    if found := _SCRIPT_FAILED.search(text):
        return _explain_script(found["cause"], found["step"], text)
    if names := _find_mismatches(text):
        return _explain_mismatch(names)
    hint = next((hint for pattern, hint in HINTS if pattern in text), None)
    packages = find_missing_packages(text).packages
    if "python3-dev" in packages and _OWN_HEADERS.search(text):
        return Diagnosis(
            "the Python of the base image has no headers, and those of Debian's python3-dev are of another one",
            "take a base image that has its Python's headers, as the official ones do, or a version with a wheel",
        )
    return Diagnosis(hint=hint or _name_packages(packages))


def _explain_script(cause: str, step: str, text: str) -> Diagnosis:
    """A script of [build] run: the project's own code, so nothing that its log says is about the packages."""
    if cause.endswith(_WITHOUT_NETWORK) and any(words in text for words in _NETWORK_WORDS):
        step = "if it may load what is there that day, write run-network = true below [build]; else let it load nothing"
    return Diagnosis(f"a script of [build] run: {cause}", step)


def _name_packages(packages: tuple[str, ...]) -> str | None:
    """What a source was built without."""
    if not packages:
        return None
    names = ", ".join(f'"{name}"' for name in packages)
    return f"add {names} to build of [apt] in optbuild.toml, then: optbuild lock"


def _find_mismatches(text: str) -> tuple[str, ...]:
    """``name==version`` of what differs from its hash, in order."""
    found = UV_MISMATCH.findall(text)
    if PIP_MISMATCH in text:
        found += PIP_MISMATCHED.findall(text.partition(PIP_MISMATCH)[2])
    return tuple(dict.fromkeys(found))


def _explain_mismatch(names: tuple[str, ...]) -> Diagnosis:
    moved = [name.partition("==")[0] for name in names]
    # the installer itself is not a package of the image, which is what --upgrade-package knows
    options = "--upgrade" if INSTALLER in moved else " ".join(f"--upgrade-package {name}" for name in moved)
    differs = "differs from its hash" if len(names) == 1 else "differ from their hashes"
    return Diagnosis(
        f"{', '.join(names)} {differs} in optbuild.lock: the package index serves another file than the one that was "
        "locked, or the lock was changed by hand. Nothing of it was installed",
        f"find out why the file changed; if that is expected, `optbuild lock {options}`",
    )
