"""What looks like a secret in a file, and which files may look so because anybody can download them.

Formats of tokens: each vendor's documentation of its prefixes (GitHub, GitLab, Slack, AWS, Google, npm, PyPI).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from posixpath import basename

from builder.core.elf import is_elf

BUILD_SECRET = "a secret of the build"  # noqa: S105 - the words of a finding
"""Programs and libraries are searched for the build's own secrets only: TLS libraries hold their self-tests' keys."""


@dataclass(frozen=True)
class SecretPattern:
    """``needles`` are searched first: a plain search is many times faster than the expression."""

    what: str
    needles: tuple[bytes, ...]
    expression: re.Pattern[bytes]


_HEADERS = rb"(?:[A-Za-z][A-Za-z-]*: [^\r\n]{1,200}(?:\r?\n|\\n))*"

PATTERNS = (
    SecretPattern(
        "a private key",
        (b"PRIVATE KEY",),
        re.compile(
            rb"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\n|\\r){1,8}"
            + _HEADERS
            + rb"(?:\s|\\n|\\r){0,8}[A-Za-z0-9+/=]{32}"
        ),
    ),
    SecretPattern(
        "an AWS access key",
        (b"AKIA", b"ASIA"),
        re.compile(rb"(?<![0-9A-Za-z])(?:AKIA|ASIA)(?![0-9A-Z]*EXAMPLE)[0-9A-Z]{16}(?![0-9A-Za-z])"),
    ),
    SecretPattern(
        "a GitHub token",
        (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_"),
        re.compile(rb"(?<![0-9A-Za-z_])(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{50,})"),
    ),
    SecretPattern("a GitLab token", (b"glpat-",), re.compile(rb"(?<![\w-])glpat-[\w-]{20,}")),
    SecretPattern("a Slack token", (b"xox",), re.compile(rb"xox[abps]-[0-9]{8,}-[0-9A-Za-z-]{12,}")),
    SecretPattern("a Google API key", (b"AIza",), re.compile(rb"(?<![\w-])AIza[\w-]{35}(?![\w-])")),
    SecretPattern(
        "an npm token",
        (b"npm_", b"_authToken"),
        re.compile(rb"(?<!\w)npm_[A-Za-z0-9]{36}(?!\w)|:_authToken=[^\s$]{8,}"),
    ),
    SecretPattern("a PyPI token", (b"pypi-AgEI",), re.compile(rb"pypi-AgEI[\w-]{50,}")),
)

_URL_CREDENTIALS = re.compile(rb"https?://[^\s/:@]+:[^\s/@$]+@")
NAMED_FILES: dict[str, tuple[str, re.Pattern[bytes]]] = {
    ".netrc": ("a password of a netrc file", re.compile(rb"\bpassword\s+\S+")),
    "_netrc": ("a password of a netrc file", re.compile(rb"\bpassword\s+\S+")),
    "pip.conf": ("a package index's credentials", _URL_CREDENTIALS),
    "pip.ini": ("a package index's credentials", _URL_CREDENTIALS),
    "uv.toml": ("a package index's credentials", _URL_CREDENTIALS),
    ".pypirc": ("a package index's password", re.compile(rb"(?m)^\s*password\s*[=:]\s*\S+")),
    ".git-credentials": ("a git password", _URL_CREDENTIALS),
    "credentials": ("an AWS secret key", re.compile(rb"(?i)aws_secret_access_key\s*=\s*\S{20,}")),
    "auth.conf": ("an apt password", re.compile(rb"\bpassword\s+\S+")),
    "sources.list": ("an apt mirror's credentials", _URL_CREDENTIALS),
    "config.json": ("a registry's credentials", re.compile(rb'"auth"\s*:\s*"[A-Za-z0-9+/=]{8,}"')),
}


def find_file_secrets(path: str, data: bytes, forbidden: tuple[bytes, ...] = ()) -> tuple[str, ...]:
    """What secrets the file holds, in words, never the secret itself. ``forbidden`` are values that may be nowhere."""
    found = [BUILD_SECRET] if any(value in data for value in forbidden) else []
    if is_elf(data):
        return tuple(found)
    found += [pattern.what for pattern in PATTERNS if _matches_secret(pattern, data)]
    named = NAMED_FILES.get(basename(path))
    if named is not None and named[1].search(data):
        found.append(named[0])
    return tuple(found)


def _matches_secret(pattern: SecretPattern, data: bytes) -> bool:
    return any(needle in data for needle in pattern.needles) and pattern.expression.search(data) is not None


def parse_record_hashes(record: bytes) -> set[str]:
    """The sha256 (URL-safe base64, unpadded) of every file of a wheel's RECORD (PEP 376, PEP 427).

    A file with such a hash is what the published distribution holds: its test keys and examples are nobody's secret.
    """
    return {found.decode() for found in re.findall(rb",sha256=([\w-]{43}),\d*\r?$", record, re.MULTILINE)}
