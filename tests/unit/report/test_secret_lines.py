"""Secrets of a compose file do not reach its printed diff; everything else does."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.compose.model import FileEdit
from builder.report.diff import format_readable_diff, format_unified_diff
from builder.report.secret_lines import SecretLines

FOLDER = Path("/home/ada/shop")


def masked(text: str) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(SecretLines(lines).mask(0, 0, len(lines)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DB_PWD: hunter2\n", "DB_PWD: ***\n"),
        ("    DB_PWD: hunter2  # the old one\r\n", "    DB_PWD: ***  # the old one\r\n"),
        ('"DB_PWD": "hunter 2",\n', '"DB_PWD": "***",\n'),
        ("- DB_PWD=hunter two words\n", "- DB_PWD=***\n"),
        ('- "DB_PWD=hunter two"\n', '- "DB_PWD=***"\n'),
        (
            "PRIVATE_DATA: &shared hunter2\nB: *shared\nA_TOKEN: *shared",
            "PRIVATE_DATA: &shared ***\nB: *shared\nA_TOKEN: *shared",
        ),
        ("A_KEY: |\n  -----BEGIN\n\n  abcd\nB: abcd\n", "A_KEY: |\n  ***\n\n  ***\nB: ***\n"),
        ('A_KEY: "hun\n  ter: 2"\nB: c\n', 'A_KEY: "***"\n  ***\nB: c\n'),
        ("A_KEY:\n  hunter2\nB: c\n", "A_KEY:\n  ***\nB: c\n"),
        ("command:\n  - --password\n  - hunter2\n  - all\n", "command:\n  - --password\n  - ***\n  - all\n"),
        (
            "command: >\n  users create --password\n  hunter2 --role x --api-token abcdef\n",
            "command: >\n  users create --password\n  *** --role x --api-token ***\n",
        ),
        (
            "command: |\n  x --password \\\n    'hunter 2' \\\n    y\n",
            "command: |\n  x --password \\\n    '***' \\\n    y\n",
        ),
        ("a: >\n  run --no-auth\n  --password hunter2\n", "a: >\n  run --no-auth\n  --password ***\n"),
        ('- "DB_PWD=\n  hunter2"\n- B=c\n', '- "DB_PWD=\n  ***\n- B=c\n'),
        ("- DB_PWD=hun\n  ter 2\n- B=c\n", "- DB_PWD=***\n  ***\n- B=c\n"),
        ('command: ["--password", "hunter2", "x"]\n', 'command: ["--password", "***", "x"]\n'),
        ("command: redis-server --requirepass hunter2\n", "command: redis-server --requirepass ***\n"),
        ("CONN: postgresql://me:hunter2@db/x\n", "CONN: postgresql://me:***@db/x\n"),
        ("SLACK_WEBHOOK_URL: https://x.example/a\n", "SLACK_WEBHOOK_URL: ***\n"),
        ('environment: {DB_PWD: "hunter2", B: c}\n', 'environment: {DB_PWD: "***", B: c}\n'),
        ('{"a": {"DB_PWD":"hunter2","B":"c"}}\n', '{"a": {"DB_PWD":"***","B":"c"}}\n'),
        ("A_TOKEN: hunter2\ntest: curl -H hunter2 x\n", "A_TOKEN: ***\ntest: curl -H *** x\n"),
        (
            "# built by: docker build --build-arg A_TOKEN=hunter2 .\n",
            "# built by: docker build --build-arg A_TOKEN=*** .\n",
        ),
        ("DB_PWD: ${DB_PWD:-hunter2}\n", "DB_PWD: ${DB_PWD:-***}\n"),
        (
            "POSTGRES_USER: shop\nPOSTGRES_PASSWORD: shop\nimage: shop/web\n",
            "POSTGRES_USER: shop\nPOSTGRES_PASSWORD: ***\nimage: shop/web\n",
        ),
    ],
)
def test_secrets_of_a_compose_file(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "DB_PWD: ${DB_PWD}\n- A_TOKEN=${A_TOKEN:?is missing}\n- FERNET_KEY\nB_TOKEN:\nC: d\n",
        "secrets:\n  db_password:\n    file: ./db_password.txt\nservices:\n  a:\n    secrets:\n      - db_password\n",
        "services:\n  a:\n    build:\n      secrets: [db_password]\n    credential_spec:\n      file: x.json\n",
        "POSTGRES_DB: shop\nTOKENIZERS_PARALLELISM: 'false'\nAIRFLOW_UID: 50000\nKEYCLOAK_REALM: shop\n",
        "image: shop/api-token:1.2\nvolumes:\n  - ./secret-token:/run/token:ro\n  - ${SSH_AUTH_SOCK}:/ssh\n",
        "POSTGRES_PASSWORD_FILE: /run/secrets/x\nAIRFLOW__CORE__FERNET_KEY_CMD: cat /run/x\n",
        "command: run --password\nimage: shop\n# with --password\nvolumes:\n  - ./a:/b\n",
        "x-common: &common\n  <<: *base\n  image: a@sha256:0123\nkey: value\n",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert masked(text) == text


def test_neither_form_of_the_diff_shows_a_secret_and_both_keep_their_shape() -> None:
    before = "services:\n  a:\n    build: .\n    environment:\n      DB_PWD: hunter2\n      POSTGRES_DB: shop\n"
    after = before.replace("    build: .\n", "    image: shop:1  # as hunter2\n")
    edit = FileEdit(FOLDER / "compose.yaml", before.encode(), after.encode())
    for shown in (format_unified_diff([edit], FOLDER), format_readable_diff([edit], FOLDER)):
        assert "hunter2" not in shown
        assert "-    build: .\n+    image: shop:1  # as ***\n" in shown
        assert "       DB_PWD: ***\n       POSTGRES_DB: shop\n" in shown
    assert b"hunter2" in edit.after


def test_a_value_that_both_versions_have_differently_goes_twice() -> None:
    edit = FileEdit(FOLDER / "compose.yaml", b"A_TOKEN: hunter2\n", b"A_TOKEN: hunter3\n")
    assert format_unified_diff([edit], FOLDER).splitlines()[3:] == ["-A_TOKEN: ***", "+A_TOKEN: ***"]


@given(st.lists(st.sampled_from(["A_KEY: |", "  x", "- --password", "- y", "B: 'q", 'A_PWD: "', "", "  - z", "#"])))
def test_each_line_stays_at_its_place(lines: list[str]) -> None:
    assert len(SecretLines(lines).mask(0, 0, len(lines))) == len(lines)
