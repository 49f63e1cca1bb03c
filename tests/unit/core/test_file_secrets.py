"""What in a file is a secret, by its bytes or by what its name lets expect; and what only looks like one."""

from __future__ import annotations

import json

import pytest

from builder.core.file_secrets import find_file_secrets

LINE = b"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n"
PEM = b"-----BEGIN " + b"PRIVATE KEY-----\n" + LINE * 3 + b"-----END PRIVATE KEY-----\n"
SHORT_PEM = "-----BEGIN " + "PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"
CERTIFICATE = b"-----BEGIN CERTIFICATE-----\n" + LINE * 3 + b"-----END CERTIFICATE-----\n"
ACCOUNT = {"type": "service_account", "project_id": "p", "private_key": SHORT_PEM, "client_email": "a@p.iam.example"}
KEY_BAG = b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x02"
AWS = b"AKIA" + b"IOSFODNN7ABCDEFG"


@pytest.mark.parametrize(
    "path", ["/app/keys/gcp.json", "/app/deploy_key", "/app/x", "/srv/a/snow_rsa_key.p8", "/k.txt"]
)
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(PEM, id="PKCS 8"),
        pytest.param(PEM.replace(b"BEGIN ", b"BEGIN ENCRYPTED "), id="encrypted PKCS 8"),
        pytest.param(PEM.replace(b"BEGIN ", b"BEGIN OPENSSH ").replace(b"MIIE", b"b3Bl"), id="OpenSSH"),
        pytest.param(PEM.replace(b"BEGIN ", b"BEGIN RSA "), id="PKCS 1"),
        pytest.param(PEM.replace(b"BEGIN ", b"BEGIN EC "), id="EC"),
        pytest.param(PEM.replace(b"\n", b"\r\n"), id="line ends of Windows"),
        pytest.param(CERTIFICATE + PEM, id="a certificate with its key"),
        pytest.param(SHORT_PEM.encode(), id="a very short one"),
        pytest.param(b"PuTTY-User-Key-File-3: ssh-rsa\nComment: x\nPrivate-Lines: 14\nAAAB\n", id="PuTTY"),
        pytest.param(b"Created: 2026\nKey: (protected-private-key (rsa (n #00#)))\n", id="GnuPG"),
        pytest.param(b"AGE-SECRET-KEY-1" + b"Q" * 58 + b"\n", id="age"),
    ],
)
def test_a_private_key_is_one_under_every_name(path: str, data: bytes) -> None:
    assert find_file_secrets(path, data) == ("a private key",)


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("path", ["/app/keys/gcp.json", "/x", "/opt/airflow/dags/config/prod"])
def test_a_service_account_is_known_by_its_two_keys(path: str, indent: int | None) -> None:
    (what,) = find_file_secrets(path, json.dumps(ACCOUNT, indent=indent).encode())
    assert what == "a service account with its private key"
    turned = dict(reversed(ACCOUNT.items()))
    assert find_file_secrets(path, json.dumps(turned, indent=indent).encode()) == (what,)
    without = {**ACCOUNT, "private_key": "<private key>"}
    assert find_file_secrets(path, json.dumps(without, indent=indent).encode()) == ()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x30\x82\x0a\x01\x02\x01\x03" + KEY_BAG, id="PKCS 12"),
        pytest.param(b"\xfe\xed\xfe\xed\0\0\0\2" + b"\x2b\x06\x01\x04\x01\x2a\x02\x11\x01\x01", id="JKS"),
        pytest.param(b"\xce\xce\xce\xce\0\0\0\2" + b"\x2b\x06\x01\x04\x01\x2a\x02\x13\x01", id="JCEKS"),
        pytest.param(b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5", id="KeePass"),
    ],
)
def test_a_key_store_is_known_by_what_it_begins_with_and_holds(data: bytes) -> None:
    assert find_file_secrets("/app/store", data) == ("a key store with a private key",)
    assert find_file_secrets("/app/store", b"x" + data) == ()


@pytest.mark.parametrize(
    "data",
    [b"\x30\x82\x04\xbd\x02\x01\x00\x30\x0d", b"\x30\x82\x04\xa4\x02\x01\x00\x02\x82", b"\x30\x77\x02\x01\x01\x04\x20"],
)
def test_a_key_without_armour_is_known_by_its_ending_too(data: bytes) -> None:
    assert find_file_secrets("/app/rsa.key", data) == ("a private key",)
    assert find_file_secrets("/app/rsa.bin", data) == ()
    assert find_file_secrets("/app/ca.der", b"\x30\x82\x04\xbd\x30\x82\x03\xa5") == ()


