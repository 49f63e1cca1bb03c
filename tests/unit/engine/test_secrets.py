"""Secrets reach the build and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.core.errors import BuildRefusedError
from builder.core.redact import mask_values
from builder.engine.secrets import MAX_SECRET_BYTES, ValueSecret, find_ca, find_secrets

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://user:pa55word@index.example/simple"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "bundle.crt"
    path.write_text("certificate")
    return path


def test_the_first_variable_that_names_a_file_wins(bundle: Path, tmp_path: Path) -> None:
    env = {"SSL_CERT_FILE": str(tmp_path / "absent"), "REQUESTS_CA_BUNDLE": str(bundle), "CURL_CA_BUNDLE": "/x"}
    assert find_ca(env) == bundle


def test_values_are_in_the_environment_and_nowhere_in_argv(bundle: Path, tmp_path: Path) -> None:
    secrets = find_secrets({"HOME": str(tmp_path), "SSL_CERT_FILE": str(bundle), "UV_DEFAULT_INDEX": URL})
    argv = " ".join(secrets.make_argv())
    assert f"id=ca,src={bundle}" in argv
    assert "id=uv_default_index,env=OPTBUILD_SECRET_UV_DEFAULT_INDEX" in argv
    assert "pa55word" not in argv
    assert "pa55word" not in repr(secrets)
    assert secrets.make_environment() == {"OPTBUILD_SECRET_UV_DEFAULT_INDEX": URL}


def test_all_index_variables_are_collected_once(tmp_path: Path) -> None:
    env = {
        "HOME": str(tmp_path),
        "PIP_INDEX_URL": URL,
        "UV_INDEX": "own=https://a.example/simple https://b.example/simple",
        "PIP_EXTRA_INDEX_URL": "https://b.example/simple",
    }
    values = find_secrets(env).values
    assert values == (
        ValueSecret("uv_default_index", URL),
        ValueSecret("uv_index", "own=https://a.example/simple https://b.example/simple"),
    )


@pytest.mark.parametrize("index", ["file:///srv/wheels", "/srv/wheels", "own=file:///srv/wheels"])
def test_folders_of_this_machine_are_left_out(tmp_path: Path, index: str) -> None:
    assert find_secrets({"HOME": str(tmp_path), "UV_DEFAULT_INDEX": index, "UV_INDEX": index}).values == ()


def test_uv_has_the_word_before_pip(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), "PIP_INDEX_URL": "https://pip.example", "UV_INDEX_URL": "https://uv.example"}
    assert find_secrets(env).values[0].value == "https://uv.example"


def test_netrc_is_found_in_the_home_or_where_it_is_named(tmp_path: Path) -> None:
    own = tmp_path / "mine"
    own.write_text("machine x")
    assert ("netrc", own) in [(one.id, one.path) for one in find_secrets({"NETRC": str(own)}).files]
    assert "netrc" not in [one.id for one in find_secrets({"HOME": str(tmp_path)}).files]


def test_a_bundle_that_buildkit_would_refuse_is_refused_before(tmp_path: Path) -> None:
    big = tmp_path / "big.crt"
    big.write_bytes(b"x" * (MAX_SECRET_BYTES + 1))
    with pytest.raises(BuildRefusedError, match=str(MAX_SECRET_BYTES)):
        find_secrets({"HOME": str(tmp_path), "SSL_CERT_FILE": str(big)})


def test_urls_and_their_passwords_are_masked(tmp_path: Path) -> None:
    hidden = find_secrets({"HOME": str(tmp_path), "UV_DEFAULT_INDEX": URL}).list_masked_texts()
    shown = mask_values(f"Looking at {URL}/pandas with password pa55word", hidden)
    assert shown == "Looking at ***/pandas with password ***"


def test_a_short_password_does_not_turn_words_into_stars(tmp_path: Path) -> None:
    hidden = find_secrets({"HOME": str(tmp_path), "UV_DEFAULT_INDEX": "https://u:a@x.example"}).list_masked_texts()
    assert mask_values("a banana", hidden) == "a banana"


def test_only_what_carries_a_password_is_forbidden_in_layers(tmp_path: Path) -> None:
    """The address of an index without credentials may stand in any package's documentation."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine index.example login me password hunter22\n")
    secrets = find_secrets({"HOME": str(tmp_path), "UV_DEFAULT_INDEX": URL, "UV_INDEX": "https://open.example/simple"})
    assert "hunter22" in secrets.list_credentials()
    assert URL in secrets.list_credentials()
    assert not [text for text in secrets.list_credentials() if "open.example" in text]


def test_a_broken_netrc_forbids_nothing(tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine\n")
    assert find_secrets({"HOME": str(tmp_path)}).list_credentials() == ()
