"""The machine's own apt sources, reduced to one Debian release."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def select_release_sources(files: Mapping[str, str], release: str) -> dict[str, str]:
    """File name → content, with only the ``deb`` entries for ``release`` and its ``-updates`` and ``-security`` suites.

    ``files`` are sources.list and those below sources.list.d. Both formats of sources.list(5) are understood: one line
    per source, and deb822 stanzas, whose ``Signed-By`` stays. Empty when the machine has no source of that release.
    """
    found = {}
    for name, text in files.items():
        kept = _filter_deb822(text, release) if name.endswith(".sources") else _filter_one_line(text, release)
        if kept:
            found[name] = kept
    return found


def _is_wanted_suite(suite: str, release: str) -> bool:
    return suite in (release, f"{release}-updates", f"{release}-security", f"{release}/updates")


def _filter_deb822(text: str, release: str) -> str:
    kept = []
    for stanza in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n")):
        lines = [line for line in stanza.splitlines() if not line.startswith("#")]
        suites = [suite for suite in _find_field(lines, "suites").split() if _is_wanted_suite(suite, release)]
        disabled = _find_field(lines, "enabled").strip().lower() in ("no", "false", "0", "off")
        if suites and "deb" in _find_field(lines, "types").split() and not disabled:
            kept.append("\n".join(_narrow_stanza(lines, suites)))
    return "\n\n".join(kept) + "\n" if kept else ""


def _find_field(lines: list[str], key: str) -> str:
    """The value of a field with its continuation lines."""
    value, inside = "", False
    for line in lines:
        if line[:1] in (" ", "\t"):
            value += f" {line}" if inside else ""
        else:
            name, _, content = line.partition(":")
            inside = name.strip().lower() == key
            value += content if inside else ""
    return value


def _narrow_stanza(lines: list[str], suites: list[str]) -> list[str]:
    """The stanza for these suites alone. Components stay; ``Architectures`` goes: the private root names its own."""
    kept: list[str] = []
    dropping = False
    for line in lines:
        if line[:1] not in (" ", "\t"):
            dropping = line.partition(":")[0].strip().lower() in ("types", "suites", "architectures", "enabled")
        if not dropping and line.strip():
            kept.append(line)
    return ["Types: deb", f"Suites: {' '.join(suites)}", *kept]


def _filter_one_line(text: str, release: str) -> str:
    kept = []
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)(\s.*)?$", line.split("#", 1)[0])
        if match and _is_wanted_suite(match[3], release):
            words = [word for word in (match[1] or "").strip(" []\t").split() if not word.startswith("arch=")]
            options = f"[{' '.join(words)}]" if words else ""
            kept.append(" ".join(f"deb {options} {match[2]} {match[3]} {match[4] or ''}".split()))
    return "\n".join(kept) + "\n" if kept else ""
