"""Which layer of one image is which layer of another: by chain, then by content, then by the instruction."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.inspect.model import LayerSummary

LayerPair = tuple["LayerSummary | None", "LayerSummary | None"]
_SAME_CONTENT = 1000
_SAME_INSTRUCTION = 500
_LIKE = 0.6
"""Share of equal words from which on two instructions with the same first word are one that was edited."""
_MOST_WORDS = 100
"""Of an instruction that are compared; a here-document may hold a whole program."""


def match_layers(before: Sequence[LayerSummary], after: Sequence[LayerSummary]) -> tuple[LayerPair, ...]:
    """Every layer of both once, in their order; None where the other image has nothing like it.

    Mirrored arguments give the mirrored answer: where two ways are as good, the sides are told apart by their chains.
    """
    common = _count_common(before, after)
    head: list[LayerPair] = list(zip(before[:common], after[:common], strict=True))
    old, new = before[common:], after[common:]
    if [layer.chain for layer in old] <= [layer.chain for layer in new]:
        return (*head, *_find_best_pairs(old, new))
    return (*head, *((left, right) for right, left in _find_best_pairs(new, old)))


def _count_common(before: Sequence[LayerSummary], after: Sequence[LayerSummary]) -> int:
    """An equal chain means that everything below is equal too."""
    pairs = zip(before, after, strict=False)
    return next((at for at, (old, new) in enumerate(pairs) if old.chain != new.chain), min(len(before), len(after)))


def _find_best_pairs(old: Sequence[LayerSummary], new: Sequence[LayerSummary]) -> list[LayerPair]:
    """The pairs in order with the greatest sum of likeness; an image has at most 127 layers."""
    words = [_count_words(layer) for layer in new]
    alike = [
        [_score_likeness(one, new[j], mine, words[j]) for j in range(len(new))]
        for one, mine in ((layer, _count_words(layer)) for layer in old)
    ]
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in reversed(range(len(old))):
        for j in reversed(range(len(new))):
            paired = alike[i][j] + best[i + 1][j + 1] if alike[i][j] else 0.0
            best[i][j] = max(paired, best[i + 1][j], best[i][j + 1])
    pairs: list[LayerPair] = []
    i = j = 0
    while i < len(old) and j < len(new):
        if alike[i][j] and best[i][j] == alike[i][j] + best[i + 1][j + 1]:
            pairs.append((old[i], new[j]))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            pairs.append((old[i], None))
            i += 1
        else:
            pairs.append((None, new[j]))
            j += 1
    return [*pairs, *((layer, None) for layer in old[i:]), *((None, layer) for layer in new[j:])]


def _score_likeness(old: LayerSummary, new: LayerSummary, words: Counter[str], other: Counter[str]) -> float:
    """0: nothing to do with each other. ``words`` of the two instructions; order is left to those who read them."""
    same_text = bool(words) and old.instruction == new.instruction
    score = _SAME_CONTENT * (old.diff == new.diff) + _SAME_INSTRUCTION * same_text
    if score or next(iter(words), None) != next(iter(other), None):
        return float(score)
    share = 2 * (words & other).total() / max(words.total() + other.total(), 1)
    return 100 * share if share >= _LIKE else 0.0


def _count_words(layer: LayerSummary) -> Counter[str]:
    """The first one counted is what the instruction does: ``RUN``, ``COPY``."""
    return Counter(layer.instruction.split(maxsplit=_MOST_WORDS)[:_MOST_WORDS])
