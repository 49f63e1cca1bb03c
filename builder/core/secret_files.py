"""Files that programs read their credentials from: which they are, and what in them is a secret.

The name alone says nothing: what is written there may be a variable, a placeholder, a public certificate. Names and
formats: each program's own documentation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from builder.core.secret_name import is_secret_key
from builder.core.secret_value import is_literal_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

_PUBLISHED = re.compile(
    r"/(?:site|dist)-packages(?:/|$)|/node_modules(?:/|$)|^/usr/(?:share|lib|include|src|s?bin|local/lib|local/share)(?:/|$)"
    r"|^/etc/(?:ssl/certs|pam\.d)(?:/|$)|^/(?:lib|bin|sbin|opt/conda/(?:lib|pkgs|share))(?:/|$)"
    r"|^/var/(?:lib/dpkg|cache)(?:/|$)"
)
_SAMPLE = re.compile(
    r"(?:^|[-_.])(?:examples?|samples?|template|dist|tmpl|tpl|j2|jinja2?)(?:[-_.]|$)|\.defaults?$", re.IGNORECASE
)
_CODE = re.compile(r"\.(?:py|pyc|pyi|js|mjs|ts|md|html|rst|so|go|java|rb|c|h|css|sql|pub|crt|cer)$", re.IGNORECASE)
_SAYS_SECRET = re.compile(
    r"(?:secret|credential|password|passwd(?!-?$)|apikey|api_key|private[_-]?key)"
    r"|^(?!added_tokens|special_tokens).*tokens?(?![a-z])",  # not tokenizer.json, nor what is beside it
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"://(?P<user>[^\s/:@\"'`<>]{0,200}):(?P<value>[^\s/@\"'`<>]{1,300})@")
_TOKEN_ADDRESS = re.compile(r"https?://(?=[^\s/:@]{0,300}\d)(?P<value>[^\s/:@\"'`<>]{16,300})@")
"""Hosts of Git and of packages take a token for the user; generated ones have digits, names of people seldom."""
_FIELD = re.compile(
    r"(?:^|[\s,;]|(?<!\$)\{)[\"']?(?P<name>[A-Za-z_][\w.-]{0,100})[\"']?[ \t]{0,20}[:=][ \t]{0,20}"
    r"(?P<value>\"(?:[^\"\\\n]|\\.){0,4000}\"|'[^'\n]{0,4000}'|[^\s\"'#,;{}\[][^\s,;}]{0,4000})",
    re.MULTILINE,
)
"""``name = value``, ``name: value``, ``"name": "value"``: what INI, TOML, YAML, JSON and env files have in common."""
_ONE_WORD = re.compile(r"[\x21-\x7e]{6,512}")
_MIXED = re.compile(r"\d|[a-z].*[A-Z]|[A-Z].*[a-z]|.{20}")
_NETRC = re.compile(r"\bpassword\s+(?P<value>\S+)")
_HASHES = re.compile(r"^[^:\s]{1,100}:(?P<value>\$(?:1|5|6|y|2[aby]?|7|apr1|argon2\w+)\$\S+|\{SHA\}\S+)", re.MULTILINE)


@dataclass(frozen=True)
class SecretFile:
    """``names``: how the path ends; ``expression``: its group ``value`` is the secret, beside what addresses hold."""

    what: str
    names: re.Pattern[str]
    fields: bool = True
    """Also the values of what is named like a secret."""
    expression: re.Pattern[str] | None = None


def _make_row(what: str, names: str, *, fields: bool = True, expression: re.Pattern[str] | None = None) -> SecretFile:
    return SecretFile(what, re.compile(rf"(?:^|/)(?:{names})$"), fields, expression)


SECRET_FILES = (
    _make_row("a password of a netrc file", r"[._]netrc|auth\.conf|apt/auth\.conf\.d/[^/]+", expression=_NETRC),
    _make_row(
        "a password for PostgreSQL",
        r"\.?pgpass(?:\.conf)?",
        expression=re.compile(r"^(?!\s*#)(?:[^:\n]{0,300}:){4}(?P<value>.+)$", re.MULTILINE),
    ),
    _make_row("hashes of passwords", r"\.htpasswd|etc/shadow-?|etc/gshadow-?", fields=False, expression=_HASHES),
    _make_row("a package index's credentials", r"pip\.(?:conf|ini)|uv\.toml|\.condarc|pypoetry/auth\.toml|\.pypirc"),
    _make_row(
        "an npm registry's credentials",
        r"\.npmrc|npmrc|\.yarnrc(?:\.yml)?",
        expression=re.compile(r":_(?:authToken|auth|password)\s?=\s?(?P<value>\S+)"),
    ),
    _make_row("a git password", r"\.?git-credentials|\.gitconfig|\.git/config|git/credentials"),
    _make_row("an apt mirror's credentials", r"sources\.list|sources\.list\.d/[^/]+", fields=False),
    _make_row(
        "a registry's credentials",
        r"config\.json|\.dockercfg|containers/auth\.json",
        fields=False,
        expression=re.compile(r'"(?:auth|identitytoken|password)"\s{0,50}:\s{0,50}"(?P<value>[A-Za-z0-9+/=._-]{8,})"'),
    ),
    _make_row(
        "a cloud's credentials",
        r"credentials(?:\.(?:json|toml|ini|tfrc\.json))?|\.aws/(?:config|[^/]*cache/[^/]+\.json)|\.boto|\.s3cfg|\.passwd-s3fs"
        r"|application_default_credentials\.json|adc\.json|\.azure/[^/]+\.json|\.databrickscfg|rclone\.conf|kaggle\.json",
    ),
    _make_row("a token of GitHub's or GitLab's command", r"gh/hosts\.ya?ml|glab-cli/config\.ya?ml|\.config/hub"),
    _make_row("credentials of a cluster", r"\.kube/config|kubeconfig(?:\.ya?ml)?|[^/]+\.kubeconfig"),
    _make_row(
        "a database's password",
        r"profiles\.ya?ml|\.my\.cnf|\.?pg_service\.conf|\.?snowflake/[^/]+\.toml|\.?snowsql/config",
    ),
    _make_row("state or variables of Terraform", r"[^/]+\.tfstate(?:\.backup)?|[^/]+\.tfvars(?:\.json)?"),
    _make_row(
        "a key or a password of Airflow",
        r"airflow(?:_local)?\.cfg|(?:[^/]*[-_.])?(?:connections?|variables?)\.(?:json|ya?ml|env)",
    ),
    _make_row(
        "passwords of Airflow's users",
        r"simple_auth_manager_passwords\.json\.generated",
        expression=re.compile(r'"[^"\n]{1,200}"\s{0,20}:\s{0,20}"(?P<value>[^"\n]{1,200})"'),
    ),
    _make_row("a secret in a compose file", r"(?:docker-)?compose(?:[-_.][^/]*)?\.ya?ml"),
    _make_row("a secret in an env file", r"\.env(?:\.[\w.-]+|rc)?|[^/]+\.env|\.secrets"),
    _make_row(
        "a secret in a settings file",
        r"secrets\.(?:toml|ya?ml|json|properties)|\.msmtprc|wg\d+\.conf|\.?odbc\.ini"
        r"|(?:database|db|settings|application)(?:-\w+)?\.(?:toml|ya?ml|json|properties|ini|conf)",
    ),
)
"""The first row that fits a path decides. A path that fits none, and says that it is secret, is read the same way."""
_BY_NAME = SecretFile("a secret", _SAYS_SECRET)
_WHOLE = re.compile(r"(?:^|/)(?:\.vault-token|(?:\.cache/|\.)huggingface/(?:stored_)?token)$")


@lru_cache(maxsize=256)
def is_published_folder(folder: str) -> bool:
    """Whether packages put their files there: what is named like a secret in it is a part of one."""
    return _PUBLISHED.search(folder) is not None


def find_named_secret(path: str, data: bytes) -> str | None:
    """What secret a file of credentials holds, in words; None: ``path`` is not one, or it holds placeholders only."""
    folder, _, name = path.rpartition("/")
    row = None if is_published_folder(folder) else _find_row(path, name)
    if row is None or _SAMPLE.search(name):
        return None
    text = data.decode("utf-8", errors="replace")
    if any(is_literal_secret(value) for value in _iterate_values(row, text)):
        return row.what
    whole = text.strip()
    is_word = row is _BY_NAME and _ONE_WORD.fullmatch(whole) and _MIXED.search(whole) and is_literal_secret(whole)
    return row.what if is_word else None


def _find_row(path: str, name: str) -> SecretFile | None:
    for row in SECRET_FILES:
        if row.names.search(path):
            return row
    return _BY_NAME if _WHOLE.search(path) or (_SAYS_SECRET.search(name) and not _CODE.search(name)) else None


def _iterate_values(row: SecretFile, text: str) -> Iterator[str]:
    if "://" in text:
        for expression in (_ADDRESS, _TOKEN_ADDRESS):
            yield from (found["value"] for found in expression.finditer(text))
    if row.expression is not None:
        yield from (found["value"] for found in row.expression.finditer(text))
    if row.fields:
        yield from (found["value"] for found in _FIELD.finditer(text) if is_secret_key(found["name"]))
