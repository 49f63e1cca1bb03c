"""Whether a value can be a secret, or only stands for one: a variable, a placeholder, a word that everybody knows.

It decides about text that a person wrote into a file. What is masked in output is decided in
:mod:`builder.core.redact`, which rather masks too much.
"""

from __future__ import annotations

import re

_COMMON = """
admin airflow default disabled enabled false guest mariadb mysql none null password postgres postgresql rabbitmq redis
root true user username
"""
EVERYDAY = frozenset(_COMMON.split())
"""As passwords they hide nothing, and a text without them says nothing."""
_TEMPLATE_WORDS = """
auto empty key no off on pass passwd passphrase private pwd secret string temporary_key test testing token undefined
value yes
"""
_EMPTY_WORDS = frozenset(_TEMPLATE_WORDS.split())
"""What templates and tests write for a secret."""
_STANDS_FOR_ONE = re.compile(
    r"\$\{|\$\(|\{\{|\{%|%\(\w+\)s"  # a variable or a template's expression anywhere in it
    r"|^\$[A-Za-z_]\w*$|^%\w+%$|^@\w+@$|^__\w+__$|^<|^\[.*\]$|^\{.*\}$"
    r"|^[*.xX#?_-]+$(?<!^[xX])"  # but one x is a password, if a bad one
    r"|^[|>][-+0-9]*$|^!\w+$|^\$ANSIBLE_VAULT|^ENC\["  # YAML's block texts and tags; what is encrypted
    r"|^(?:op|vault|env|file|awssm|gcpsm|ref\+\w+):|^arn:|^projects/[^/]+/secrets/"
    r"|^(?:~|\.{1,2})/|^[A-Za-z]:\\|^/(?:run|etc|opt|home|var|usr|root|app|secrets?|keys?|certs?|tmp|mnt|vault|srv)/"
    r"|^/(?:[\w.@-]+/)*[\w@-]+\.\w{1,6}$"
)
_ASKS_FOR_ONE = re.compile(
    r"example|placeholder|change[-_ .]?(?:me|it|this|in)|replace[-_ .]?(?:me|this|with)|redacted|fill[-_ ]?in"
    r"|to[-_ ]?do(?![a-z0-9])"
    r"|(?<![a-z0-9])(?:your|my|some|insert|enter|put)[-_ ]|^(?:your|my)(?:secret|password|passwd|pass|token|key|api)"
    r"|not[-_]found|not[-_]set|dummy",
    re.IGNORECASE,
)
"""``cryptography_not_found_storing_passwords_in_plain_text`` was Airflow's own default for its key."""


def is_literal_secret(value: str) -> bool:
    """Whether ``value``, written where a secret belongs, is one itself. Quotes around it do not count."""
    inner = value.strip().strip("\"'").strip()
    word = inner.casefold()
    if not inner or word in EVERYDAY or word in _EMPTY_WORDS:
        return False
    return _STANDS_FOR_ONE.search(inner) is None and _ASKS_FOR_ONE.search(inner) is None
