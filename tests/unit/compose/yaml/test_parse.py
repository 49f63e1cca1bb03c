"""Positions: every node ends where its last character ends, whatever stands behind it."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.compose.yaml.nodes import Alias, Document, Mapping, Scalar, follow, resolve_alias, walk_nodes
from builder.compose.yaml.parse import DEEPEST_READ, MAX_DEPTH, parse_compose_file, read_tree
from builder.core.errors import ComposeError, YamlLibraryError

FILE = Path("compose.yml")


def document(text: str) -> Document:
    return parse_compose_file(FILE, text.encode())


def spans(text: str) -> list[str]:
    """The source of every node, in the order of the text, the root left out."""
    found = document(text)
    assert found.root is not None
    return [found.text[node.start : node.end] for node in walk_nodes(found.root)][1:]


def test_comments_and_blank_lines_behind_a_mapping_are_not_part_of_it() -> None:
    assert spans("a:\n  b: c   # behind\n\n  # below\nd: e\n") == ["a", "b: c", "b", "c", "d", "e"]


def test_a_key_without_a_value_ends_behind_its_colon() -> None:
    found = document("a:\n# comment\nb:   # comment\nc: &x\nd:\n- \n- y\n")
    assert found.root is not None
    assert [found.text[entry.start : entry.end] for entry in found.root.entries] == ["a:", "b:", "c: &x", "d:\n- \n- y"]


@pytest.mark.parametrize(
    ("written", "scalar"),
    [
        ("a: |\n  x\n\n  y\n\n# comment\nb: c\n", "|\n  x\n\n  y"),
        ("a: |+\n  x\n\nb: c\n", "|+\n  x\n"),
        ("a: >-\nb: c\n", ">-"),
        ("a: |2\n     x\n   y\nb: c\n", "|2\n     x\n   y"),
        ("a:\n  - |\n    # no comment\n  # comment\n  - b\n", "|\n    # no comment"),
        ("a: |  # comment\n  x", "|  # comment\n  x"),
        ("a: &b |\n  x\n", "&b |\n  x"),
    ],
    ids=["clip", "keep", "empty", "indent given", "comment inside", "comment in the header", "anchored"],
)
def test_a_block_scalar_ends_behind_its_last_line(written: str, scalar: str) -> None:
    assert scalar in spans(written)


def test_an_alias_keeps_its_own_place_and_knows_what_it_means() -> None:
    found = document("x: &a\n  b: c\ny: {<<: *a}\nz: *a # comment\n")
    assert found.root is not None
    aliases = [node for node in walk_nodes(found.root) if isinstance(node, Alias)]
    assert [found.text[alias.start : alias.end] for alias in aliases] == ["*a", "*a"]
    assert {id(resolve_alias(alias)) for alias in aliases} == {id(found.root.entries[0].value)}


@pytest.mark.parametrize(("key", "merges"), [("<<", True), ("!!merge <<", True), ('"<<"', False)])
def test_merge_keys_are_told_from_keys_in_quotes(key: str, merges: bool) -> None:
    found = document(f"a: &a {{b: c}}\nd:\n  {key}: *a\n")
    assert found.root is not None
    inner = found.root.entries[1].value
    assert isinstance(inner, Mapping)
    assert inner.entries[0].is_merge is merges


def test_the_latest_anchor_of_a_name_counts() -> None:
    found = document("a: &x 1\nb: *x\nc: &x 2\nd: *x\n")
    assert found.root is not None
    values = [resolve_alias(entry.value) for entry in found.root.entries]
    assert [value.value for value in values if isinstance(value, Scalar)] == ["1", "1", "2", "2"]


@pytest.mark.parametrize(
    "written",
    ["\ufeffa: b\r\nc: d", "a: é # 😀\nc: d\n", "a: b\t# tab\nc:\td\n", 'a: "b\u2028\u0085b"\nc: d\n', "a: b\rc: d\n"],
    ids=["BOM and CRLF", "beyond U+FFFF", "tabs", "line breaks of YAML 1.1", "CR alone"],
)
def test_places_are_those_of_the_bytes(written: str) -> None:
    found = document(written)
    assert found.root is not None
    last = found.root.entries[-1]
    assert found.text[last.start : last.end] in {"c: d", "c:\td"}
    assert found.encode(found.text) == written.encode()


def test_lines_are_those_of_an_editor() -> None:
    found = document('a: "b\u2028b"\r\nc: d\re: f\ng: h\n')
    assert found.root is not None
    assert [found.line(entry.start) for entry in found.root.entries] == [1, 2, 3, 4]


@pytest.mark.parametrize("at", ["\u0085", "\u2028", "\u2029", "\r", "\r\n"])
def test_a_line_break_of_yaml_ends_a_comment_and_an_absent_value(at: str) -> None:
    """Compose reads all of them so; an editor counts only the last two."""
    found = document(f"a: # one: two{at}b:{at}c: d")
    assert found.root is not None
    assert [found.text[entry.start : entry.end] for entry in found.root.entries] == ["a:", "b:", "c: d"]


@pytest.mark.parametrize(
    ("written", "entry"),
    [
        ("? a # b: c\n# d: e\n: \nf: g\n", "a # b: c\n# d: e\n:"),
        ("? a # b: c\n# d: e\nf: g\n", "a"),
        ("? a # b\u2028: \nf: g\n", "a # b\u2028:"),
    ],
)
def test_the_place_of_an_absent_value_lies_in_no_comment(written: str, entry: str) -> None:
    found = document(written)
    assert found.root is not None
    first = found.root.entries[0]
    assert found.text[first.start : first.end] == entry


@pytest.mark.parametrize("written", ["a: 'b\tc'", "a:\tb\tc", "a: |\n  b\tc\n"])
def test_tabs_stay_in_values(written: str) -> None:
    found = document(written)
    assert found.root is not None
    value = found.root.entries[0].value
    assert isinstance(value, Scalar)
    assert value.value.strip() == "b\tc"


def test_files_with_the_same_bytes_have_nodes_of_their_own() -> None:
    one, other = parse_compose_file(Path("a.yml"), b"a: b\n"), parse_compose_file(Path("b.yml"), b"a: b\n")
    assert one.root is not other.root
    assert parse_compose_file(Path("a.yml"), b"a: b\n") is one


def test_an_empty_file_has_no_root() -> None:
    assert document("# only this\n").root is None


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b"a: b\n---\nc: d\n", 2, "several YAML documents"),
        (b"a: b\nc:\n  d: 1\n  e: 2\n  d: 3\n", 5, "d: the mapping has this key twice, first on line 3"),
        (b"a: {<<: {b: c}, <<: {d: e}}\n", 1, "has this key twice"),
        (b"a: 1\nb: *x\n", 2, "is used before its anchor"),
        (b"a: &a [*a]\n", 1, "contains itself"),
        (b"a: b\n\xff: c\n", 2, "not UTF-8"),
        (b"a: b\nc: \0\n", 2, "NUL"),
        (b"- a\n- b\n", 1, "is a mapping"),
        (b"a: b\nc: [d\n", 2, "not valid YAML"),
        (b"a: b\nc: \x07\n", 2, "not valid YAML"),
        (b"a:\n\tb: c\n", 2, "not valid YAML"),
        (b"a: b: c\n", 1, "not valid YAML"),
        (b"a: " + b"[" * (MAX_DEPTH + 1), 1, "levels of nesting"),
        (b"a:\n  " + b"[" * 2_000 + b"]" * 2_000, 2, "levels of nesting"),
        (b"a:\n  " + b"- " * 2_000, 2, "levels of nesting"),
        (b"[" * 100_000, 1, "levels of nesting"),
        (b"? " * 100_000, 1, "levels of nesting"),
        (b"{a: " * 100_000, 1, "levels of nesting"),
        ("a: b\n".encode("utf-16"), 1, "not UTF-8"),
        ("a: b\n".encode("utf-16-le"), 1, "NUL"),
        (b"a: 1\nb: &x.y 2\n", 2, "not valid YAML: did not find expected alphabetic or numeric character"),
        (b"%YAML 3.0\n---\na: b\n", 1, "not valid YAML"),
        ("a: \U0001f600\r\nb: \ufffe\r\n".encode(), 2, "not valid YAML: control characters are not allowed"),
    ],
)
def test_what_cannot_be_read_safely_is_refused_with_its_line(data: bytes, line: int, words: str) -> None:
    with pytest.raises(ComposeError) as caught:
        parse_compose_file(FILE, data)
    assert words in str(caught.value)
    assert caught.value.where is not None
    assert (caught.value.where.file, caught.value.where.line) == ("compose.yml", line)
    assert caught.value.hint


def test_an_alias_bomb_is_not_unfolded() -> None:
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 60))
    (root,) = read_tree(f"a0: &a0 [x]\n{levels}".encode()).roots
    assert sum(1 for _ in walk_nodes(root)) == 1 + 2 + 1 + 59 * (2 + 9)
    assert sum(1 for _ in follow(root)) == 1 + 60 + 1


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, DEEPEST_READ - 1, DEEPEST_READ, 2_000, 100_000])
def test_what_is_only_looked_at_may_be_nested_deeper(levels: int) -> None:
    tree = read_tree(b"{a: " * levels + b"b" + b"}" * levels)
    too_deep = levels > DEEPEST_READ
    assert (tree.broken is not None and tree.broken.too_deep) is too_deep
    assert sum(1 for root in tree.roots for _ in follow(root)) == (0 if too_deep else levels + 1)


def test_a_libyaml_without_a_limit_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.compose.yaml.parse.DEEPEST_READ", 150)
    assert read_tree(b"x: " + b"[" * 149 + b"]" * 149).broken is None
    broken = read_tree(b"x: " + b"[" * 150 + b"]" * 150).broken
    assert broken is not None
    assert broken.too_deep


def test_an_anchor_is_known_in_its_own_document_only() -> None:
    tree = read_tree(b"a: &x 1\n---\nb: *x\n")
    assert tree.broken is not None
    assert tree.broken.message == "the alias *x is used before its anchor"
    assert len(tree.roots) == 1


@pytest.mark.parametrize(
    ("written", "fault", "values"),
    [
        ("a: 1\na: 2\na: 3\n", "the mapping has this key twice, first on line 1", ["1", "2", "3"]),
        ("a: 1\n---\nb: 2\n", "several YAML documents in one file", ["1", "2"]),
        ("b: &b {c: *b}\n", "the anchor &b contains itself", [""]),
    ],
)
def test_what_is_only_looked_at_may_be_what_no_edit_takes(written: str, fault: str, values: list[str]) -> None:
    tree = read_tree(written.encode())
    assert tree.broken is None
    assert tree.fault is not None
    assert tree.fault.message == fault
    assert [node.value for root in tree.roots for node in follow(root) if isinstance(node, Scalar)] == values


def test_a_file_full_of_faults_takes_no_time() -> None:
    tree = read_tree(b"a: 1\n" * 50_000)
    assert tree.fault is not None
    assert tree.fault.at == 5


def test_a_pyyaml_without_libyaml_is_refused_with_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yaml.__with_libyaml__", False)
    with pytest.raises(YamlLibraryError) as caught:
        document("unread: file\n")
    assert "PyYAML is installed here without libyaml" in str(caught.value)
    assert "--only-binary pyyaml" in (caught.value.hint or "")
