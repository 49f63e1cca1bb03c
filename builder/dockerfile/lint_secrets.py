"""Advice about files that hold credentials and are copied into the image (OB307)."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from builder.core.redact import find_secret_values
from builder.dockerfile.facts import Advice
from builder.dockerfile.files import find_all_copies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.dockerfile.facts import DockerfileAnalysis
    from builder.dockerfile.files import CopyInstruction
    from builder.dockerfile.lint_subject import LintSubject

_FILES = frozenset(
    {".pgpass", "pgpass.conf", ".netrc", "_netrc", ".pypirc", ".git-credentials", ".my.cnf", ".boto", ".s3cfg"}
    | {".dockercfg", "kubeconfig", "application_default_credentials.json", "terraform.tfstate"}
)
_PRIVATE_KEY = re.compile(r"id_(rsa|dsa|ecdsa|ed25519)(_sk)?$|[^/]*\.(p12|pfx|jks|keystore|ppk)$")
_ACCOUNT = re.compile(
    r"([^/]*[-_.])?(service[-_]?account([-_.][^/]*)?"
    r"|(gcp|gcloud|google|bigquery|bq|firebase|sa)[-_.]?(key|keys|keyfile|cred|creds|credentials)([-_.][^/]*)?)\.json$",
    re.IGNORECASE,
)
_CREDENTIALS = re.compile(r"([^/]*[-_.])?(credentials?|creds|client_?secrets?|keyfile)\.json$", re.IGNORECASE)
_IN_FOLDER = {
    "credentials": re.compile(r"(^|/)\.?aws/credentials$"),
    "config.json": re.compile(r"(^|/)\.docker/config\.json$"),
    "config": re.compile(r"(^|/)\.kube/config$"),
}
_SETTINGS = re.compile(r"\.env(\..+)?|[^/]+\.env|pip\.(conf|ini)|\.npmrc|\.condarc|auth\.toml")
"""Files that hold credentials or none: what is in them decides."""
_FOLDERS = frozenset({".ssh", ".aws", ".gnupg", ".kube"})
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_ACCOUNT_KEY = re.compile(r'"private_key"\s*:\s*"|"client_secret"\s*:\s*"|"refresh_token"\s*:\s*"')
_SAMPLE = re.compile(r"(^|[-_.])(example|sample|template|dist|tmpl|tpl)([-_.]|$)", re.IGNORECASE)


def find_copied_credentials(subject: LintSubject) -> Iterator[Advice]:
    """By the name of the file, or by what is in it where it is at hand. Only what the target's own layers get: a
    builder stage leaves nothing behind."""
    facts = subject.facts
    for copy in find_all_copies(facts.chain):
        found = [source for source in copy.sources if _holds_credentials(source, copy, facts)]
        if found:
            yield _make_advice(found[0], copy)


def _holds_credentials(source: str, copy: CopyInstruction, facts: DockerfileAnalysis) -> bool:
    name = posixpath.basename(source.rstrip("/"))
    if "://" in source or _SAMPLE.search(name):
        return False
    target = posixpath.join(copy.target, name) if copy.folder else copy.target
    if _is_named_so(name, source, target):
        return True
    is_read = name.endswith((".pem", ".key", ".json")) or _SETTINGS.fullmatch(name) is not None
    text = facts.files.read(source) if copy.stage is None and is_read else None
    if _SETTINGS.fullmatch(name):
        return text is not None and bool(find_secret_values({name: text}))
    if name.endswith(".json"):
        suspicious = _ACCOUNT.match(name) or _CREDENTIALS.match(name)
        return bool(_ACCOUNT_KEY.search(text)) if text is not None else suspicious is not None
    return text is not None and bool(_PEM.search(text))


def _is_named_so(name: str, source: str, target: str) -> bool:
    if name in _FILES or _PRIVATE_KEY.match(name) or posixpath.basename(target) in _FILES:
        return True
    if name in _FOLDERS or (posixpath.basename(target) in _FOLDERS and name in ("ssh", "aws", "gnupg", "kube")):
        return True
    paths = (source, target)
    return any(pattern.search(path) for pattern in _IN_FOLDER.values() for path in paths)


def _make_advice(source: str, copy: CopyInstruction) -> Advice:
    name = posixpath.basename(source.rstrip("/"))
    target = posixpath.join(copy.target, name) if copy.folder else copy.target
    identity = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "credentials"
    build = (
        f"where the build needs it: in place of line {copy.line}, for the one command that reads it, and name it in "
        "`secrets:` of `build:`"
    )
    return Advice(
        "OB307",
        copy.line,
        f"{source} holds credentials, and everybody who has the image can read it",
        f"RUN --mount=type=secret,id={identity},target={target} COMMAND",
        (
            build,
            "where the container needs it: delete the line, and give the service the file by `secrets:` or a volume",
            "a copy that a later RUN deletes stays in its layer; replace what was in an image that others have",
        ),
    )
