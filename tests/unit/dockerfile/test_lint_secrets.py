"""OB307: credentials that a Dockerfile copies into the image."""

from __future__ import annotations

import pytest

from builder.compose.model import Build
from builder.dockerfile.analysis import analyze_dockerfile

BASE = "FROM apache/airflow:2.8.1\n"


def lines(text: str, files: dict[str, str] | None = None) -> list[int]:
    advice = analyze_dockerfile(BASE + text, Build("/project"), (files or {}).get).advice
    return [one.line for one in advice if one.code == "OB307"]


@pytest.mark.parametrize(
    "copy",
    [
        "COPY conf/aws/credentials /root/.aws/credentials",
        "COPY aws/credentials /etc/",
        "COPY secrets/credentials /home/airflow/.aws/credentials",
        "COPY --chown=airflow:0 .pgpass /home/airflow/",
        "COPY pgpass /home/airflow/.pgpass",
        "ADD .netrc .",
        'COPY ["id_rsa", "/home/airflow/.ssh/id_rsa"]',
        "COPY a.txt keys/id_ed25519 /keys/",
        "COPY .ssh /home/airflow/.ssh",
        "COPY .aws/ /home/airflow/.aws/",
        "COPY service-account.json /etc/gcp.json",
        "COPY my-service_account-prod.json /x/",
        "COPY gcp-key.json .",
        "COPY credentials.json .",
        "COPY config/.docker/config.json /root/.docker/config.json",
        "COPY .git-credentials /root/",
        "COPY --from=deps /root/.netrc /root/.netrc",
    ],
)
def test_credentials(copy: str) -> None:
    assert lines(f"{copy}\n") == [2]


@pytest.mark.parametrize(
    "copy",
    [
        "COPY plugins/credentials.py /opt/airflow/plugins/",
        "COPY credentials /opt/airflow/plugins/credentials",
        "COPY known_hosts /home/airflow/.ssh/known_hosts",
        "COPY .ssh/config /home/airflow/.ssh/config",
        "COPY keys/id_rsa.pub /keys/",
        "COPY aws/config /root/.aws/config",
        "COPY aws/credentials.tf /x/",
        "COPY credentials.json.example .",
        "COPY service-account.sample.json .",
        "COPY service_account.py .",
        "COPY google-ads-schema.json package.json tsconfig.json .",
        "COPY .netrc.example /root/",
        "COPY config.json /root/",
        "RUN --mount=type=secret,id=netrc,target=/root/.netrc pip install apache-airflow==2.8.1 x",
        "RUN --mount=type=bind,source=.netrc,target=/root/.netrc pip install apache-airflow==2.8.1 x",
        "ADD https://example.org/credentials.json /x.json",
        "COPY certs/ca.pem certs/tls.key /certs/",
    ],
)
def test_look_alikes(copy: str) -> None:
    assert lines(f"{copy}\n") == []


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("tls.key", "-----BEGIN RSA PRIVATE KEY-----\n", [2]),
        ("tls.pem", "-----BEGIN CERTIFICATE-----\n", []),
        ("gcp.json", '{"type": "service_account", "private_key": "x"}', [2]),
        ("service-account.json", '{"fields": []}', []),
        ("client_secret.json", '{"installed": {"client_secret": "x"}}', [2]),
        (".env", "AIRFLOW_UID=50000\nAWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI\n", [2]),
        ("prod.env", "DATABASE_URL=postgresql://ada:Qm7zt4kPw@db/shop\n", [2]),
        (".env", "AIRFLOW_UID=50000\nPOSTGRES_PASSWORD=\n", []),
        (".env", "POSTGRES_PASSWORD_FILE=/run/secrets/password\nTZ=UTC\n", []),
        (".env.example", "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI\n", []),
        ("pip.conf", "[global]\nextra-index-url = https://ada:Qm7zt4kPw@pypi.example.org/simple\n", [2]),
        ("pip.conf", "[global]\nindex-url = https://pypi.example.org/simple\n", []),
        (".npmrc", "//registry.example.org/:_authToken=Qm7zt4kPw9xy\n", [2]),
    ],
)
def test_what_is_in_the_file_decides_where_it_is_at_hand(name: str, text: str, expected: list[int]) -> None:
    assert lines(f"COPY {name} /x/\n", {name: text}) == expected


def test_a_builder_stage_leaves_nothing_behind() -> None:
    text = "COPY id_rsa /id_rsa\nRUN git clone x\nFROM python:3.11\nCOPY --from=0 /x /x\nUSER 1000\n"
    assert lines(text) == []


def test_nothing_of_the_file_is_shown() -> None:
    facts = analyze_dockerfile(
        f"{BASE}COPY gcp.json /x/\n", Build("/project"), {"gcp.json": '{"private_key": "hunter2"}'}.get
    )
    assert "hunter2" not in repr(facts)
