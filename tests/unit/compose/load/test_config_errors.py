"""Compose's refusals: its words stay, warnings and values go."""

from __future__ import annotations

import pytest

from builder.compose.load.config_errors import (
    extract_refusal,
    find_error_file,
    find_error_key,
    find_error_line,
    mask_texts,
)

UNSET = 'time="2026-01-01T00:00:00Z" level=warning msg="The \\"X\\" variable is not set. Defaulting to a blank string."'
OBSOLETE = 'time="2026-01-01T00:00:00Z" level=warning msg="/p/compose.yaml: the attribute `version` is obsolete"'
KEPT = (
    "env file /p/.env not found: stat /p/.env: no such file or directory",
    'service "web" refers to undefined network backend: invalid compose project',
    'service "a" depends on undefined service "b": invalid compose project',
    "invalid spec: ${AIRFLOW_PROJ_DIR:-.}/dags:/opt/airflow/dags:z: too many colons",
    'yaml: unmarshal errors:\n  line 4: mapping key "image" already defined at line 3',
    "yaml: unknown anchor 'common' referenced",
    "yaml: line 7: did not find expected ',' or '}'",
    "validating /p/compose.yaml: services.a Additional property foo is not allowed",
    "error while interpolating services.a.image: required variable IMG is missing a value: name the image",
    "/home/somebody/project/compose.yaml: no such file",
    'error while interpolating services.a.image: required variable is missing a value: "DB_PWD" must be set',
    'invalid interpolation: "PASSWORD" is missing, "${DB_PWD}"',
    "services.db.environment.POSTGRES_DB: airflow-warehouse is unknown",
)
VARIABLES = {
    "POSTGRES_DB": "airflow-warehouse",
    "SSH_AUTH_SOCK": "/home/somebody",
    "DB_PWD": "pwd-canary",
    "PRIVATE_DATA": "private-canary",
    "SLACK_WEBHOOK_URL": "https://canary.example/x",
    "DATABASE_URL": "postgresql://me:url-canary@db/x",
    "PWD": "/home/somebody/project",
    "HOME": "/home/somebody",
    "PASSWORD": "canary-pass",
    "APP_TOKEN": "abc",
}


@pytest.mark.parametrize("text", KEPT)
def test_its_words_stay_as_they_are(text: str) -> None:
    assert extract_refusal(text + "\n", VARIABLES) == text


def test_warnings_go() -> None:
    assert extract_refusal(f"{UNSET}\n{OBSOLETE}\n\nempty compose file\n", {}) == "empty compose file"
    assert extract_refusal(f"{UNSET}\n", {}) == ""


def test_an_error_that_is_logged_is_a_refusal() -> None:
    assert extract_refusal('time="x" level=fatal msg="cannot read \\"it\\""', {}) == 'cannot read "it"'


@pytest.mark.parametrize(
    "text",
    [
        'failed to read /p/.env: line 2: unterminated quoted value "canary',
        "error decoding 'services[a].mem_limit': invalid size: 'canary'",
        "error decoding 'services[a].healthcheck.interval': time: invalid duration \"canary\"",
        'services.a.cpus: strconv.ParseFloat: parsing "canary": invalid syntax',
        'line 3: unexpected character "-" in variable name near "canary=1"',
        "invalid interpolation format for services.a.environment.A.\nescape any $ with another $.\ncanary${\nmore",
        "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `canary` into int",
        "Invalid ip address canary-pass:b: address canary-pass:b:: too many colons in address",
        "services.a.image: invalid reference: pwd-canary, private-canary at https://canary.example/x, url-canary",
        "cannot fetch https://me:canary@example.com/x.git: not found",
    ],
)
def test_values_go(text: str) -> None:
    said = extract_refusal(text, VARIABLES)
    assert "canary" not in said
    assert "***" in said


def test_a_short_value_is_not_masked() -> None:
    """Every other word would become stars."""
    assert mask_texts("abc abcd", VARIABLES) == "abc abcd"


@pytest.mark.parametrize(
    ("text", "file", "line", "key"),
    [
        (KEPT[7], "/p/compose.yaml", None, "services.a"),
        (KEPT[8], None, None, "services.a.image"),
        (KEPT[4], None, 4, None),
        (KEPT[6], None, 7, None),
        ("failed to read /p/.env: line 2: unterminated", None, None, None),
        ("parsing /p/my compose.yml: yaml: line 3: mapping", "/p/my compose.yml", 3, None),
        ("error decoding 'services[web].mem_limit': invalid", None, None, "services.web.mem_limit"),
        ("empty compose file", None, None, None),
    ],
)
def test_the_place(text: str, file: str | None, line: int | None, key: str | None) -> None:
    assert (find_error_file(text), find_error_line(text), find_error_key(text)) == (file, line, key)