def test_keys_of_kerberos_are_known_by_both() -> None:
    assert find_file_secrets("/etc/airflow.keytab", b"\x05\x02\0\0\0\x3c") == ("keys of Kerberos",)
    assert find_file_secrets("/etc/airflow.keytab", b"PLACE YOUR KEYTAB HERE") == ()
    assert find_file_secrets("/app/data.bin", b"\x05\x02\0\0\0\x3c") == ()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/home/me/.netrc", "machine h login u password hunter2"),
        ("/etc/apt/auth.conf.d/mirror.conf", "machine h login u password hunter2"),
        ("/home/me/.pgpass", "# host:port:db:user:password\ndb:5432:*:airflow:hunter2\n"),
        ("/app/.htpasswd", "me:$apr1$abc$0123456789"),
        ("/etc/shadow", "root:*:19000:0\nme:$y$j9T$abc$def:19000:0:99999:7:::"),
        ("/root/.config/pip/pip.conf", "[global]\nindex-url = https://me:pw@pypi.example/simple"),
        ("/etc/pip.conf", "[global]\nextra-index-url = https://0a1b2c3d4e5f6a7b8c9d@pypi.example/simple"),
        ("/root/.config/uv/uv.toml", '[[index]]\nurl = "https://me:pw@pypi.example/simple"'),
        ("/root/.pypirc", "[pypi]\nusername = u\npassword = x"),
        ("/app/.npmrc", "//npm.example/:_password=aHVudGVyMg=="),
        ("/app/.npmrc", "_auth = dXNlcjpodW50ZXIy"),
        ("/app/.yarnrc.yml", "npmAuthToken: 0a1b2c3d4e5f"),
        ("/root/.git-credentials", "https://u:p@git.example"),
        ("/app/.git/config", '[remote "origin"]\n\turl = https://me:0a1b2c3d@git.example/x.git'),
        ("/etc/apt/sources.list", "deb https://me:hunter2@mirror.example/debian bookworm main"),
        ("/root/.docker/config.json", '{"auths": {"r.example": {"auth": "dXNlcjpwYXNz"}}}'),
        ("/root/.aws/credentials", "[default]\naws_secret_access_key = " + "a1B2c3D4" * 5),
        ("/root/.boto", "[Credentials]\ngs_oauth2_refresh_token = 1//0a1b2c3d4e5f"),
        ("/root/.s3cfg", "access_key = a\nsecret_key = a1b2c3d4"),
        ("/root/.databrickscfg", "[DEFAULT]\nhost = https://x\ntoken = 0a1b2c3d4e5f"),
        ("/root/.config/gcloud/application_default_credentials.json", '{"client_secret": "d-FL95", "type": "x"}'),
        ("/root/.config/gh/hosts.yml", "github.com:\n    user: me\n    oauth_token: 0a1b2c3d4e5f\n"),
        ("/root/.kube/config", "users:\n- name: me\n  user:\n    client-key-data: LS0tLS1CRUdJTiBSU0E=\n"),
        ("/app/kubeconfig", "users:\n- name: me\n  user:\n    token: 0a1b2c3d4e5f\n"),
        ("/root/.dbt/profiles.yml", "shop:\n  outputs:\n    prod:\n      type: postgres\n      password: hunter2\n"),
        ("/app/dbt/profiles.yml", "shop:\n  outputs:\n    prod: {type: postgres, pass: 'hunter2', port: 5432}\n"),
        ("/root/.my.cnf", "[client]\nuser = me\npassword = hunter2"),
        ("/root/.snowflake/connections.toml", '[default]\npassword = "hunter2"'),
        ("/app/connections.json", '{"db": {"conn_type": "postgres", "login": "me", "password": "hunter2"}}'),
        ("/app/airflow_connections.yaml", "db: postgres://me:hunter2@db/shop"),
        ("/app/variables.json", '{"api_key": "0a1b2c3d4e5f", "rows": 5}'),
        ("/opt/airflow/airflow.cfg", "[core]\nfernet_key = a1B2c3D4e5F6a1B2c3D4e5F6a1B2c3D4e5F6a1B2c3D=\n"),
        ("/opt/airflow/airflow.cfg", "[database]\nsql_alchemy_conn = postgresql+psycopg2://me:hunter2@db/airflow\n"),
        ("/opt/airflow/airflow.cfg", "[celery]\nbroker_url = redis://:hunter2@redis:6379/0\n"),
        ("/opt/airflow/simple_auth_manager_passwords.json.generated", '{"admin": "cf8Vh4Kx"}'),
        ("/opt/airflow/standalone_admin_password.txt", "cf8Vh4KxZq\n"),
        ("/app/.env", "A=1\nexport DB_PASSWORD='hunter2'\n"),
        ("/app/.env.production", "DATABASE_URL=postgres://me:hunter2@db/shop"),
        ("/app/prod.env", "API_TOKEN=0a1b2c3d4e5f"),
        ("/app/docker-compose.override.yml", "services:\n  db:\n    environment:\n      POSTGRES_PASSWORD: hunter2\n"),
        ("/app/terraform.tfstate", '{"attributes": {"master_password": "hunter2"}}'),
        ("/app/.streamlit/secrets.toml", 'db_password = "hunter2"'),
        ("/run/secrets/db-password", "hunter2\n"),
        ("/app/github_token", "0a1b2c3d4e5f"),
        ("/a/API_KEY", "0a1b2c3d4e5f"),
        ("/app/token.json", '{"refresh_token": "1//0a1b2c3d"}'),
        ("/app/tokens.yaml", "slack_token: 0a1b2c3d4e5f"),
        ("/root/.vault-token", "hvs.CAESIJ0a1b2c"),
        ("/root/.cache/huggingface/token", "hf_0a1b2c3d4e5f"),
        ("/root/.snowsql/config", "[connections]\npassword = hunter2\n"),
        ("/app/config/database.yml", "production:\n  password: hunter2\n"),
        ("/app/application.properties", "spring.datasource.password=hunter2"),
        ("/etc/odbc.ini", "[shop]\nPWD = hunter2"),
        ("/etc/wireguard/wg0.conf", "[Interface]\nPrivateKey = 4Gf6y7TqjHn0b3yq1mQ1ZxYk0m8wXc2vB9nLp5sT3E8="),
        ("/app/client_secret.json", '{"installed": {"client_secret": "0a1b2c3d4e"}}'),
    ],
)  # fmt: skip
def test_a_file_of_a_known_tool_with_a_literal_secret(path: str, text: str) -> None:
    assert len(find_file_secrets(path, text.encode())) == 1
    assert find_file_secrets(path, text.replace("\n", "\r\n").encode()) != ()
    folder, _, name = path.rpartition("/")
    assert find_file_secrets(f"{folder}/site-packages/vendored/{name}", text.encode()) == ()


