"""What a layer weighs, as far as a lock can know."""

from __future__ import annotations

import pytest

from builder.image.lock.layers.sizes import estimate_parts_bytes
from builder.image.lock.model import Distribution


def estimate(part: str, size: int | None) -> int:
    name = part.removesuffix(".libs")
    return estimate_parts_bytes([part], {name: Distribution(name, "1", "wheel", "ab" * 32, size)})


@pytest.mark.parametrize(
    ("part", "size", "registry"),
    [
        pytest.param("seaborn", 294_914, 800_000, id="seaborn 0.13.2"),
        pytest.param("pandas", 12_200_000, 12_590_000, id="pandas 2.1.4"),
        pytest.param("apache-airflow", 13_254_269, 9_175_848, id="airflow 2.8.1"),
        pytest.param("apache-airflow", 11_787_005, 9_957_618, id="airflow 2.11.2"),
    ],
)
def test_an_estimate_is_within_a_tenth_of_what_was_counted(part: str, size: int, registry: int) -> None:
    assert abs(estimate(part, size) - registry) <= 0.1 * registry


def test_python_grows_by_its_bytecode_and_libraries_do_not() -> None:
    assert estimate("my-own-thing", 50_000) > 85_000
    assert estimate("my-own-thing", 5_000_000) < 5_100_000


def test_of_a_size_that_the_index_does_not_say_the_table_knows_one() -> None:
    assert 12_000_000 < estimate("pandas", None) < 13_000_000
    assert estimate("numpy.libs", None) < 1_000
