"""What may not be printed, and text without it: the one place that decides what a secret is.

A name is never masked: it says which secret is meant. Of a connection only the password is masked.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from builder.core.secret_name import is_secret_key, is_secret_name, split_name
from builder.core.secret_value import EVERYDAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

MASK = "***"
MIN_MASKED = 4
"""Characters. A shorter value is not searched for in running text: every other word would become stars."""

_OPEN_NAMES = frozenset({"USER", "USERNAME", "LOGIN", "DB", "DATABASE", "HOST", "SCHEMA"})
_GO_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "&<>"}
"""Go's encoding/json writes JSON that is safe in HTML."""

_VARIABLE = r"\$\{?[A-Za-z_]\w*\}?|\$\{[A-Za-z_]\w*:?[?+][^}]*\}"
_REFERENCE = re.compile(rf"(?:{_VARIABLE})+[,}}\])]*")
_DEFAULT = re.compile(r"(\$\{[A-Za-z_]\w*:?-)[^}]*(?=\}$)")
_NOTHING = re.compile(r"|\*+|~|\\|null|none|true|false|yes|no|on|off", re.IGNORECASE)
"""Values that tell nothing; stars are masked already, and behind a shell's backslash the value is in the next line."""
_PLACEHOLDERS = frozenset({"PASSWORD", "<password>", "..."})
"""What messages and documentation write for a password."""

_LOGIN = r"(?:\$\{[^}\s]*\}|[^/:@\s\"'`\\])*"
_HTTP = re.compile(r"(?i)((?<![a-z])https?://)((?:\$\{[^}\s]*\}|[^/\s\"'`\\]){1,300})(?=@)")
"""Of a web address the whole login: hosts of Git and of packages take a token for its user."""
_LOGIN_PARTS = re.compile(r"((?:\$\{[^}]*\}|[^:])*):(.*)")
_CONNECTION = re.compile(
    rf"(://{_LOGIN}:)((?:\$\{{[^}}\s]*\}}|[^/\s\"'`]){{1,300}}(?=@)|(?!\d{{1,5}}/)[^@\s\"'`]{{1,300}}+(?=@))"
)
"""The second form of a password holds a slash; a number before one is a port."""
_VALUE = r"""(?:"[^"]*"?|'[^']*'?|(?:\$\{[^}]*\}|[^\s"';&|])+)"""
_WRITTEN = re.compile(_VALUE)
_ASSIGNED = re.compile(r"(?<![\w.-])(?P<name>-?-?[A-Za-z_][\w.-]*+)(?P<sign>[\"']?\s?=(?!=)\s?|[\"']\s?:\s?|\s?:\s)")
"""A colon needs a blank: `image: api-token:1.2` is a name and a tag."""
_EXPORTED = re.compile(r"(?<![\w.-])(?P<name>[A-Z_][A-Z0-9_]*+)(?P<sign>=(?!=))")
_INSIDE = re.compile(r"(?<![\w.-])(?P<name>[A-Za-z_][\w.-]*+)(?P<sign>\s?=(?!=)\s?)")
_OPTION = re.compile(r"(?<![^\s\"'])(?P<name>--?[A-Za-z][\w-]*+)(?P<sign>\s+|\"\s?,\s?|'\s?,\s?)(?!--?[A-Za-z])")
"""No option for a value: of `--no-auth --password x`, x is the secret."""
_SAID_OTHERWISE = (
    re.compile(r"\b((?:Bearer|Basic)\s+)([\w.~+/=-]+)", re.IGNORECASE),
    re.compile(
        rf"((?<![\w.-])(?:X-[\w-]*(?:Key|Token|Auth|Secret)|Authorization):\s?)(?!(?:Bearer|Basic)\s)({_VALUE})",
        re.IGNORECASE,
    ),
    re.compile(  # curl, also in the words of a list
        r"((?<![^\s\"'])(?:-u(?:[\"'],)?\s?|--(?:proxy-)?user(?:[\"'],)?[\s=]+)[\"']?[^\s\"':/]+:)"
        rf"({_VALUE})",
        re.IGNORECASE,
    ),
    re.compile(rf"(\bredis-cli\s(?:[^;&|]{{0,200}}?\s)?(?:-a|--pass)\s+)({_VALUE})"),
    re.compile(rf"(\bredis-cli[\"']\s?,(?:[^;&|]{{0,200}}?,)?\s?[\"'](?:-a|--pass)[\"']\s?,\s?)({_VALUE})"),
    re.compile(rf"(\b(?:mysql|mariadb)[\w-]*\s(?:[^;&|]{{0,200}}?\s)?-p)(?!\s)({_VALUE})", re.IGNORECASE),
)