@pytest.mark.parametrize(
    "value",
    [
        "", "changeme", "change-me-please", "<password>", "<your token>", "${DB_PASSWORD}", "${DB_PASSWORD:-x}",
        "$DB_PASSWORD",
        "{{ var.value.x }}", "{{ env_var('X') }}", "***", "xxxxxxxx", "...", "your-password", "your_api_key_here",
        "YOUR_KEY",
        "password", "secret", "airflow", "example", "null", "/run/secrets/db", "%(X)s", "$(cat /run/secrets/x)",
        "REPLACE_ME",
        "op://vault/item", "vault:secret/data/x", "arn:aws:secretsmanager:eu-west-1:1:secret:x",
        "ENC[AES256_GCM,data:x]",
        "!vault", "/app/keys/key.p8", "~/.ssh/id_rsa", "__TOKEN__", "todo", "dummy",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/app/.env", "DB_PASSWORD={}\nAPI_TOKEN='{}'\n"),
        ("/root/.dbt/profiles.yml", "password: {}\n"),
        ("/root/.pypirc", "password = {}\nusername = me\n"),
        ("/app/connections.json", '{{"password": "{}"}}'),
    ],
)
def test_what_stands_for_a_secret_is_not_one(path: str, form: str, value: str) -> None:
    assert find_file_secrets(path, form.format(value, value).encode()) == ()


