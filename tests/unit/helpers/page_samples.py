"""Images made up for the pages: one of any size, and one whose every name wants to break out of its page."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field, replace

from builder.inspect.model import (
    EntryKind,
    FolderSize,
    ImageContent,
    Inspection,
    LayerContent,
    LayerEntry,
    LayerSummary,
    Package,
    PackageKey,
    Waste,
    WastedFile,
)

LIBRARY = "/home/airflow/.local/lib/python3.11/site-packages"
_WORDS = ("core", "io", "utils", "models", "frame", "tests", "linalg", "views", "index", "config", "hooks", "random")


def layer(name: str, entries: list[LayerEntry]) -> LayerContent:
    return LayerContent(f"sha256:{name * 64}"[:71], sum(entry.size for entry in entries) + 512, tuple(entries))


@dataclass
class Draft:
    """What an inspection is put together from."""

    layers: list[tuple[str, LayerContent]]
    owners: dict[str, PackageKey] = field(default_factory=dict)
    packages: list[Package] = field(default_factory=list)
    waste: list[Waste] = field(default_factory=list)
    base_layers: int = 0
    references: tuple[str, ...] = ("ml-pipeline-airflow:latest",)

    def inspection(self) -> Inspection:
        """Only what a page needs is worked out; the figures of files hidden later are."""
        last = {entry.path: number for number, (_, one) in enumerate(self.layers) for entry in one.entries}
        content = ImageContent(
            id=f"sha256:{'5' * 64}",
            references=self.references,
            platform="linux/amd64",
            created=1_700_000_000.0,
            labels={},
            layers=tuple(one for _, one in self.layers),
            chains=tuple(one.diff for _, one in self.layers),
            instructions=tuple(instruction for instruction, _ in self.layers),
            base_layers=self.base_layers,
            base_name="debian:bookworm",
        )
        summaries = tuple(self._summary(number, last) for number in range(len(self.layers)))
        visible = sum(one.bytes - one.hidden for one in summaries)
        owned = sum(package.bytes for package in self.packages)
        return Inspection(
            content=content,
            bytes=sum(one.bytes for one in summaries),
            visible_bytes=visible,
            layers=summaries,
            packages=tuple(sorted(self.packages, key=lambda one: -one.bytes)),
            owners=self.owners,
            folders=(FolderSize("/", visible, 1),),
            unowned=FolderSize("/", max(0, visible - owned), 1),
            unowned_folders=(FolderSize("/opt/airflow", 12_000, 3),),
            waste=tuple(self.waste),
        )

    def _summary(self, number: int, last: dict[str, int]) -> LayerSummary:
        instruction, one = self.layers[number]
        hidden = sum(entry.size for entry in one.entries if last[entry.path] != number)
        files = sum(entry.kind is EntryKind.FILE for entry in one.entries)
        return LayerSummary(
            one.diff, one.diff, instruction, one.bytes, one.tar_bytes, files, hidden, number < self.base_layers
        )


def big(files: int = 2000, packages: int = 40) -> Inspection:
    """A Debian base, Python packages on it, a `chown` that writes some of them again, a cache."""
    dice = random.Random(files)  # noqa: S311 - the same image every time
    debian = [PackageKey("debian", f"lib{dice.choice(_WORDS)}{number}") for number in range(packages // 2)]
    python = [
        PackageKey("python", f"{dice.choice(_WORDS)}-{dice.choice(_WORDS)}{number}") for number in range(packages)
    ]
    python[0] = PackageKey("python", "numpy")
    draft = Draft(layers=[], base_layers=1)
    system = [
        _file(dice, f"/usr/lib/x86_64-linux-gnu/{dice.choice(debian).name}/f{n}.so", 200_000) for n in range(files // 5)
    ]
    owners = {entry.path: PackageKey("debian", entry.path.split("/")[4]) for entry in system}
    site = [_python_file(dice, python, number) for number in range(files - len(system) - files // 50)]
    site = list({entry.path: entry for entry in site}.values())
    owners |= {entry.path: PackageKey("python", _package(entry)) for entry in site}
    again = dice.sample(site, len(site) // 30)
    cache = [_file(dice, f"/root/.cache/pip/http-v2/{n:03x}/body", 900_000) for n in range(files // 50)]
    draft.layers = [
        ("ADD base.tar /", layer("a", [*system, LayerEntry("/etc/passwd", EntryKind.FILE, 1200)])),
        ("RUN pip install --requirement requirements.txt", layer("b", [*site, *cache])),
        ("RUN chown -R airflow: /home/airflow", layer("c", again)),
        ("COPY dags /opt/airflow/dags", layer("d", [LayerEntry("/opt/airflow/dags/a.py", EntryKind.FILE, 900)])),
    ]
    draft.owners = owners
    where = {entry.path: entry.size for entry in (*system, *site)}
    paths: dict[PackageKey, list[str]] = defaultdict(list)
    for path, owner in owners.items():
        paths[owner].append(path)
    for key in (*python, *debian):
        mine = paths[key]
        size = sum(where[path] for path in mine)
        draft.packages.append(
            Package(
                key, f"1.{dice.randrange(30)}", size, len(mine), int(key.kind == "python"), asked_for=key == python[0]
            )
        )
    draft.waste = [
        _waste("OB402", "pip's cache was left in the image", "add `--no-cache-dir` to `pip install`", 1, cache),
        _waste("OB401", "chown wrote files again", "COPY with --chown in the first place", 1, again),
    ]
    return draft.inspection()


def _waste(code: str, message: str, fix: str, number: int, entries: list[LayerEntry]) -> Waste:
    files = sorted((WastedFile(number, entry.path, entry.size) for entry in entries), key=lambda one: -one.bytes)
    return Waste(code, message, fix, tuple(files), number)


def _file(dice: random.Random, path: str, most: int) -> LayerEntry:
    return LayerEntry(path, EntryKind.FILE, int(most * dice.random() ** 4) + 1)


def _python_file(dice: random.Random, packages: list[PackageKey], number: int) -> LayerEntry:
    package = packages[int(len(packages) * dice.random() ** 3)].name
    folders = "/".join(dice.choice(_WORDS) for _ in range(dice.randrange(4)))
    name = f"{dice.choice(_WORDS)}{number}.{dice.choice(('py', 'so', 'pyc', 'json'))}"
    return _file(dice, f"{LIBRARY}/{package}/{folders + '/' if folders else ''}{name}", 400_000)


def _package(entry: LayerEntry) -> str:
    return entry.path.removeprefix(f"{LIBRARY}/").split("/")[0]


HOSTILE = (
    "</script><script>window.broken=1</script>",
    "<!--<script>",
    "<img src=x onerror=window.broken=1>",
    '" onmouseover="window.broken=1',
    "'-alert(1)-'",
    "{{data}}",
    "{a|b}{b}{c}",
    "${window.broken=1}",
    "&lt;b&gt;&#x3c;",
    "line\u2028and\u2029more",
    "\u202egnp.exe",
    "caf\udce9\udcff",
    "\x1b[31mred\x07\r\n",
    "\x00zero",
    "__proto__",
    "constructor",
    "javascript:window.broken=1",
    "]]>",
    "\\u003c/script\\u003e",
    "\U0001f40d snake",
)


def hostile() -> Inspection:
    """Every text that an image may choose is of :data:`HOSTILE`: paths, packages, versions, names, instructions."""
    entries = [
        LayerEntry(f"/opt/{name.replace('/', '|')}/{name.strip('/')}", EntryKind.FILE, 1000 + n)
        for n, name in enumerate(HOSTILE)
    ]
    keys = [PackageKey("python", name) for name in HOSTILE]
    draft = Draft([(" ".join(HOSTILE), layer("e", entries))], references=HOSTILE)
    draft.owners = {entry.path: key for entry, key in zip(entries[::2], keys[::2], strict=True)}
    draft.packages = [Package(key, key.name, 1000, 1, 0, folder=key.name) for key in keys]
    draft.waste = [
        Waste("OB401", name, name, (WastedFile(0, entry.path, 500),), 0)
        for name, entry in zip(HOSTILE, entries, strict=True)
    ]
    return draft.inspection()


def changed(inspection: Inspection) -> Inspection:
    """The next image after it: a package grew, another one went, files came; only its third layer and on differ."""
    layers = list(inspection.content.layers)
    gone = inspection.packages[3].key
    site = [
        entry._replace(size=entry.size * 2, digest="2") if "/numpy/" in entry.path else entry
        for entry in layers[1].entries
        if inspection.owners.get(entry.path) != gone
    ]
    new = [LayerEntry(f"{LIBRARY}/polars/{number}.so", EntryKind.FILE, 100_000 + number) for number in range(20)]
    layers[1] = layer("f", [*site, *new])
    draft = Draft(
        list(zip(inspection.content.instructions, layers, strict=True)),
        base_layers=1,
        references=("ml-pipeline-airflow:next",),
        waste=list(inspection.waste[:1]),
        owners={path: key for path, key in inspection.owners.items() if key != gone},
    )
    polars = PackageKey("python", "polars")
    draft.owners |= {entry.path: polars for entry in new}
    draft.packages = [
        replace(one, bytes=one.bytes * 2, version="2.0") if one.key.name == "numpy" else one
        for one in inspection.packages
        if one.key != gone
    ]
    draft.packages.append(Package(polars, "1.2", sum(entry.size for entry in new), len(new), 1))
    return draft.inspection()
