"""The ledgers of a build are added up; what only looks like one is not used."""

from __future__ import annotations

import json

import pytest

from builder.inspect.model import PrunedFiles
from builder.inspect.packages.metadata_files import is_kept_file
from builder.inspect.pruned import find_pruned

LEDGER = "/home/airflow/.local/lib/python3.11/site-packages/scikit_learn-1.3.0.dist-info/optbuild-pruned.json"
BASE = "/usr/share/optbuild/pruned.json"


def make_ledger(**rules: object) -> bytes:
    return json.dumps({"schema_version": 1, "rules": rules}).encode()


def test_rules_of_distributions_and_of_the_base() -> None:
    texts = {
        LEDGER: make_ledger(tests={"files": 2, "bytes": 30}, symbols={"files": 1, "bytes": 50}),
        BASE: make_ledger(gconv={"files": 3, "bytes": 40}),
        "/opt/other.json": make_ledger(tests={"files": 1, "bytes": 1}),
    }
    assert find_pruned(texts) == (
        PrunedFiles("symbols", "scikit-learn", 1, 50),
        PrunedFiles("gconv", None, 3, 40),
        PrunedFiles("tests", "scikit-learn", 2, 30),
    )


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"schema_version": 2, "rules": {"tests": {"files": 1, "bytes": 1}}}',
        b'{"schema_version": 1, "rules": []}',
        make_ledger(tests=1),
        make_ledger(tests={"files": 1}),
        make_ledger(tests={"files": -1, "bytes": 1}),
        make_ledger(tests={"files": True, "bytes": 1}),
        make_ledger(tests={"files": 1, "bytes": 1.5}),
        make_ledger(tests={"files": 1, "bytes": 1 << 60}),
        json.dumps({"schema_version": 1, "rules": {"\x1b[31m": {"files": 1, "bytes": 1}}}).encode(),
    ],
)
def test_what_is_no_ledger_is_not_used(text: bytes) -> None:
    assert find_pruned({LEDGER: text}) == ()


@pytest.mark.parametrize("path", [LEDGER, BASE])
def test_the_ledgers_are_kept_while_a_layer_is_read(path: str) -> None:
    assert is_kept_file(path)
