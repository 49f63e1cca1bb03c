"""What is a secret and what only sounds like one: both sides as tables."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.core.redact import (
    expand_forms,
    find_secret_values,
    mask_addresses,
    mask_log,
    mask_text,
    mask_value,
    mask_values,
)
from builder.core.secret_name import is_secret_name

SECRET_NAMES = """
DB_PWD PRIVATE_DATA SLACK_WEBHOOK_URL FERNET_KEY AIRFLOW__CORE__FERNET_KEY AIRFLOW__WEBSERVER__SECRET_KEY
POSTGRES_PASSWORD AWS_SECRET_ACCESS_KEY AWS_ACCESS_KEY_ID AWS_SESSION_TOKEN GITHUB_TOKEN OPENAI_API_KEY
GOOGLE_CREDENTIALS SMTP_PASS PGPASSWORD MYSQL_PWD SSH_PRIVATE_KEY REDIS_AUTH SECRET_KEY_BASE API_KEY_2 APIKEY
_AIRFLOW_WWW_USER_PASSWORD AIRFLOW_VAR_MY_PASSWORD AIRFLOW__API_AUTH__JWT_SECRET TEAMS_WEBHOOK
RABBITMQ_ERLANG_COOKIE DOCKER_AUTH_CONFIG KEY_PASSPHRASE AUTHTOKEN api-token X-Api-Key clientSecret AccountKey
Pwd password secret API_KEYS
"""
OTHER_NAMES = """
POSTGRES_DB TOKENIZERS_PARALLELISM KEYCLOAK_REALM SSH_AUTH_SOCK AIRFLOW_UID MONKEY_ISLAND KEYBOARD
PASSENGER_COUNT COMPASS AUTHOR AUTHORITY SECRETARIAT POSTGRES_USER PATH PWD OLDPWD BYPASS_PROXY PASS_THROUGH
POSTGRES_PASSWORD_FILE AIRFLOW__CORE__FERNET_KEY_CMD _AIRFLOW_WWW_USER_PASSWORD_CMD POSTGRES_HOST_AUTH_METHOD
AIRFLOW__API__AUTH_BACKENDS AIRFLOW__SECRETS__BACKEND AIRFLOW__SECRETS__USE_CACHE MAX_TOKENS TOKEN_TTL
OAUTH_TOKEN_URL KEYRING SSH_PUBLIC_KEY PRIMARY_KEY PASSWORD_MIN_LENGTH AUTHORS SECRET_NAME secrets key KEYS
recv-keys DATABASE_URL AIRFLOW_CONN_MAIN AIRFLOW__DATABASE__SQL_ALCHEMY_CONN SECRETS TURKEY HOCKEY KEYNOTE PWDX
no-auth-file
"""


@pytest.mark.parametrize("name", SECRET_NAMES.split())
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", OTHER_NAMES.split())
def test_names_that_only_sound_so(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize("name", [name for name in SECRET_NAMES.split() if name.isupper()])
def test_the_value_goes_from_a_log_and_the_name_stays(name: str) -> None:
    said = mask_log(f'{name}=x9hunter2 is wrong: x9hunter2; "{name}" must be set', {name: "x9hunter2"})
    assert said == f'{name}=*** is wrong: ***; "{name}" must be set'


@pytest.mark.parametrize("name", [name for name in OTHER_NAMES.split() if name.isupper()])
def test_other_values_stay_in_a_log(name: str) -> None:
    said = f"{name}=x9hunter2 is x9hunter2"
    assert mask_log(said, {name: "x9hunter2"}) == said


@pytest.mark.parametrize(
    ("name", "value", "password"),
    [
        ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql+psycopg2://me:hunter2@db/airflow", "hunter2"),
        ("DATABASE_URL", "postgres://me:hun@ter2@db:5432/x?sslmode=disable", "hun@ter2"),
        ("AIRFLOW_CONN_A", "mysql://me:hun%40ter2@db/x", "hun@ter2"),
        ("AIRFLOW_CONN_B", '{"conn_type": "http", "login": "me", "password": "hunter2", "host": "db"}', "hunter2"),
        ("AIRFLOW_CONN_C", "http://db?__extra__=%7B%22api_token%22%3A%20%22hunter2%22%7D", "hunter2"),
        ("AIRFLOW_CONN_D", '{"conn_type": "x", "extra": {"deep": [{"secretKey": "hunter2"}]}}', "hunter2"),
        ("CELERY_BROKER", "redis://:hunter2@redis:6379/0", "hunter2"),
        ("PGSTRING", "host=db user=me password=hunter2", "hunter2"),
        ("ODBC", "Driver={X};Server=db;Uid=me;Pwd=hunter2;", "hunter2"),
        ("AZURE", "DefaultEndpointsProtocol=https;AccountName=me;AccountKey=hunter2aa==;X=y", "hunter2aa=="),
        ("SENTRY_DSN", "https://hunter2@sentry.example/7", "hunter2"),
        ("QUERY_URL", "postgresql://db/x?user=me&password=hunter2", "hunter2"),
    ],
)
def test_of_a_connection_only_the_password_goes(name: str, value: str, password: str) -> None:
    said = mask_log(f"cannot reach db as me with {password} ({value})", {name: value})
    assert password not in said
    assert "cannot reach db as me with *** (" in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://me:hunter2@db:5432/x", "postgresql://me:***@db:5432/x"),
        ("postgresql://me:hun@ter2@db/x", "postgresql://me:***@db/x"),
        ("postgresql://me:hun/ter2@db/x", "postgresql://me:***@db/x"),
        ("redis://:hunter2@redis/0, redis://:hunter3@redis/1", "redis://:***@redis/0, redis://:***@redis/1"),
        ("https://me:hunter2@git.example/a.git", "https://***@git.example/a.git"),
        ("https://ghp_abc123@git.example/a.git", "https://***@git.example/a.git"),
        ("http://registry:4873/@scope/package", "http://registry:4873/@scope/package"),
        ("ssh://git@git.example/a.git", "ssh://git@git.example/a.git"),
        ("postgresql://me@db/x http://x.example:80/a", "postgresql://me@db/x http://x.example:80/a"),
        ("postgresql://${U}:${P}@db/x", "postgresql://${U}:${P}@db/x"),
        ("postgresql://${U:-me}:${P:-hunter2}@db/x", "postgresql://${U:-me}:${P:-***}@db/x"),
        ("https://${TOKEN}@git.example/a", "https://${TOKEN}@git.example/a"),
        ("https://me:$TOKEN@git.example/a", "https://me:$TOKEN@git.example/a"),
        ("https://$ME:hunter2@git.example/a", "https://$ME:***@git.example/a"),
        ("postgresql+psycopg2://USER:PASSWORD@HOST/DATABASE", "postgresql+psycopg2://USER:PASSWORD@HOST/DATABASE"),
    ],
)
def test_addresses(text: str, expected: str) -> None:
    assert mask_addresses(text) == expected
    assert mask_addresses(expected) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DB_PWD=abc make", "DB_PWD=*** make"),
        ("env: A=DB_PWD=abc B: DB_PWD=abc", "env: A=DB_PWD=*** B: DB_PWD=***"),
        ('"DB_PWD": "hunter2", "B": "c"', '"DB_PWD": "***", "B": "c"'),
        ("docker build --build-arg API_TOKEN=hunter2 .", "docker build --build-arg API_TOKEN=*** ."),
        ("redis-server --requirepass hunter2", "redis-server --requirepass ***"),
        ("redis-cli -h cache -a hunter2 ping", "redis-cli -h cache -a *** ping"),
        ('["CMD", "redis-cli", "-a", "hunter2", "ping"]', '["CMD", "redis-cli", "-a", "***", "ping"]'),
        ("['redis-cli', '-h', 'cache', '-a', 'hunter2']", "['redis-cli', '-h', 'cache', '-a', '***']"),
        ("tool --api-token 'hunter 2' run", "tool --api-token '***' run"),
        ("curl -u me:'hunter 2' x", "curl -u me:'***' x"),
        ('["curl", "-u", "me:hunter2", "x"]', '["curl", "-u", "me:***", "x"]'),
        ("traefik.http.basicauth.users: me:$$apr1$$abc", "traefik.http.basicauth.users: ***"),
        ("image: shop/api-token:1.2", "image: shop/api-token:1.2"),
        ("DB_PWD: ${DB_PWD} x", "DB_PWD: ${DB_PWD} x"),
        ("DB_PWD=${DB_PWD:-hunter2}", "DB_PWD=${DB_PWD:-***}"),
        ("DB_PWD=${DB_PWD:?is missing}", "DB_PWD=${DB_PWD:?is missing}"),
        ("{DB_PWD: $PW}", "{DB_PWD: $PW}"),
        ("ALLOW_EMPTY_PASSWORD=yes", "ALLOW_EMPTY_PASSWORD=yes"),
        ("POSTGRES_PASSWORD_FILE=/run/secrets/x", "POSTGRES_PASSWORD_FILE=/run/secrets/x"),
        ("python-auth==1.2 API_KEY==3", "python-auth==1.2 API_KEY==3"),
    ],
)
def test_commands_and_lines_of_files(text: str, expected: str) -> None:
    assert mask_text(text) == expected
    assert mask_text(expected) == expected


@pytest.mark.parametrize("form", ['p@s"s\\w/d', "p%40s%22s%5Cw%2Fd", 'p@s\\"s\\\\w/d'])
def test_a_value_goes_in_every_form_it_is_written_in(form: str) -> None:
    assert mask_log(f"bad <{form}>", {"DB_PWD": 'p@s"s\\w/d'}) == "bad <***>"


def test_the_json_of_go_is_one_of_the_forms() -> None:
    assert mask_log('{"a": "p\\u0026w\\u003cx"}', {"DB_PWD": "p&w<x"}) == '{"a": "***"}'


def test_each_line_of_a_value_goes() -> None:
    key = "-----BEGIN KEY-----\nMIIEabcd\nxy\n-----END KEY-----\n"
    said = mask_log(f"read MIIEabcd and xy\n{json.dumps(key)}", {"SSH_PRIVATE_KEY": key})
    assert said == 'read *** and xy\n"***"'


def test_a_part_of_a_longer_secret_does_not_leave_the_rest() -> None:
    assert mask_log("hunter2-and-more", {"A_PWD": "hunter2", "B_PWD": "hunter2-and-more"}) == "***"


def test_a_short_value_is_masked_only_behind_its_name() -> None:
    assert mask_log("DB_PWD=abc abcd", {"DB_PWD": "abc"}) == "DB_PWD=*** abcd"


def test_a_name_that_holds_a_secret_value_stays() -> None:
    variables = {"DB_PWD": "SHOP", "SHOP_DB": "x", "SHOP": "y"}
    assert mask_log("SHOP_DB or SHOP is not set; SHOPPING", variables) == "SHOP_DB or SHOP is not set; ***PING"


def test_a_log_stays_readable_where_user_database_and_password_are_one_word() -> None:
    said = 'FATAL: password authentication failed for user "shop", database "shop" (postgresql://shop:***@db/shop)'
    raw = said.replace("***", "shop")
    assert mask_log(raw, {"POSTGRES_USER": "shop", "POSTGRES_DB": "shop", "POSTGRES_PASSWORD": "shop"}) == said
    assert mask_log(raw, {"CONN": "postgresql://shop:shop@db/shop"}) == said
    assert mask_log("airflow: user airflow", {"DB_PWD": "airflow"}) == "airflow: user airflow"


def test_a_generated_value_is_never_taken_for_a_word() -> None:
    assert mask_log("hunter2", {"POSTGRES_USER": "hunter2", "DB_PWD": "hunter2"}) == "***"
    assert mask_log("abcdefghi1", {"COPY_OF_IT": "abcdefghi1", "DB_PWD": "abcdefghi1"}) == "***"


def test_the_path_of_a_webhook_is_the_secret_too() -> None:
    address = "https://hooks.slack.example/services/T0/B0/abcdef"
    assert mask_log(f"POST /services/T0/B0/abcdef at {address}", {"SLACK_WEBHOOK_URL": address}) == "POST *** at ***"


def test_nothing_is_hidden_where_nothing_is_secret() -> None:
    assert find_secret_values({"A": "b", "EMPTY_TOKEN": "", "ENABLE_TOKEN": "true"}) == ()
    assert mask_values("text", ()) == "text"
    assert mask_value("''") == "''"


VALUES = st.text(st.characters(exclude_categories=["Cs"]), min_size=6, max_size=40).map(lambda text: f"<{text}9>")


@given(VALUES, st.sampled_from(["DB_PWD", "A_TOKEN"]))
def test_no_value_is_left(value: str, name: str) -> None:
    for said in (value, json.dumps({"a": value}), repr(value)):
        shown = mask_log(f"a {said} b", {name: value})
        assert value not in shown
        assert "***" in shown


@given(st.text(max_size=200))
def test_masking_twice_is_masking_once(text: str) -> None:
    assert mask_addresses(mask_addresses(text)) == mask_addresses(text)
    assert expand_forms([text]) == tuple(sorted(set(expand_forms([text])), key=lambda one: (-len(one), one)))


@pytest.mark.parametrize(
    "piece", ["://", "://a:", "https://", "KEY=", "KEY: ", "--key ", "a@", "A_KEY", "'", "${", "mysql "]
)
def test_a_long_line_takes_no_long_time(piece: str) -> None:
    started = time.perf_counter()
    mask_text(piece * 4000)
    mask_log(piece * 4000, {"DB_PWD": piece * 100})
    assert time.perf_counter() - started < 3
