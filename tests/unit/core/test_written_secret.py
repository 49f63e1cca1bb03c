"""What is a secret where it stands, and what only looks like one."""

from __future__ import annotations

import pytest

from builder.core.redact import mask_text
from builder.core.written_secret import list_written_secrets


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgresql+psycopg2://u:realpw@h/db", "realpw"),
        ("AIRFLOW__CELERY__BROKER_URL=redis://:q1@redis:6379/0", "q1"),
        ("AIRFLOW_CONN_X=aws://AKIA0:se%2Fcr@/?region=x", "se%2Fcr"),
        ('AIRFLOW_CONN_X={"conn_type": "postgres", "password":"hunter"}', "hunter"),
        ("AIRFLOW__CORE__FERNET_KEY=c2VjcmV0", "c2VjcmV0"),
        ("AIRFLOW__API_AUTH__JWT_SECRET=abc", "abc"),
        ("AWS_SECRET_ACCESS_KEY=abc/def+1", "abc/def+1"),
        ("POSTGRES_PASSWORD=x9", "x9"),
        ("PASSWORD=pa$$w", "pa$$w"),
        ("RUN |1 PIP_TOKEN=t0p /bin/sh -c pip install # buildkit", "t0p"),
        ("RUN /bin/sh -c pip install --index-url https://u:p@pypi.example/simple a", "u:p"),
        ("RUN git clone https://a1b2c3d4@git.example/x", "a1b2c3d4"),
        ("curl -u me:pw https://x.example", "pw"),
        ("curl -H 'Authorization: Bearer abcdef' https://x.example", "abcdef"),
        ("tool --password hunter2", "hunter2"),
    ],
)
def test_a_written_value_is_a_secret(text: str, secret: str) -> None:
    assert [value for _, value in list_written_secrets(text)] == [secret]
    assert secret not in mask_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "A=postgresql://airflow:airflow@postgres/airflow",
        "A=amqp://guest:guest@rabbit//",
        "A=redis://:@redis:6379/0",
        "AIRFLOW__CORE__FERNET_KEY=",
        "AIRFLOW__CORE__FERNET_KEY_CMD=cat /run/secrets/fernet",
        "AIRFLOW__CORE__FERNET_KEY_SECRET=airflow/fernet",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_SECRET=airflow/connection",
        "POSTGRES_PASSWORD_FILE=/run/secrets/password",
        "WEB_SERVER_SSL_KEY=/certs/server.key",
        "PRIVATE_KEY=server.pem",
        "GOOGLE_APPLICATION_CREDENTIALS=/opt/airflow/keys/account.json",
        "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D",
        "TOKEN=${TOKEN}",
        "ARG PIP_TOKEN",
        'RUN TOKEN="$(cat /run/secrets/token)" make',
        "RUN TOKEN=`cat /run/secrets/token` make",
        "RUN git clone https://git@git.example/x",
        "TOKENIZERS_PARALLELISM=false",
        'RUN echo "airflow ALL=(ALL) NOPASSWD: ALL" > /etc/sudoers.d/airflow',
    ],
)
def test_what_holds_no_secret_of_its_own(text: str) -> None:
    assert list_written_secrets(text) == ()


def test_a_name_is_told_where_there_is_one() -> None:
    assert list_written_secrets("A_TOKEN=x9 http://u:pw@h/")[0] == ("", "u:pw")
    assert list_written_secrets("A_TOKEN=x9") == (("A_TOKEN", "x9"),)
