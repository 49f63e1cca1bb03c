"""Caches that a builder would pass over are refused."""

from __future__ import annotations

import pytest

from builder.core.errors import BuildRefusedError
from builder.engine.build_cache_options import check_cache_options

REGISTRY = "type=registry,ref=r.example/cache,mode=max"


@pytest.mark.parametrize("value", [REGISTRY, "r.example/cache", "type=local,dest=x", "type=gha", "type=s3,region=x"])
def test_the_classic_store_exports_nothing_but_inline(value: str) -> None:
    with pytest.raises(BuildRefusedError, match="cannot export a cache") as caught:
        check_cache_options((), (value,), builder="default", capable=False)
    assert "docker-container" in str(caught.value.hint)
    check_cache_options((), (value,), builder="other", capable=True)


@pytest.mark.parametrize("value", ["type=gha", "type=s3,region=x", "type=azblob,name=x"])
def test_what_it_cannot_read_it_would_pass_over(value: str) -> None:
    with pytest.raises(BuildRefusedError, match="reads caches of type local and registry"):
        check_cache_options((value,), (), builder="default", capable=False)
    check_cache_options((value,), (), builder="other", capable=True)


@pytest.mark.parametrize("value", [REGISTRY, "r.example/cache", "type=local,src=x"])
def test_what_it_can_read_is_let_through(value: str) -> None:
    check_cache_options((value,), ("type=inline",), builder="default", capable=False)
