"""``.env`` files as Compose reads them. Each value was asked of `docker compose config`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from builder.compose.load.dotenv import EnvFile, read_env_file
from builder.compose.load.interpolate import read_variables
from builder.core.files import MOST_BYTES

SAID = {
    "V=a": "a",
    "V = a": "a",
    "  V=\ta ": "a",
    "export V=a": "a",
    "export\tV: a": "a",
    "V: a": "a",
    'V: "a"': "a",
    "V:a": "a",
    "V=a # c": "a",
    "V=a#c": "a#c",
    "V=a\t#c": "a\t#c",
    "V= # c": "# c",
    "V=a b c": "a b c",
    "V=a\r\nB=c\r": "a",
    "V=": "",
    "V=a;b": "a;b",
    "V=a\\": "a\\",
    "V=a\\nb": "a\\nb",
    "V=it's": "it's",
    "V=a\nB": "a",
    "V=1\nV=${V}2": "12",
    "V=${X:-d}": "d",
    "V=$$W": "$W",
    "V=\\$W": "\\ww",
    "V=a = 'q' $W": "a = 'q' ww",
    'V="a # c"': "a # c",
    'V="5" behind': "5",
    'V="a" # c': "a",
    'V="a"#c': "a",
    'V=""a': "",
    'V="a\nb"': "a\nb",
    'V="a\r\nb"': "a\r\nb",
    'V="a\\nb\\tc"': "a\nb\tc",
    'V="a\\"b"': 'a"b',
    'V="\\\\x\\q"': "\\x\\q",
    'V="\\0101 \\0 \\012"': "A \\ \\12",
    'V="a\\$b"': "a$b",
    'V="$$W ${W} \\${W}"': "$W ww ${W}",
    "V=\"a = 'q' $W\"": "a = 'q' ww",
    "V='a # c'": "a # c",
    "V='a\\nb'": "a\\nb",
    "V='a\\'b'": "a'b",
    "V='$W $$' # $W": "$W $$",
    "V='a\nb'": "a\nb",
    '# x = "y\nV=a': "a",
    "A.b-c[0]=1\nV=a": "a",
    "\ufeffV=a": "a",
    "V=ä": "ä",
}


@pytest.mark.parametrize("text", SAID)
def test_a_value(text: str, tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(f"{text}\nW=no\n".encode())
    assert read_variables({"W": "ww"}, (path,))["V"] == SAID[text]
    assert read_env_file(path).problem == ""


@pytest.mark.parametrize("line", ["?=1", "A B=1", 'A="a', "A= 'a", 'A="a\\"', "A/b=1"])
def test_a_line_that_compose_refuses_is_told_and_the_others_count(line: str, tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(f"V=a\n\n{line}\nW=b\n")
    assert read_env_file(path).problem == f"{path}, line 3: Compose refuses this line"
    assert read_variables({}, (path,)) == {"V": "a", "W": "b"}


def test_bytes_that_are_no_utf_8_are_taken_but_in_names(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"# caf\xe9\nV=caf\xe9\nW=b\n")
    assert read_variables({}, (path,)) == {"V": "caf\udce9", "W": "b"}
    assert read_env_file(path).problem == ""
    path.write_bytes(b"caf\xe9=1\n")
    assert "line 1" in read_env_file(path).problem


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert read_env_file(tmp_path / "x").problem == f"{tmp_path / 'x'} cannot be read: No such file or directory"
    assert read_variables({"A": "1"}, (tmp_path / "x",)) == {"A": "1"}


@pytest.mark.timeout(20)
def test_a_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".env")
    found = read_env_file(tmp_path / ".env")
    assert found.entries == ()
    assert "it is not a plain file" in found.problem


def test_a_device_without_end_is_not_read_and_no_file_is_no_problem() -> None:
    assert "not a plain file" in read_env_file(Path("/dev/zero")).problem
    assert read_env_file(Path("/dev/null")) == EnvFile()


def test_a_file_that_is_too_large_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=b\n" * (MOST_BYTES // 4 + 1))
    assert "more than 5 MB" in read_env_file(tmp_path / ".env").problem