def find_secret_values(variables: Mapping[str, str]) -> tuple[str, ...]:
    """Every text that the values of ``variables`` forbid in running text, in each form that programs write it in.

    Whole values where the name says so, passwords in addresses, JSON and ``name=value`` lists of all others. Left out
    are texts under MIN_MASKED characters, everyday words, and words that are a user's or a database's name too.
    """
    found: set[str] = set()
    open_words = set(EVERYDAY)
    for name, value in variables.items():
        found |= set(_find_passwords(value))
        if is_secret_name(name):
            found |= set(_split_pieces(value))
        open_words |= set(_find_open_words(name, value))
    return expand_forms(one for one in found if one.casefold() not in open_words)


def expand_forms(values: Iterable[str]) -> tuple[str, ...]:
    """``values`` as they are, and as URLs, JSON, YAML, shells and Python write them; the longest first."""
    found = {form for value in values for text in {value, unquote(value)} for form in _write_forms(text)}
    return tuple(sorted((one for one in found if len(one) >= MIN_MASKED), key=lambda one: (-len(one), one)))


def _write_forms(text: str) -> Iterator[str]:
    yield text
    yield quote(text, safe="", errors="surrogateescape")
    yield quote_plus(text, errors="surrogateescape")
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield json.dumps(text)[1:-1].translate(_GO_ESCAPES)
    yield repr(text)[1:-1]
    yield text.replace("'", "''")
    yield text.replace("'", "'\"'\"'")
    yield text.replace("$", "$$")


def _split_pieces(value: str) -> Iterator[str]:
    """A value whole, and what a log shows of it alone: its lines, one of several keys, the path of a webhook."""
    yield value
    yield value.strip("\"' \t\r\n")
    lines = [line.strip() for line in value.splitlines()]
    yield from lines if len(lines) > 1 else ()
    yield from (part for part in value.split(",") if len(part) >= 16)
    if value.startswith(("http://", "https://")):
        yield from (part for part in _split_address(value)[:1] if len(part) >= 16)


def _find_passwords(text: str) -> Iterator[str]:
    """Of a value that is not secret as a whole."""
    for expression in (_CONNECTION, _HTTP):
        for found in expression.finditer(text):
            password = found[2].partition(":")[2] or found[2] if expression is _HTTP else found[2]
            user_only = expression is _HTTP and ":" not in found[2] and any(_find_plain_word(password))
            if not (user_only or password in _PLACEHOLDERS or _REFERENCE.fullmatch(password)):
                yield password
    for name, value in _find_named(text):
        if is_secret_key(name):
            yield value
        elif "=" in value or "://" in value or value[:1] in "{[":
            yield from _find_passwords(value) if value != text else ()


def _find_named(text: str) -> Iterator[tuple[str, str]]:
    if text.lstrip()[:1] in ("{", "["):
        try:
            yield from _find_strings("", json.loads(text))
        except (ValueError, RecursionError):
            pass
        else:
            return
    if "://" in text:
        yield from parse_qsl(_split_address(text)[1])
    for found in _INSIDE.finditer(text):
        if written := _WRITTEN.match(text, found.end()):
            yield found["name"], written[0].strip("\"'")


def _find_strings(name: str, value: Any) -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield name, value
        case dict():
            for key, item in value.items():
                yield from _find_strings(str(key), item)
        case list():
            for item in value:
                yield from _find_strings(name, item)


