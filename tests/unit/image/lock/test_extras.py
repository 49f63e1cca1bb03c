"""Extras that the distribution does not have."""

from __future__ import annotations

import pytest

from builder.core.errors import UnknownExtraError, Where
from builder.image.lock.extras import check_extras
from builder.image.lock.facts import DistributionFacts

FACTS = {
    "apache-airflow": DistributionFacts("apache-airflow", (), (), ("cncf-kubernetes", "postgres")),
    "pandas": DistributionFacts("pandas", (), (), ("excel",)),
    "six": DistributionFacts("six", (), ()),
}
PLACES = {
    "apache-airflow[postgress]": Where("optbuild.toml", 4, "airflow.extras[0]"),
    "pandas[excell]==2": Where("optbuild.toml", 9, "python.requirements[1]"),
}


def test_extras_that_are_there_in_any_spelling() -> None:
    check_extras(["apache-airflow[cncf.kubernetes,Postgres]==2.8.1", "pandas[excel]", "six", "not_here[x]"], FACTS, {})


@pytest.mark.parametrize(
    ("line", "place", "hint"),
    [
        ("apache-airflow[postgress]==2.8.1", "optbuild.toml:4: airflow.extras[0]: ", "did you mean postgres?"),
        ("pandas[excell]==2", "optbuild.toml:9: python.requirements[1]: ", "did you mean excel?"),
        ("pandas[zzz]", "", "it has: excel"),
        ("six[x]", "", "it has none"),
    ],
)
def test_an_unknown_extra_is_refused_with_its_line_and_the_nearest_name(line: str, place: str, hint: str) -> None:
    with pytest.raises(UnknownExtraError, match="has no extra") as caught:
        check_extras(["pandas[excel]", line], FACTS, PLACES)
    assert str(caught.value).startswith(place)
    assert hint in str(caught.value)
