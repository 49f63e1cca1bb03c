"""ELF files with any sections: what a linker writes, and what nobody should."""

from __future__ import annotations

import struct


def make_elf(
    sections: list[tuple[bytes, int, int, int]],
    *,
    wide: bool = True,
    order: str = "<",
    kind: int = 3,
    bulk: int = 0,
    lie: int = 0,
) -> bytes:
    """An ELF file of sections (name, type, bytes, index of the linked one); the names and the table come last."""
    size = 64 if wide else 52
    names, offsets = b"\0", []
    for name, *_ in [*sections, (b".shstrtab", 3, 0, 0)]:
        offsets.append(len(names))
        names += name + b"\0"
    body, table = bytes(bulk), []
    for (_, section, length, link), at_name in zip(sections, offsets, strict=False):
        table.append((at_name, section, size + len(body), length + lie, link))
        body += bytes(0 if section == 8 else length)
    table.append((offsets[-1], 3, size + len(body), len(names), 0))
    body += names
    shape = order + ("IIQQQQIIQQ" if wide else "IIIIIIIIII")
    headers = b"".join(struct.pack(shape, n, t, 0, 0, at, length, link, 0, 0, 0) for n, t, at, length, link in table)
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    start = size + len(body)
    words = struct.pack(order + "HHI" + ("QQQ" if wide else "III") + "I", kind, 62, 1, 0, 0, start, 0)
    words += struct.pack(order + "HHHHHH", size, 0, 0, struct.calcsize(shape), len(table), len(table) - 1)
    return ident + words + body + headers


SECTIONS = [
    (b"", 0, 0, 0),
    (b".text", 1, 500, 0),
    (b".dynstr", 3, 70, 0),
    (b".symtab", 2, 240, 4),
    (b".strtab", 3, 90, 0),
    (b".debug_info", 1, 1000, 0),
    (b".zdebug_line", 1, 10, 0),
    (b".debug_str", 8, 5000, 0),
]
SYMBOLS = 240 + 90 + 1000 + 10
"""Bytes of them that only debuggers read."""
