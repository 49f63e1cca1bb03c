"""Limits: what passes, what fails, and what a failure says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layer_factories import SITE, distribution, file, gone, inspected, layer, secret

from builder.inspect.budget import BudgetLimits, check_dive_limits, check_limits, find_unknown_packages
from builder.inspect.dive_config import parse_dive_file

if TYPE_CHECKING:
    from builder.inspect.model import Inspection

MB = 1_000_000


def image(*, kept: int, lost: int) -> Inspection:
    """``lost`` bytes are deleted by the second layer."""
    return inspected(layer(file("/kept", kept), file("/lost", lost)), layer(gone("/lost")))


def test_an_image_within_its_limits_passes() -> None:
    limits = BudgetLimits(image_bytes=100 * MB, waste_bytes=10 * MB, waste_percent=10)
    assert [one.passed for one in check_limits(image(kept=90 * MB, lost=10 * MB), limits)] == [True, True, True]


def test_each_failure_states_actual_and_limit() -> None:
    limits = BudgetLimits(image_bytes=99 * MB, waste_bytes=9 * MB, waste_percent=5)
    size, waste, share = check_limits(image(kept=90 * MB, lost=10 * MB), limits)
    assert (size.name, size.passed, size.actual, size.limit) == ("budget.image-bytes", False, 100 * MB, 99 * MB)
    assert size.unit == "bytes"
    assert "100,000,000 bytes (100.0 MB) unpacked, at most 99,000,000 bytes" in size.text
    assert "1,000,000 bytes (1.0 MB) too much" in size.text
    assert (waste.name, waste.passed) == ("budget.waste-bytes", False)
    assert (share.name, share.passed, share.actual, share.limit) == ("budget.waste-percent", False, 10.0, 5)
    assert share.unit == "percent"
    assert "10.00 % of the image is waste (10,000,000 bytes (10.0 MB)), at most 5 % allowed" in share.text


def test_a_share_that_a_person_wrote_down_counts_in_a_small_image_too() -> None:
    at, above = (check_limits(image(kept=95, lost=5 + more), BudgetLimits(waste_percent=5))[0] for more in (0, 1))
    assert (at.passed, above.passed) == (True, False)


def test_an_empty_image_has_no_share() -> None:
    assert check_limits(inspected(), BudgetLimits(waste_percent=0))[0].passed


def test_a_limit_for_a_package_counts_all_its_installs_under_any_spelling() -> None:
    other = "/srv/lib/python3.11/site-packages"
    parts = [
        distribution("Flask_App", file(f"{SITE}/a.py", 600)),
        distribution("flask-app", file(f"{other}/a.py", 600), site=other),
    ]
    found = inspected(layer(*parts))
    bytes_ = sum(one.bytes for one in found.packages)
    within, over = (check_limits(found, BudgetLimits(package_bytes={"Flask.App": bytes_ - n}))[0] for n in (0, 1))
    assert within.passed
    assert (over.name, over.passed, over.actual) == ("budget.package-bytes.Flask.App", False, bytes_)


def test_a_limit_for_a_package_that_is_not_there_is_told_but_fails_nothing() -> None:
    found = inspected(layer(distribution("pandas")))
    limits = BudgetLimits(package_bytes={"pandass": 1})
    assert check_limits(found, limits) == ()
    assert list(find_unknown_packages(found, limits)) == [
        "budget.package-bytes.pandass: the image has no package of that name; did you mean pandas?"
    ]


DIVE = """\
rules:
  lowestEfficiency: 0.95
  highestWastedBytes: 20MB
  highestUserWastedPercent: 0.20
"""


def test_dives_rules_speak_of_hidden_files_above_the_base() -> None:
    stack = [
        layer(file("/base", 100 * MB)),
        layer(file("/lost", 30 * MB), file("/kept.js.map", 70 * MB)),
        layer(gone("/lost")),
    ]
    found = inspected(*stack, base=1)
    efficiency, wasted, user = check_dive_limits(found, parse_dive_file(DIVE, "ci"))
    assert (efficiency.passed, efficiency.actual) == (False, 1 - 30 / 200)
    assert "0.8500, at least 0.95 is required (30,000,000 bytes (30.0 MB) hidden between layers)" in efficiency.text
    assert (wasted.passed, wasted.actual, wasted.limit) == (False, 30 * MB, 20 * MB)
    assert (user.passed, user.actual, user.limit) == (False, 30.0, 20.0)
    assert [one.name for one in (efficiency, wasted, user)] == [
        "ci lowestEfficiency",
        "ci highestWastedBytes",
        "ci highestUserWastedPercent",
    ]


def test_a_secret_of_the_base_is_no_share_of_the_layers_above_it() -> None:
    stack = [layer(secret("/key", 30 * MB)), layer(gone("/key"), file("/own", 10 * MB))]
    efficiency, wasted, user = check_dive_limits(inspected(*stack, base=1), parse_dive_file(DIVE, "ci"))
    assert (efficiency.passed, wasted.passed, user.passed, user.actual) == (False, False, True, 0.0)


def test_dives_shares_count_in_a_small_image_too() -> None:
    found = image(kept=1, lost=9)
    text = "rules:\n  lowestEfficiency: 0.95\n  highestWastedBytes: 1MB\n"
    assert [one.passed for one in check_dive_limits(found, parse_dive_file(text, "ci"))] == [False, True, False]


def test_disabled_rules_are_not_judged() -> None:
    text = "".join(
        f"  {rule}: disabled\n" for rule in ("lowestEfficiency", "highestWastedBytes", "highestUserWastedPercent")
    )
    assert check_dive_limits(image(kept=1, lost=9 * MB), parse_dive_file(f"rules:\n{text}", "ci")) == ()
