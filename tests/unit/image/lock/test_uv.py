"""The environment of uv."""

from __future__ import annotations

from typing import Any

import pytest

from builder.image.lock.uv import add_index_variables, find_uv

PIP = {
    "PIP_INDEX_URL": "https://i.example/simple",
    "PIP_EXTRA_INDEX_URL": "https://a.example /srv/wheels http://b.example",
}


def test_uv_reads_the_indexes_that_are_set_for_pip(fake_runner: Any) -> None:
    found = add_index_variables(PIP)
    assert found["UV_DEFAULT_INDEX"] == "https://i.example/simple"
    assert found["UV_INDEX"] == "https://a.example http://b.example"
    assert find_uv(fake_runner(lambda _c: (0, "", "")), PIP, "py").env == found


@pytest.mark.parametrize("names", [("UV_DEFAULT_INDEX", "UV_INDEX"), ("UV_INDEX_URL", "UV_EXTRA_INDEX_URL")])
def test_its_own_variables_win(names: tuple[str, str]) -> None:
    env = {**PIP, names[0]: "https://own.example", names[1]: "https://more.example"}
    assert add_index_variables(env) == env


def test_a_folder_is_no_index_of_a_build() -> None:
    env = {"PIP_INDEX_URL": "/srv/simple", "PIP_EXTRA_INDEX_URL": "file:///srv/wheels"}
    assert add_index_variables(env) == env
