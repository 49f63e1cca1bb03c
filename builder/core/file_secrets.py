"""What looks like a secret in a file: by its bytes wherever they are, and by what its name lets expect.

One table for whoever looks into images. Formats of tokens: each vendor's documentation of its prefixes (GitHub, GitLab,
Slack, AWS, Google, npm, PyPI, Stripe, Azure, Docker Hub, OpenAI, Anthropic).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from builder.core.elf import is_elf
from builder.core.secret_files import find_named_secret

BUILD_SECRET = "a secret of the build"  # noqa: S105 - the words of a finding
"""Programs and libraries are searched for the build's own secrets only: TLS libraries hold their self-tests' keys."""
KEY_NEEDLE = b"PRIVATE KEY"
"""In every private key that is a text; that of a service account is one too."""
MAX_BYTES = 1 << 20
"""Of a file that is searched by ``inspect``. Keys and settings have some kilobytes, an export of all connections some
hundred; what is larger is data, and searching it would take longer than reading it."""


@dataclass(frozen=True)
class SecretPattern:
    """``needles`` are searched first: a plain search is many times faster than the expression."""

    what: str
    needles: tuple[bytes, ...]
    expression: re.Pattern[bytes]


_HEADERS = rb"(?:[A-Za-z][A-Za-z-]*: [^\r\n]{1,200}(?:\r?\n|\\n))*"
_BREAK = rb"(?:\s|\\n|\\r)"

_PEM_KEY = re.compile(
    rb"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    + _BREAK
    + rb"{1,8}"
    + _HEADERS
    + _BREAK
    + rb"{0,8}(?:[A-Za-z0-9+/=]{32}|M[A-Za-z0-9+/=]{3,32}"  # DER begins with a SEQUENCE, in base64 an M
    + _BREAK
    + rb"{1,8}-----END)"
)
_ACCOUNT = re.compile(rb'"type"\s{0,20}:\s{0,20}"service_account"')
_ACCOUNT_KEY = re.compile(rb'"private_key"\s{0,20}:\s{0,20}"-----BEGIN')
_BEGINNINGS = (
    (
        "a private key",
        re.compile(
            rb"PuTTY-User-Key-File-\d: (?s:.{1,8000}?)\nPrivate-Lines: \d"
            rb"|\(\d{1,3}:(?:protected-|shadowed-)?private-key\("
            rb"|(?:[A-Z][\w-]{0,50}: [^\n]{0,200}\n){0,20}Key: \((?:protected-)?private-key \("
            rb"|(?:#[^\n]{0,200}\n){0,10}AGE-SECRET-KEY-1[0-9A-Z]{58}"
        ),
    ),
    (
        "a cloud user's refresh token",
        re.compile(
            rb'(?s)\s{0,20}\{(?=.{0,4000}"type"\s{0,20}:\s{0,20}"authorized_user")'
            rb'.{0,4000}"refresh_token"\s{0,20}:\s{0,20}"[\w/.+-]{20,500}"'
        ),
    ),
    (  # identifiers in DER: RFC 7292 (PKCS #12 key bags), Sun's key protectors; KeePass' signature
        "a key store with a private key",
        re.compile(
            rb"(?s)(?:\x30[\x80-\x84].*\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01[\x01\x02]"
            rb"|(?:\xfe\xed\xfe\xed|\xce\xce\xce\xce).*\x2b\x06\x01\x04\x01\x2a\x02(?:\x11\x01\x01|\x13\x01)"
            rb"|\x03\xd9\xa2\x9a[\x65-\x67]\xfb\x4b\xb5)"
        ),
    ),
)
"""Formats that a file as a whole has, by how it begins: that costs nothing."""
_TOKENS = (
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
    SecretPattern(
        "the address of a Slack webhook",
        (b"hooks.slack.com/services/",),
        re.compile(rb"hooks\.slack\.com/services/T[0-9A-Z]{7,12}/B[0-9A-Z]{7,12}/(?!X{8})[0-9A-Za-z]{20,}"),
    ),
    SecretPattern("a Google API key", (b"AIza",), re.compile(rb"(?<![\w-])AIza[\w-]{35}(?![\w-])")),
    SecretPattern(
        "an npm token",
        (b"npm_", b"_authToken"),
        re.compile(rb"(?<!\w)npm_[A-Za-z0-9]{36}(?!\w)|:_authToken=(?![<*])[^\s$]{8,}"),
    ),
    SecretPattern("a PyPI token", (b"pypi-AgEI",), re.compile(rb"pypi-AgEI[\w-]{50,}")),
    SecretPattern("a Stripe key", (b"k_live_",), re.compile(rb"(?<!\w)[sr]k_live_[0-9A-Za-z]{24,}")),
    SecretPattern(
        "the key of an Azure storage account",
        (b"AccountKey=",),
        re.compile(rb"AccountKey=(?!Eby8vdM02xNO)[A-Za-z0-9+/]{86}=="),  # not that of the emulator, which is public
    ),
    SecretPattern("a Docker Hub token", (b"dckr_pat_",), re.compile(rb"(?<!\w)dckr_pat_[\w-]{27}")),
    SecretPattern(
        "a key of a model's API", (b"sk-ant-", b"sk-proj-"), re.compile(rb"(?<![\w-])sk-(?:ant|proj)-[\w-]{40,}")
    ),
)
_NAMED_BINARIES = (
    (  # plain PKCS #8 and PKCS #1 (RFC 5958, RFC 8017), and an elliptic curve's (RFC 5915)
        (".der", ".key", ".p8", ".pk8", ".pkcs8"),
        "a private key",
        re.compile(
            rb"\x30\x82..\x02\x01\x00(?:\x30|\x02\x82)|\x30[\x20-\x7f\x81].{0,2}\x02\x01\x01\x04[\x14-\x42]", re.DOTALL
        ),
    ),
    ((".keytab",), "keys of Kerberos", re.compile(rb"\x05[\x01\x02]")),
    ((".sso",), "a wallet of Oracle's", re.compile(rb"\xa1\xf8")),
)
"""Formats whose beginning is too short to tell without the file's name."""
_DUMMIES = ("/ssl-cert-snakeoil.key",)
"""Debian's ssl-cert makes it for servers that nobody has given a certificate yet; nobody trusts that one."""


def find_file_secrets(path: str, data: bytes, forbidden: tuple[bytes, ...] = ()) -> tuple[str, ...]:
    """What secrets the file holds, in words, never the secret itself. ``forbidden`` are values that may be nowhere."""
    found = [BUILD_SECRET] if any(value in data for value in forbidden) else []
    if is_elf(data) or path.endswith(_DUMMIES):
        return tuple(found)
    found += _find_pem_key(data)
    found += [what for what, expression in _BEGINNINGS if expression.match(data)]
    found += [pattern.what for pattern in _TOKENS if _matches_secret(pattern, data)]
    found += [what for names, what, begin in _NAMED_BINARIES if path.endswith(names) and begin.match(data)]
    if not found and (named := find_named_secret(path, data)) is not None:
        found.append(named)
    return tuple(found)


def _find_pem_key(data: bytes) -> list[str]:
    if KEY_NEEDLE not in data:
        return []
    if _ACCOUNT.search(data) and _ACCOUNT_KEY.search(data):
        return ["a service account with its private key"]
    return ["a private key"] if _PEM_KEY.search(data) else []


def _matches_secret(pattern: SecretPattern, data: bytes) -> bool:
    return any(needle in data for needle in pattern.needles) and pattern.expression.search(data) is not None
