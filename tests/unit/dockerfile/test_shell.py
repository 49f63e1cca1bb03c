"""Which commands a piece of shell text calls, and on which line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.dockerfile.shell import parse_argv, parse_shell_commands, split_simple_commands
from builder.dockerfile.shell_words import JOIN


def called(text: str) -> list[str]:
    return [" ".join(one.words) for one in parse_shell_commands(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a && b || c; d | e & f", ["a", "b", "c", "d", "e", "f"]),
        ("if [ x ]; then a; else b; fi", ["[ x ]", "a", "b", "fi"]),
        ("{ a; } && (b)", ["a", "b"]),
        ("sudo -E -u joe a b", ["a b"]),
        ("env A=1 b", ["b"]),
        ("A=1 b c", ["b c"]),
        ("exec gosu airflow airflow scheduler", ["airflow scheduler"]),
        ("dumb-init -- airflow version", ["airflow version"]),
        ("timeout 5 a b", ["a b"]),
        ("""bash -c "airflow db init && airflow webserver" """, ["airflow db init", "airflow webserver"]),
        ("bash -lc 'a; b'", ["a", "b"]),
        ("su - airflow -c 'pip install x'", ["pip install x"]),
        ("bash script.sh -c x", ["bash script.sh -c x"]),
        ("echo 'a && b' # c && d", ["echo a && b"]),
        ("deps='gcc g++'; apt-get install $deps", ["apt-get install gcc g++"]),
        ("export D=gcc; apt-get install ${D}", ["export D=gcc", "apt-get install gcc"]),
        ('D="a b"; x "$D"', ["x a b"]),
        ("echo 'a && b", ["echo 'a", "b"]),
        ('echo "it\'s" && b', ["echo it's", "b"]),
        ("echo $(a; b) ${X:-c d}", ["echo $(a; b) ${X:-c d}"]),
        ("a <(b; c) >(d) && e", ["a <(b; c) >(d)", "e"]),
        ("a $(b ')' \")\" \\)) ${X:-'}'}; c", ["a $(b ')' \")\" \\)) ${X:-'}'}", "c"]),
        ('a "$(b "c; d" | e "$(f ")")")" | g', ['a $(b "c; d" | e "$(f ")")")', "g"]),
        ('a "${X:-it\'s}" && b "it\'s"', ["a ${X:-it's}", "b it's"]),
        ('a "$(b" && c', ["a $(b", "c"]),
        ("a > x 2>&1 && b", ["a > x 2>&1", "b"]),
        ("a &> x; b >| y | c <&- & d", ["a &> x", "b >| y", "c <&-", "d"]),
        ("a ./{b,c}.whl x{1..3} {} && { d; }", ["a ./{b,c}.whl x{1..3} {}", "d"]),
    ],
)
def test_commands(text: str, expected: list[str]) -> None:
    assert called(text) == expected


def test_simple_commands_keep_keywords_and_wrappers() -> None:
    text = "if A=1 sudo b 'c d'; then (e); fi  # f"
    assert split_simple_commands(text) == (("if", "A=1", "sudo", "b", "c d"), ("then",), ("e",), ("fi",))


def test_a_forgotten_quote_costs_no_line() -> None:
    assert [(one.words, one.line) for one in parse_shell_commands("a 'b\nc\nd")] == [
        (("a", "'b"), 1),
        (("c",), 2),
        (("d",), 3),
    ]


def test_lines_count_from_the_given_one() -> None:
    found = parse_shell_commands(f"a {JOIN} && b\nc", 10)
    assert [(one.words[0], one.line) for one in found] == [("a", 10), ("b", 11), ("c", 12)]


def test_an_argument_vector_is_one_command_unless_a_shell_reads_it() -> None:
    assert [one.words for one in parse_argv(("a", "b && c"))] == [("a", "b && c")]
    assert [one.words for one in parse_argv(("sh", "-c", "b && c"))] == [("b",), ("c",)]


def test_a_shell_in_a_shell_ends_somewhere() -> None:
    text = "true"
    for _ in range(8):  # each level doubles the backslashes
        text = f"sh -c {text!r}"
    assert parse_shell_commands(text)


@given(st.text(alphabet="ab \\\n\"'`$(){};&|#=-", max_size=60))
def test_nothing_makes_it_fail(text: str) -> None:
    parse_shell_commands(text)
