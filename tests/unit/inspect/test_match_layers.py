"""Which layer of one image is which of the other."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from builder.inspect.match_layers import match_layers
from builder.inspect.model import LayerSummary

if TYPE_CHECKING:
    from collections.abc import Sequence


def layer(name: str, instruction: str, diff_id: str = "") -> LayerSummary:
    return LayerSummary(diff_id or f"diff-{name}", f"chain-{name}", instruction, 1, 1, 1, 0, from_base=False)


def names(before: Sequence[LayerSummary], after: Sequence[LayerSummary]) -> list[tuple[str, str]]:
    return [
        (one.chain.removeprefix("chain-") if one else "", other.chain.removeprefix("chain-") if other else "")
        for one, other in match_layers(before, after)
    ]


def test_layers_are_matched_by_chain_content_instruction_and_likeness() -> None:
    before = [
        layer("base", "ADD base.tar /"),
        layer("a", "RUN apt-get install -y curl"),
        layer("b", "COPY dags /dags", "same"),
        layer("c", "RUN pip install pandas==2.0.3"),
        layer("d", "RUN rm -rf /tmp"),
    ]
    after = [
        layer("base", "ADD base.tar /"),
        layer("x", "RUN apt-get install -y curl"),
        layer("new", "COPY --chown=50000:0 scripts /entrypoint"),
        layer("y", "COPY --link dags /dags", "same"),
        layer("z", "RUN pip install pandas==2.1.4"),
    ]
    assert names(before, after) == [("base", "base"), ("a", "x"), ("", "new"), ("b", "y"), ("c", "z"), ("d", "")]


def test_layers_that_nobody_can_name_are_not_guessed() -> None:
    assert sorted(names([layer("a", "")], [layer("b", "")])) == [("", "b"), ("a", "")]


def test_images_with_as_many_and_as_long_layers_as_can_be_are_matched_at_once() -> None:
    """127 layers is the most that an engine takes."""
    text = " ".join(f"word{number}" for number in range(2000))
    before = [layer(f"a{number}", f"RUN {text} {number}") for number in range(127)]
    after = [layer(f"b{number}", f"RUN {number} {text}") for number in range(127)]
    start = time.process_time()
    pairs = names(before, after)
    assert time.process_time() - start < 5
    assert len(pairs) == 127