def _split_address(text: str) -> tuple[str, str]:
    """Path and query; empty where it is not an address."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return "", ""
    return parts.path, parts.query


def _find_open_words(name: str, value: str) -> Iterator[str]:
    """Names of users, databases and hosts: shown anyway, so a password that is the same word stays unmasked."""
    words = split_name(name)
    if words and words[-1] in _OPEN_NAMES:
        yield from _find_plain_word(value)
    if "://" in value:
        try:
            parts = urlsplit(value)
            yield from _find_plain_word(parts.hostname or "")
        except ValueError:
            return
        if parts.password:
            yield from _find_plain_word(parts.username or "")
        yield from _find_plain_word(parts.path.strip("/"))


def _find_plain_word(word: str) -> Iterator[str]:
    """Letters only, so that no generated secret is ever among them."""
    if len(word) <= 16 and re.fullmatch(r"[A-Za-z]+(?:[_-][A-Za-z]+)*", word):
        yield word.casefold()


def mask_values(text: str, hidden: tuple[str, ...], names: Iterable[str] = ()) -> str:
    """``text`` without the ``hidden`` values (of :func:`find_secret_values` or :func:`expand_forms`).

    ``names`` of variables stay, also where one holds a hidden value.
    """
    kept = tuple(sorted(name for name in names if name and any(value in name for value in hidden)))
    expression = _compile_search(hidden, kept)
    return text if expression is None else expression.sub(lambda found: found["kept"] or MASK, text)


@lru_cache(maxsize=64)
def _compile_search(hidden: tuple[str, ...], kept: tuple[str, ...]) -> re.Pattern[str] | None:
    values = sorted(filter(None, hidden), key=len, reverse=True)
    if not values:
        return None
    names = "|".join(map(re.escape, sorted(kept, key=len, reverse=True))) or "(?!)"
    return re.compile(rf"(?P<kept>(?<!\w)(?:{names})(?!\w))|{'|'.join(map(re.escape, values))}")


def mask_addresses(text: str) -> str:
    """``text`` without the logins of web addresses and the passwords of all others."""
    return _replace_passwords(text, lambda _name, value: mask_value(value))


def _replace_passwords(text: str, replace: Callable[[str, str], str]) -> str:
    if "://" not in text:
        return text
    text = _HTTP.sub(lambda found: found[1] + _mask_login(found[2], replace), text)
    return _CONNECTION.sub(lambda found: found[1] + replace("", found[2]), text)


def _mask_login(login: str, replace: Callable[[str, str], str]) -> str:
    parts = _LOGIN_PARTS.fullmatch(login)
    if parts is None or "$" not in login:
        return replace("", login)
    user = replace("", parts[1]) if "$" in parts[1] else parts[1]
    return f"{user}:{replace('', parts[2])}"


def mask_value(value: str) -> str:
    """One secret value as it is written: what tells nothing and names of variables stay, and so do its quotes."""
    quoting = value[:1] if value[:1] in ("'", '"') else ""
    inner = value.strip(quoting) if quoting else value
    if _NOTHING.fullmatch(inner) or _REFERENCE.fullmatch(inner) or inner in _PLACEHOLDERS:
        return value
    default = _DEFAULT.match(inner)
    shown = f"{default[1]}{MASK}}}" if default and default.end() == len(inner) - 1 else MASK
    return f"{quoting}{shown}{quoting}"


def mask_text(text: str) -> str:
    """A command or a line of a file: also without the values of what is named like a secret in it."""
    return replace_written(text, lambda _name, value: mask_value(value))


def replace_written(text: str, replace: Callable[[str, str], str]) -> str:
    """``text`` with ``replace(name, value)`` in place of each secret value; the name is empty where it has none."""
    text = _replace_passwords(text, replace)
    for expression in _SAID_OTHERWISE:
        text = expression.sub(lambda found: found[1] + replace("", found[2]), text)
    for expression in (_ASSIGNED, _OPTION):
        text = _mask_assigned(text, expression, replace)
    return text


def mask_log(text: str, variables: Mapping[str, str]) -> str:
    """What a program said that was started with ``variables``: without their secrets, wherever they stand."""
    return mask_output(text, find_secret_values(variables), variables)


def mask_output(text: str, hidden: tuple[str, ...], names: Iterable[str] = ()) -> str:
    """The same where the ``hidden`` values are known already. Words behind a colon are left: `token: expired`."""
    text = mask_addresses(mask_values(text, hidden, names))
    return _mask_assigned(text, _EXPORTED, lambda _name, value: mask_value(value))


def _mask_assigned(text: str, expression: re.Pattern[str], replace: Callable[[str, str], str]) -> str:
    """Values behind the names that ``expression`` finds. A value that is not secret may hold a name itself."""
    done, at = [], 0
    for found in expression.finditer(text):
        if found.start() < at or not is_secret_name(found["name"]):
            continue
        if written := _WRITTEN.match(text, found.end()):
            done += [text[at : written.start()], replace(found["name"], written[0])]
            at = written.end()
    return "".join((*done, text[at:]))
