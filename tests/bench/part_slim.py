"""Bytes of the whole with every pruning rule of ``[slim]`` carried out, those that cost a function too."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from bench import OURS, PartSkippedError

if TYPE_CHECKING:
    from bench import Bench

PART = "slim"
RULES_MODULE = "builder.core.slim_rules"


def run(bench: Bench) -> None:
    if importlib.util.find_spec(RULES_MODULE) is None:
        raise PartSkippedError("the spec has no [slim] yet")
    bench.record(PART, OURS, 0, lambda: measure(bench))


def measure(bench: Bench) -> dict[str, Any]:
    rules = importlib.import_module(RULES_MODULE).RULES
    bench.ensure(OURS)
    folder = bench.ours.copy(PART)
    bench.ours.change_spec(folder, slim={rule.name: False for rule in rules})
    return {"unpacked": bench.ours.build(folder)["bytes"]}