@pytest.mark.parametrize(
    ("path", "data"),
    [
        pytest.param("/opt/airflow/certs/database-ca.pem", CERTIFICATE * 20, id="only certificates"),
        pytest.param("/etc/tls/server.key", b"-----BEGIN PUBLIC KEY-----\n" + LINE, id="a public key"),
        pytest.param("/root/.ssh/known_hosts", b"git.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI", id="known hosts"),
        pytest.param("/root/.ssh/id_rsa.pub", b"ssh-rsa AAAAB3NzaC1yc2E me@here", id="a public key of ssh"),
        pytest.param("/root/.ssh/authorized_keys", b"ssh-rsa AAAAB3NzaC1yc2E me@here", id="authorized keys"),
        pytest.param("/app/.env.example", b"DB_PASSWORD=hunter2", id="a template"),
        pytest.param("/app/credentials.sample.json", b'{"password": "hunter2"}', id="a sample"),
        pytest.param("/app/.env", b"LEVEL=debug\nDB_HOST=db\nPASSWORD_FILE=hunter2\nMAX_TOKENS=512\n", id="settings"),
        pytest.param("/app/x.py", b'if "-----BEGIN PRIVATE KEY-----" in text:', id="code that looks for keys"),
        pytest.param("/app/x.md", b"-----BEGIN PRIVATE KEY-----\nMIIE...\n-----END PRIVATE", id="documentation"),
        pytest.param("/app/get_password.py", b"password = 'hunter2'", id="a program whose name says so"),
        pytest.param("/model/tokenizer.json", b'{"token": "0a1b2c3d"}', id="a model's tokenizer"),
        pytest.param("/model/special_tokens_map.json", b'{"pad_token": "0a1b2c"}', id="a model's tokens"),
        pytest.param("/app/config.json", b'{"password": "abc", "auth": "none"}', id="settings that are called alike"),
        pytest.param("/etc/passwd", b"root:x:0:0:root:/root:/bin/bash", id="passwd"),
        pytest.param("/etc/shadow", b"root:*:19000:0:99999:7:::\nme:!:19000::::::", id="accounts without a password"),
        pytest.param("/opt/airflow/airflow.cfg", b"[core]\nfernet_key =\nsecret_key = temporary_key\nsql_alchemy_conn ="
                     b" postgresql+psycopg2://airflow:airflow@postgres/airflow\n", id="Airflow's public defaults"),
        pytest.param("/etc/pip.conf", b"index-url = https://pypi.example:8443/simple", id="an index with a port"),
        pytest.param("/etc/pip.conf", b"index-url = https://${USER}:${TOKEN}@pypi.example/simple", id="variables"),
        pytest.param("/app/.git/config", b"url = https://my-organisation@dev.azure.example/x", id="a user's name"),
        pytest.param("/app/.git/config", b"url = git@git.example:me/x.git", id="ssh"),
        pytest.param("/root/.npmrc", b"//npm.example/:_authToken=${NPM_TOKEN}", id="a variable of npm"),
        pytest.param("/usr/share/doc/x/credentials", b"password = hunter2", id="documentation of a package"),
        pytest.param("/app/.env", AWS[:-7] + b"EXAMPLE", id="the example of AWS's documentation"),
        pytest.param("/app/compose.yaml", b"command: redis ${REDIS_PASSWORD:-redis123}", id="a default"),
        pytest.param("/app/truststore.jks", b"\xfe\xed\xfe\xed\0\0\0\2\0\0\0\1\0\0\0\2", id="a store of certificates"),
        pytest.param("/etc/ssl/private/ssl-cert-snakeoil.key", PEM, id="what Debian makes for tests"),
        pytest.param("/usr/lib/libtls.so", b"\x7fELF" + PEM, id="the self-test of a library"),
    ],
)  # fmt: skip
def test_what_anybody_may_have_is_not_a_secret(path: str, data: bytes) -> None:
    assert find_file_secrets(path, data) == ()


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (AWS, "an AWS access key"),
        (b"ghp_" + b"a1B2" * 9, "a GitHub token"),
        (b"sk_live_" + b"0a1B" * 6, "a Stripe key"),
        (b"https://hooks.slack.com/services/T01234567/B01234567/" + b"0a1B" * 6, "the address of a Slack webhook"),
        (b"AccountName=x;AccountKey=" + b"0a1B" * 21 + b"0a==", "the key of an Azure storage account"),
        (b"dckr_pat_" + b"0a1B" * 7, "a Docker Hub token"),
        (b"sk-ant-" + b"0a1B" * 12, "a key of a model's API"),
    ],
)
def test_a_token_is_known_by_its_prefix_under_every_name(data: bytes, what: str) -> None:
    assert find_file_secrets("/opt/airflow/dags/shop.py", b"X = '" + data + b"'\n") == (what,)
    assert find_file_secrets("/app/.env.example", b"X=" + data) == (what,)


@pytest.mark.parametrize(
    "data",
    [
        (b"-----BEGIN " + b"A: b\n" * 10 + b"PRIVATE KEY") * 20_000,
        b"service_account private_key " + b'"type" : ' * 60_000,
        b"-----BEGIN PRIVATE KEY-----" + b'"type": "service_account"' * 40_000,
        b'{"type": "authorized_user"' + b'"refresh_token" ' * 60_000,
        b'a="' + b"password='" * 100_000,
        b'password="' + b"\\" * 1_000_000,
        b"A" * 1_000_000,
        b"https://" * 100_000,
        b"PuTTY-User-Key-File-2: x\n" * 20_000,
        b"password" * 100_000 + b"=",
        b'"' * 500_000,
        b": " * 400_000,
    ],
)
def test_no_text_takes_the_square_of_its_length(data: bytes) -> None:
    """Such a search of a megabyte would not end within the limit of a test."""
    assert find_file_secrets("/app/connections.json", data) == ()
