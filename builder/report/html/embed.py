"""Foreign text inside a page. Every name in an image is somebody's, so each way into the page is one of these."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from typing import TYPE_CHECKING

from builder.report.units import escape_to_one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

_INERT = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
"""No ``</script>`` and no ``<!--`` can be in a JSON block whose texts have none of these."""


def format_readable(text: str) -> str:
    """One line that anybody can read; what steers a terminal or turns writing around is spelled out."""
    return text if text.isascii() and text.isprintable() else escape_to_one_line(text)


def escape_html(text: str) -> str:
    """For element content and for attributes in quotes."""
    return html.escape(format_readable(text), quote=True)


def format_json_block(value: object) -> str:
    """For ``<script type="application/json">``: ASCII alone, so that half characters and U+2028 are escapes too."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False).translate(_INERT)


def format_security_policy(scripts: Iterable[str], style: str) -> str:
    """A Content-Security-Policy under which nothing is loaded, and only these inline texts work."""
    allowed = " ".join(_format_policy_source(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_format_policy_source(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _format_policy_source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
