"""Whether the name of a variable, a key or an option says that its value is secret.

It is read by its words (``DB_PWD``: DB, PWD), so that KEYBOARD and TOKENIZERS_PARALLELISM are not taken for secrets.
"""

from __future__ import annotations

import re
from functools import lru_cache


def _split_words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
"""``DB_PWD``, ``api-key``, ``AccountKey``, ``OAuth2Token`` in their words."""
_FOLDERS = frozenset({"PWD", "OLDPWD"})
_SUDO_TAG = "NOPASSWD"
"""Of a rule, with the commands behind it (sudoers(5)): the official Airflow image writes one in its history."""
_SECRET_WORDS = frozenset(
    {"PASSWORDS", "CREDENTIAL", "CREDENTIALS", "CRED", "CREDS", "PRIVATE", "WEBHOOK", "WEBHOOKS", "BEARER", "BASICAUTH"}
)
_SECRET_ENDS = ("PASSWORD", "PASSWD", "PASSPHRASE", "PASSCODE", "PWD", "SECRET", "TOKEN", "APIKEY", "ACCESSKEY")
"""How a word ends that says secret: PGPASSWORD, AUTHTOKEN, CLIENTSECRET."""
_SECRET_LAST = frozenset(
    {"KEY", "AUTH", "PASS", "SSHPASS", "REQUIREPASS", "MASTERAUTH", "PW", "JWT", "COOKIE", "SIGNATURE", "SIG"}
)
"""Only where nothing of its own follows: AUTH_BACKENDS and KEY_COUNT are settings, PASS_THROUGH is a verb."""
_PLURALS = frozenset({"SECRETS", "TOKENS", "KEYS"})
"""Behind one of _KINDS only: MAX_TOKENS is a number, and `secrets:` of a compose file holds names."""
_KINDS = frozenset({"API", "ACCESS", "AUTH", "CLIENT", "ENCRYPTION", "FERNET", "SECRET", "SIGNING"})
_OPEN_KEYS = frozenset({"PUBLIC", "PRIMARY", "FOREIGN", "PARTITION", "SORT", "ROUTING", "CACHE", "GROUP"})
_SUFFIXES = _split_words(
    "BASE CONFIG DATA DEFAULT DEV HEADER ID JSON NEW OLD PEM PRIMARY PROD SECONDARY STAGING TEST VALUE"
)
"""SECRET_KEY_BASE and API_KEY_PROD hold keys; the official name of an AWS key is AWS_ACCESS_KEY_ID."""
_SETTINGS = _split_words(
    "ALGORITHM AUDIENCE BACKEND BACKENDS CIDR CLASS CMD COMMAND COUNT DAYS DIR DISABLED DNS ENABLED EXPIRATION "
    "EXPIRY FILE FILES FOLDER FORMAT HOST HOURS IP ISSUER LENGTH LIMIT MANAGER METHOD MINUTES MODE NAME NETWORK "
    "PARALLELISM PATH POLICY PORT PROVIDER REALM REGION REGISTRY REQUIRED SCOPE SCOPES SECONDS SIZE SOCK SOCKET "
    "SPEC STDIN SUBNET TIMEOUT TTL TYPE USER USERNAME USERSFILE VERSION ZONE"
)
"""What a name ends with that is about a secret and holds none: POSTGRES_PASSWORD_FILE, FERNET_KEY_CMD, TOKEN_TTL."""
_ADDRESS_WORDS = frozenset({"URL", "URI", "ENDPOINT", "ADDRESS", "DSN"})
"""An address is not secret as a whole, but that of a webhook is all that its sender needs."""


def split_name(name: str) -> list[str]:
    """Its words in capital letters."""
    return [word.upper() for word in _WORD.findall(name)]


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether the value of such a variable, key or option is secret as a whole."""
    return name not in _FOLDERS and name != _SUDO_TAG and is_secret_key(name)


def is_secret_key(name: str) -> bool:
    """The same, for keys within a value: there PWD is a password, and not the current folder."""
    if name.upper().startswith("AIRFLOW__"):  # AIRFLOW__SECRETS__BACKEND: the section is not part of the option
        name = name.rpartition("__")[2]
    words = split_name(name)
    if not words or words[-1] in _SETTINGS:
        return False
    if words[-1] in _ADDRESS_WORDS:
        return not {"WEBHOOK", "WEBHOOKS"}.isdisjoint(words)
    if any(word in _SECRET_WORDS or word.endswith(_SECRET_ENDS) for word in words if word != "OLDPWD"):
        return True
    return _is_secret_ending(words, name)


def _is_secret_ending(words: list[str], name: str) -> bool:
    while len(words) > 1 and words[-1] in _SUFFIXES:
        words = words[:-1]
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if last in _PLURALS:
        return before in _KINDS
    if last == "KEY":  # alone in small letters it is the key of anything
        return before not in _OPEN_KEYS and (bool(before) or name.isupper())
    return last in _SECRET_LAST or (before, last) in {("PASS", "WORD"), ("PASS", "PHRASE")}
