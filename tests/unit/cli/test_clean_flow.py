"""What stands between a judgement about images and their removal."""

from __future__ import annotations

import pytest

from builder.cli.clean_flow import check_same
from builder.errors import EngineFailedError


def test_another_engine_than_the_one_that_was_judged_loses_nothing() -> None:
    check_same("one", "one")
    with pytest.raises(EngineFailedError, match="nothing was removed"):
        check_same("one", "two")
