"""What a build may see but no layer may keep: the CA bundle and the credentials of package indexes.

Values travel in the environment of the docker client, never on its command line and never in a log.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from builder.core.errors import BuildRefusedError
from builder.core.redact import MASK, MIN_MASKED, expand_forms

if TYPE_CHECKING:
    from collections.abc import Mapping

CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
CA_PATHS = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, Red Hat
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, BSD
)
"""Where each family keeps the machine's own bundle (the list that Go's crypto/x509 tries)."""
DEFAULT_INDEX_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
EXTRA_INDEX_VARIABLES = ("UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL")
MAX_SECRET_BYTES = 500 * 1024
"""BuildKit refuses a longer secret (``session/secrets``: MaxSecretSize)."""
_PREFIX = "OPTBUILD_SECRET_"


@dataclass(frozen=True)
class FileSecret:
    """A file that a ``RUN --mount=type=secret,id=...`` sees."""

    id: str
    path: Path


@dataclass(frozen=True)
class ValueSecret:
    """A value, read by the docker client from its environment variable ``variable``."""

    id: str
    value: str

    @property
    def variable(self) -> str:
        return _PREFIX + self.id.upper()

    def __repr__(self) -> str:
        return f"ValueSecret(id={self.id!r}, value={MASK!r})"


@dataclass(frozen=True)
class BuildSecrets:
    """All secrets of one build."""

    files: tuple[FileSecret, ...] = ()
    values: tuple[ValueSecret, ...] = ()

    def make_argv(self) -> tuple[str, ...]:
        """``--secret`` options: paths and names of variables, no value."""
        files = [f"id={secret.id},src={secret.path}" for secret in self.files]
        values = [f"id={secret.id},env={secret.variable}" for secret in self.values]
        return tuple(word for text in files + values for word in ("--secret", text))

    def make_environment(self) -> dict[str, str]:
        """What the docker client's environment needs besides its own."""
        return {secret.variable: secret.value for secret in self.values}

    def list_masked_texts(self) -> tuple[str, ...]:
        """Every text that must not be shown: whole values, each URL in them, and the password of each URL."""
        found: set[str] = set()
        for secret in self.values:
            for word in secret.value.split():
                found |= {word, _parse_password(word)}
        return expand_forms(found)

    def list_credentials(self) -> tuple[str, ...]:
        """What no layer of the image may hold: passwords, of URLs and of the netrc, and the URLs that carry one."""
        words = [word for secret in self.values for word in secret.value.split() if _parse_password(word)]
        found = {text for word in words for text in (word, _parse_password(word))}
        for secret in self.files:
            found |= _read_netrc_passwords(secret.path) if secret.id == "netrc" else set()
        return tuple(sorted(text for text in found if len(text) >= MIN_MASKED))


def find_secrets(env: Mapping[str, str]) -> BuildSecrets:
    """What this machine's environment names. Raises BuildRefusedError for a file that BuildKit would refuse."""
    files = [FileSecret("ca", path) for path in (find_ca(env),) if path]
    netrc = Path(env.get("NETRC") or Path(env.get("HOME") or "/") / ".netrc")
    if netrc.is_file():
        files.append(FileSecret("netrc", netrc))
    for secret in files:
        _check_size(secret)
    values = (
        ValueSecret("uv_default_index", _find_default_index(env)),
        ValueSecret("uv_index", " ".join(_find_extra_indexes(env))),
    )
    return BuildSecrets(tuple(files), tuple(secret for secret in values if secret.value))


def find_ca(env: Mapping[str, str]) -> Path | None:
    """The bundle that this machine's clients trust: a variable that names a file, else a well-known path."""
    named = [env[name] for name in CA_VARIABLES if env.get(name)]
    return next((path for path in map(Path, (*named, *CA_PATHS)) if path.is_file()), None)


def _find_default_index(env: Mapping[str, str]) -> str:
    found = next((env[name] for name in DEFAULT_INDEX_VARIABLES if env.get(name)), "")
    return found if _is_remote(found) else ""


def _find_extra_indexes(env: Mapping[str, str]) -> tuple[str, ...]:
    words = [word for name in EXTRA_INDEX_VARIABLES for word in env.get(name, "").split()]
    return tuple(dict.fromkeys(word for word in words if _is_remote(word)))


def _is_remote(index: str) -> bool:
    """A folder of this machine cannot be seen inside a build; uv allows ``name=`` in front of the URL."""
    return index.startswith(("http://", "https://")) or "=http://" in index or "=https://" in index


def _parse_password(url: str) -> str:
    from urllib.parse import urlsplit  # only where an index is set

    try:
        return urlsplit(url[url.find("http") :]).password or ""
    except ValueError:
        return ""


def _read_netrc_passwords(path: Path) -> set[str]:
    from netrc import NetrcParseError, netrc  # only where there is such a file

    try:
        return {password for _, _, password in netrc(path).hosts.values() if password}
    except (NetrcParseError, OSError, UnicodeDecodeError):
        return set()  # the build's own tools say what is wrong with it


def _check_size(secret: FileSecret) -> None:
    size = secret.path.stat().st_size
    if size > MAX_SECRET_BYTES:
        raise BuildRefusedError(
            f"{secret.path} has {size} bytes; BuildKit takes secrets of at most {MAX_SECRET_BYTES}",
            hint="point SSL_CERT_FILE to a bundle that holds only the certificates that the build needs"
            if secret.id == "ca"
            else "point NETRC to a file with only the hosts that the build needs",
        )
