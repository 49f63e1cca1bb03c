"""Secrets in an image's configuration and history: found where they stand, and never told."""

from __future__ import annotations

from typing import Any

import pytest

from builder.image.verify.credentials import find_config_secrets

GITHUB = "ghp_" + "a1B2" * 9


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (
            {"Env": ["PATH=/bin", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgresql://u:r3alpw@h/db"]},
            "the environment variable AIRFLOW__DATABASE__SQL_ALCHEMY_CONN holds a password",
        ),
        (
            {"Env": ["AIRFLOW__CORE__FERNET_KEY=r3alpw"]},
            "the environment variable AIRFLOW__CORE__FERNET_KEY holds the value of AIRFLOW__CORE__FERNET_KEY",
        ),
        ({"Env": [f"ANYTHING={GITHUB}"]}, "the environment variable ANYTHING holds a GitHub token"),
        ({"Labels": {"deploy-token": "r3alpw"}}, "the label deploy-token holds the value of deploy-token"),
        ({"Labels": {"source": "https://me:r3alpw@git.example/x"}}, "the label source holds a password"),
        ({"Labels": {"note": f"with {GITHUB}"}}, "the label note holds a GitHub token"),
        ({"Cmd": ["airflow", "--password", "r3alpw"]}, "the command holds the value of --password"),
        (
            {"Healthcheck": {"Test": ["CMD", "curl", "-u", "me:r3alpw", "http://h"]}},
            "the health check holds a password",
        ),
        ({"OnBuild": ["ENV API_KEY=r3alpw"]}, "an ONBUILD step holds the value of API_KEY"),
    ],
)
def test_a_secret_of_the_configuration_is_named_by_its_place(config: dict[str, Any], words: str) -> None:
    assert find_config_secrets({"Config": config}, []) == (words,)


@pytest.mark.parametrize(
    ("step", "what"),
    [
        ("RUN |1 PIP_TOKEN=r3alpw /bin/sh -c pip install x # buildkit", "the value of PIP_TOKEN"),
        ("/bin/sh -c #(nop)  ARG TOKEN=r3alpw", "the value of TOKEN"),
        ("RUN /bin/sh -c pip install --index-url https://me:r3alpw@pypi.example/simple x", "a password"),
    ],
)
def test_a_step_of_the_history_is_shown_without_its_secret(step: str, what: str) -> None:
    (found,) = find_config_secrets({}, ["ADD base.tar / # buildkit", step])
    assert found.startswith("step 2 of the history (")
    assert found.endswith(f" holds {what}")
    assert "***" in found
    assert "r3alpw" not in found


def test_what_cannot_be_masked_in_a_step_is_not_shown() -> None:
    steps = [f"RUN echo {GITHUB}", "RUN use hunter2 there"]
    assert find_config_secrets({}, steps, (b"hunter2",)) == (
        "step 1 of the history holds a GitHub token",
        "step 2 of the history holds a secret of the build",
    )


def test_the_builds_own_secrets_are_found_in_any_writing() -> None:
    assert find_config_secrets({"Config": {"Env": ["A=ü"]}}, (), ("ü".encode(),)) != ()


def test_public_defaults_and_references_are_not_secrets() -> None:
    env = [
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgresql+psycopg2://airflow:airflow@postgres/airflow",
        "AIRFLOW__CORE__FERNET_KEY=",
        "AIRFLOW__CORE__FERNET_KEY_CMD=cat /run/secrets/fernet",
        "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D",
    ]
    steps = ["ENV GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D", "ARG PIP_TOKEN", 'RUN X_TOKEN="$(cat /t)" make']
    assert find_config_secrets({"Config": {"Env": env, "Labels": None}, "Author": None}, steps) == ()


@pytest.mark.parametrize(
    "text",
    ["The admin password: see the wiki", "api_key=see README", "token : from https://vault.example/x", "--token x"],
)
def test_a_label_that_speaks_of_a_secret_holds_none(text: str) -> None:
    assert find_config_secrets({"Config": {"Labels": {"org.opencontainers.image.description": text}}}, []) == ()
