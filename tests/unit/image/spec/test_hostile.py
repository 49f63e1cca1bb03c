"""Whatever stands in a free field: it survives unchanged, or it is refused with its line and key."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.core.errors import InvalidSpecError, SpecError
from builder.image.spec.reader import parse_spec

TEMPLATE = """\
[image]
name = {name}
tags = [{tag}]
labels = {{ {label_key} = {label} }}
env = {{ {env_key} = {env} }}
[base]
debian = {debian}
[airflow]
version = {airflow}
extras = [{extra}]
constraints = {constraints}
[python]
version = {python}
requirements = [{requirement}]
requirements-files = [{file}]
[apt]
runtime = [{runtime}]
build = [{build}]
[roles.{role}]
command = [{command}]
health = {{ http = {http}, port = 80 }}
[verify]
database = {database}
[protect]
images = [{protect}]
[budget]
image-bytes = {bytes}
"""
FIELDS = {
    "name": ("a", 2, lambda s: s.image.name),
    "tag": ("a", 3, lambda s: s.image.tags[0]),
    "label_key": ("a", 4, lambda s: next(iter(s.image.labels))),
    "label": ("a", 4, lambda s: next(iter(s.image.labels.values()))),
    "env_key": ("a", 5, lambda s: next(iter(s.image.env))),
    "env": ("a", 5, lambda s: next(iter(s.image.env.values()))),
    "debian": ("bookworm", 7, lambda s: s.base.debian),
    "airflow": ("2.8.1", 9, lambda s: s.airflow.version),
    "extra": ("a", 10, lambda s: s.airflow.extras[0]),
    "constraints": ("official", 11, lambda s: s.airflow.constraints),
    "python": ("3.11", 13, lambda s: s.python.version),
    "requirement": ("a", 14, lambda s: s.python.requirements[0]),
    "file": ("a", 15, lambda s: s.python.requirements_files[0]),
    "runtime": ("aa", 17, lambda s: s.apt.runtime[0]),
    "build": ("aa", 18, lambda s: s.apt.build[0]),
    "role": ("a", 19, lambda s: next(iter(s.roles))),
    "command": ("a", 20, lambda s: next(iter(s.roles.values())).command[0]),
    "http": ("/", 21, lambda s: next(iter(s.roles.values())).health.http),
    "database": ("sqlite", 23, lambda s: s.verify.database),
    "protect": ("a", 25, lambda s: s.protect.images[0]),
    "bytes": ("1MB", 27, lambda s: s.budget.image_bytes),
}
NASTY = st.sampled_from(
    [
        *"\n\r\t\x00\x1b\x7f\x85\u2028\u2029\u202e\u2066\u200b\ufeff\u00ad\"'$\\`#;|/ ",
        *("${A}", "\\\n", "$(x)", "<<EOF", "{{ x }}", "{% x %}", "&&", ".."),
    ]
)
TEXTS = st.lists(
    st.one_of(NASTY, st.text(max_size=4), st.from_regex(r"[a-z0-9.=/_-]{1,6}", fullmatch=True)), min_size=0, max_size=4
).map("".join)
NEVER = "\"'$\\`\n\r\x00\x1b\u2028\u2029\u202e"


def toml(text: str) -> str:
    """A basic string; JSON's escapes are TOML's, but for DEL, and surrogate pairs must be whole."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def filled(field: str, text: str) -> str:
    """A good spec, but for one field."""
    return TEMPLATE.format(**({name: toml(good) for name, (good, _, _) in FIELDS.items()} | {field: toml(text)}))


def encodable(text: str) -> bool:
    return not any(unicodedata.category(character) == "Cs" for character in text)


@pytest.mark.parametrize("field", FIELDS)
@settings(max_examples=max(10, settings().max_examples // 10))  # of each of the fields
@given(text=TEXTS.filter(encodable))
def test_a_hostile_text_survives_unchanged_or_is_refused_in_place(field: str, text: str) -> None:
    _good, line, get = FIELDS[field]
    try:
        spec = parse_spec(filled(field, text), "optbuild.toml", Path("/project"))
    except InvalidSpecError as error:
        problems = error.problems
    except SpecError as error:
        problems = (error,)
    else:
        assert get(spec) == text  # type: ignore[no-untyped-call] # a lambda of the table
        allowed = "\"'" if field == "requirement" else ""  # of its markers; it goes into no Dockerfile
        assert not set(text) & set(NEVER) - set(allowed)
        return
    assert {problem.where.line for problem in problems if problem.where} == {line}
    assert all(problem.where and problem.where.key for problem in problems)
    assert str(problems[0]).replace("\n  next: ", "").isprintable()


@pytest.mark.parametrize("field", FIELDS)
def test_no_field_takes_what_a_dockerfile_would_obey(field: str) -> None:
    good, line, _get = FIELDS[field]
    for number, character in enumerate([*NEVER, "\x85", "\x9b", "\x7f", "\u2066", "\u200f"]):
        places = [0, len(good) // 2, len(good)]
        for place in {*(places if os.environ.get("OPTBUILD_SOAK") else [places[number % 3]])}:
            text = good[:place] + character + good[place:]
            with pytest.raises(SpecError, match=rf"optbuild\.toml:{line}: "):
                parse_spec(filled(field, text), "optbuild.toml", Path("/project"))
