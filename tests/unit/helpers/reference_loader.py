"""What compose files mean, by a model that shares nothing with the product: PyYAML's loader, whose parser is its own
one in Python and not libyaml, and merges by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

RESET = "(reset)"
MERGE = "tag:yaml.org,2002:merge"


class _Loader(yaml.SafeLoader):
    """The safe one, `!reset`, and merges as Compose makes them."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """The first of a merged list wins. In PyYAML 6.0.4 the last one does, unless the parser shares equal texts."""
        merged: list[Any] = []
        for _, value in (pair for pair in node.value if pair[0].tag == MERGE):
            for one in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                self.flatten_mapping(one)
                merged = [*one.value, *merged]
        node.value = [*merged, *(pair for pair in node.value if pair[0].tag != MERGE)]


_Loader.add_constructor("!reset", lambda *_: RESET)


def load(data: bytes) -> dict[str, Any]:
    found = yaml.load(data.decode("utf-8-sig").replace("\t", " "), _Loader)  # noqa: S506 - it is a safe one
    assert isinstance(found, dict)
    return found


def services(files: Iterable[bytes]) -> dict[str, dict[str, Any]]:
    """Every service after merges, ``extends`` within its file, and override files."""
    total: dict[str, dict[str, Any]] = {}
    for data in files:
        named = load(data)["services"]
        for name in named:
            own = _extended(named, name)
            total[name] = _over(total[name], own) if name in total else _over({}, own)
    return total


def rest(data: bytes) -> dict[str, Any]:
    """What is no service; of extensions what no rewrite may touch."""
    found = {key: value for key, value in load(data).items() if key != "services"}
    return {
        key: {inner: value[inner] for inner in value if inner not in {"image", "build", "pull_policy"}}
        if key.startswith("x-")
        else value
        for key, value in found.items()
    }


def _extended(named: Mapping[str, Any], name: str) -> dict[str, Any]:
    own = dict(named[name])
    extends = own.pop("extends", None)
    if extends is None:
        return own
    base = extends if isinstance(extends, str) else extends["service"]
    return _over(_extended(named, base), own)


def _over(low: dict[str, Any], high: dict[str, Any]) -> dict[str, Any]:
    """``high`` merged over ``low`` as Compose does it: mappings deeply, everything else replaced."""
    merged = dict(low)
    for key, value in high.items():
        given = {"context": value} if key == "build" and isinstance(value, str) and value != RESET else value
        if given == RESET:
            merged.pop(key, None)
        elif isinstance(given, dict) and isinstance(merged.get(key), dict):
            merged[key] = _over(merged[key], given)
        else:
            merged[key] = given
    return merged


def texts(folder: Path, files: Mapping[str, bytes], sources: Mapping[Path, bytes]) -> list[bytes]:
    return [sources[folder / name] for name in files]
