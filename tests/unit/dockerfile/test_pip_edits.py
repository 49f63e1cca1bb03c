"""Advice about pip is the person's own command with a word or two in it, and nothing else of the file changes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from edited_text import apply_edits
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.compose.model import Build
from builder.dockerfile.analysis import analyze_dockerfile
from builder.dockerfile.parse import read_instructions
from builder.dockerfile.shell_words import split_shell_words
from builder.dockerfile.stages import parse_run_commands

if TYPE_CHECKING:
    from builder.dockerfile.facts import Advice

AIRFLOW = "FROM apache/airflow:2.8.1\nCOPY c.txt r.txt /\n"
FILES = {"c.txt": "flask==3.0.0\n", "r.txt": "numpy\n"}
PIN = '"apache-airflow==${AIRFLOW_VERSION}"'
LAST = "pip install --no-cache-dir apache-airflow==2.8.1 c"
BOTH = f"--no-cache-dir {PIN}"


def find_advice(text: str) -> tuple[Advice, ...]:
    return tuple(
        one for one in analyze_dockerfile(text, Build("/project"), FILES.get).advice if one.code in ("OB302", "OB303")
    )


def apply_advice(text: str) -> str:
    return apply_edits(text, (edit for one in find_advice(text) for edit in one.edits))


@pytest.mark.parametrize(
    "words",
    [
        "flask",
        "'pandas>=2' \"numpy<2\"",
        "dist/*.whl flask",
        "./{a,b}.whl flask",
        "$(cat more.txt) flask",
        "$(grep -v '^#' /requirements.txt)",
        "$(grep -v ')' more.txt) flask",
        '"$(grep -v "x;y" "more (1).txt" | head)" flask',
        "flask > >(tee /tmp/log)",
        "`cat more.txt` flask",
        "$EXTRA flask",
        "${EXTRA:-flask numpy}",
        "~/x.whl",
        "flask > /tmp/log 2>&1",
        "flask &> /tmp/log",
        "flask >| /tmp/log",
        "flask 2>/dev/null",
        "flask <&- || true",
        "a\\ b.whl",
        "flask \\\n  # why: a comment\n  numpy \\\n\n  pandas",
        "flask # a comment",
        "flask | tee /tmp/log",
        "flask; echo done",
        "'it''s' \"it's\"",
        "flask --trusted-host h -c c.txt",
    ],
)
@pytest.mark.parametrize(
    "before",
    [
        "",
        "PIP_CONSTRAINT=/c.txt ",
        "A='b c' D=$E sudo -E ",
        "set -eux; ",
        "apt-get update && \\\n    ",
        "if [ -f x ]; then :; fi; ",
        "--mount=type=bind,source=more.txt,target=/m.txt ",
        "(",
    ],
)
def test_a_command_keeps_all_that_is_written(before: str, words: str) -> None:
    end = ")" if before == "(" and "#" not in words.partition("\n")[0] else ""
    text = f"{AIRFLOW}RUN {before}pip install {words}{end}\nRUN true\n"
    assert apply_advice(text) == text.replace("pip install", f"pip install {BOTH}")


@pytest.mark.parametrize(
    ("line", "fixed"),
    [
        ("pip3 install --user -U flask", f"pip3 install --no-cache-dir --user -U {PIN} flask"),
        ("python -m pip install flask", f"python -m pip install {BOTH} flask"),
        ("pip --quiet install flask", f"pip --quiet install {BOTH} flask"),
        ("'pip' 'install' flask", f"'pip' 'install' {BOTH} flask"),
        ("pip install \\\n    --user flask", f"pip install --no-cache-dir \\\n    --user {PIN} flask"),
        ("pip install --no-cache-dir flask", f"pip install --no-cache-dir {PIN} flask"),
        ("uv pip install flask", f"uv pip install {PIN} flask"),
        ('sh -c "pip install flask"', 'sh -c "pip install --no-cache-dir apache-airflow==${AIRFLOW_VERSION} flask"'),
        ("bash -c 'cd /x && pip install f'", f"bash -c 'cd /x && pip install {BOTH.replace(chr(34), '')} f'"),
        ("su a -c \"sh -c 'pip install f'\"", f"su a -c \"sh -c 'pip install {BOTH.replace(chr(34), '')} f'\""),
        ("xargs pip install flask < r.txt", f"xargs pip install {BOTH} flask < r.txt"),
        ("pip install -r <(grep -v x r.txt)", "pip install --no-cache-dir -r <(grep -v x r.txt)"),
        ('P="pip install"; $P flask', f'P="pip install"; $P {BOTH} flask'),
        ('["pip", "install", "flask"]', '["pip", "install", "--no-cache-dir", "apache-airflow==2.8.1", "flask"]'),
        (
            '["sh", "-c", "pip install flask"]',
            '["sh", "-c", "pip install --no-cache-dir apache-airflow==${AIRFLOW_VERSION} flask"]',
        ),
        ("<<EOF\nset -e\n  pip install flask\nEOF", f"<<EOF\nset -e\n  pip install {BOTH} flask\nEOF"),
        (
            f"pip install a && pip install --no-cache-dir b && {LAST.replace(' --no-cache-dir', '')}",
            f"pip install {BOTH} a && pip install --no-cache-dir {PIN} b && {LAST}",
        ),
        (
            "cat <<E > /etc/pip.conf && pip install a\n[global]\npip install x\nE",
            f"cat <<E > /etc/pip.conf && pip install {BOTH} a\n[global]\npip install x\nE",
        ),
    ],
)
def test_a_command_may_be_written_in_many_ways(line: str, fixed: str) -> None:
    text = f"# syntax=docker/dockerfile:1\n{AIRFLOW}\nRUN {line}\nCMD webserver\n"
    assert apply_advice(text) == text.replace(line, fixed)
    crlf = text.replace("\n", "\r\n")
    assert apply_advice(crlf) == crlf.replace(line.replace("\n", "\r\n"), fixed.replace("\n", "\r\n"))


@pytest.mark.parametrize(
    "line",
    ['S="pip install x"; sh -c "$S"', 'P="pip install x y"; $P z', '["sh", "-c", "pip install \\"flask\\""]'],
)
def test_where_the_word_stands_nowhere_nothing_is_made_up(line: str) -> None:
    found = find_advice(f"{AIRFLOW}RUN {line}\n")
    assert found
    assert [(one.fix, one.edits) for one in found] == [(None, ())] * len(found)
    assert "among the words of this install" in found[0].details[-1]


def test_backquotes_as_the_escape_of_a_dockerfile() -> None:
    text = f"# escape=`\n{AIRFLOW}RUN apt-get update && `\n  pip install `\n  flask\n"
    assert apply_advice(text) == text.replace("install", f"install {BOTH}")


def test_one_text_answers_both_codes() -> None:
    first, second = find_advice(f"{AIRFLOW}RUN cd /x && PIP_X=1 pip install \\\n    # ours\n    flask && true\n")
    assert (first.code, second.code) == ("OB302", "OB303")
    assert first.fix == second.fix == f"PIP_X=1 pip install {BOTH} \\\n    # ours\n    flask"
    assert first.edits == second.edits
    assert "this text answers OB302 and OB303 together" in first.details


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ("FROM apache/airflow:2.8.1\n", PIN),
        ("FROM mirror.example/apache/airflow:2.8.1\n", PIN),
        ("FROM bitnami/airflow:2.8.1\n", "apache-airflow==2.8.1"),
        ("FROM puckel/docker-airflow:1.10.9\n", "apache-airflow==1.10.9"),
        ("FROM python:3.11-slim\nRUN pip install --no-cache-dir apache-airflow==2.8.1\n", "apache-airflow==2.8.1"),
        ("FROM python:3.11\nRUN pip install --no-cache-dir 'apache-airflow[a,b]==2.8.1'\n", "apache-airflow==2.8.1"),
        (
            "FROM python:3.11\nARG V=2.8.1\nRUN pip install --no-cache-dir apache-airflow==${V}\n",
            '"apache-airflow==${V}"',
        ),
        ("FROM python:3.11\nENV V=2.8.1\nRUN pip install --no-cache-dir apache-airflow==$V\n", '"apache-airflow==$V"'),
        ("FROM apache/airflow:2.8.1\nRUN pip install --no-cache-dir apache-airflow==2.9.0\n", "apache-airflow==2.9.0"),
    ],
)
def test_the_version_is_said_as_this_base_knows_it(start: str, said: str) -> None:
    text = f"{start}RUN pip install --no-cache-dir flask\n"
    assert apply_advice(text) == text.replace(" flask", f" {said} flask")


@pytest.mark.parametrize(
    "start",
    [
        "FROM registry.example/team/airflow:5\n",
        "FROM bitnami/airflow:latest\n",
        "FROM python:3.11\nRUN pip install --no-cache-dir apache-airflow\n",
        "FROM python:3.11\nRUN V=2.8.1 && pip install --no-cache-dir apache-airflow==$V\n",
    ],
)
def test_a_version_that_is_not_known_is_asked_for(start: str) -> None:
    found = [one for one in find_advice(f"{start}RUN pip install --no-cache-dir flask\n") if one.line > 1][-1]
    assert found.fix == "pip install --no-cache-dir apache-airflow==VERSION flask"
    assert found.edits == ()
    assert "airflow version" in found.details[-1]


WORDS = ("flask", "'pandas>=2'", "dist/*.whl", "./{a,b}.whl", "$X", "${X:-a b}", "$(cat r.txt)", "`cat r`", "~/x.whl")
OTHERS = ("-r r.txt", "a\\ b", "--pre", '"n<2"', "> /tmp/log", "2>&1", "&> l", '"it\'s"', "--user", "-c c.txt", "a=b")
BEFORE = ("", "", "PIP_CONSTRAINT=/c.txt ", "sudo -H ", "A='b c' ", "python3 -m ", "time ", "env B=1 ")
ELSE = ("true", "echo 'pip install x'", "cd /x", "if [ a ]; then b; fi", "rm -rf /tmp/*", "{ a; }", "( b )", "x | y")
GAPS = (" ", " \\\n    ", "  ", " \\\n# a comment\n\t", " \\\n\n  ")
JOINTS = (" && ", "; ", " || ", " \\\n && ", " ; \\\n")

gap = st.sampled_from(GAPS)
pip = st.builds(
    lambda before, first, words, gaps: (
        before + f"pip{first}install" + "".join(f"{one}{word}" for word, one in zip(words, gaps, strict=False))
    ),
    st.sampled_from(BEFORE),
    gap,
    st.lists(st.sampled_from((*WORDS, *OTHERS)), max_size=5).map(lambda words: ["flask", *words]),
    st.lists(gap, min_size=6, max_size=6),
)
command = st.one_of(pip, pip, st.sampled_from(ELSE))
run = st.builds(
    lambda commands, joints: (
        "RUN " + "".join(f"{one}{joint}" for one, joint in zip(commands, joints, strict=False)) + commands[-1]
    ),
    st.lists(command, min_size=1, max_size=4),
    st.lists(st.sampled_from(JOINTS), min_size=3, max_size=3),
)
dockerfile = st.builds(
    lambda base, runs, end: (f"FROM {base}\n" + "\n".join(runs) + "\nCMD x\n").replace("\n", end),
    st.sampled_from(("apache/airflow:2.8.1", "bitnami/airflow:2.8.1", "python:3.11")),
    st.lists(run, min_size=1, max_size=3),
    st.sampled_from(("\n", "\n", "\r\n")),
)
NEW = ("--no-cache-dir", PIN, "apache-airflow==2.8.1")


def list_words(text: str) -> list[tuple[str, ...]]:
    """Of every instruction the words as they are written."""
    return [split_shell_words(one.value) for one in read_instructions(text)]


def list_commands(text: str) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    runs = [one for one in read_instructions(text) if one.name == "RUN"]
    return [(one.words, one.assignments) for each in runs for one in parse_run_commands(each)]


@settings(max_examples=5_000 if os.environ.get("OPTBUILD_SOAK") else 60, deadline=None)
@given(dockerfile)
def test_only_the_intended_words_are_new(text: str) -> None:
    fixed = apply_advice(text)
    assert not [one.code for one in find_advice(fixed) if one.edits]
    assert len(fixed.split("\n")) == len(text.split("\n"))
    kept = [tuple(word for word in words if word not in NEW) for words in list_words(fixed)]
    assert kept == list_words(text)
    plain = {word.strip('"') for word in NEW}
    before, after = list_commands(text), list_commands(fixed)
    assert [(tuple(w for w in words if w not in plain), names) for words, names in after] == before
    assert all("install" in words for (words, _), (old, _) in zip(after, before, strict=True) if words != old)
