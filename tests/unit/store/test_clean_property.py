"""Whatever happens on an engine, also between preview and deletion: nothing goes that anybody needs.

The world makes images that share layers, moves names, starts and stops containers, writes compose files, promotes,
loses its state. The model below knows the rules in the simplest words there are, and looks at each removal at the
moment at which it happens.
"""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from fake_image_store import Shelf, image, user
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from builder.compose.model import ImageReferences
from builder.core.naming import LABEL_PROJECT
from builder.store.clean import CleanOptions, execute_clean_plan, make_clean_plan
from builder.store.model import LABEL_PROTECT, RetentionRules, StateSnapshot, SupersededImage

if TYPE_CHECKING:
    from builder.store.model import InventorySnapshot, StoredImage

NAMES = ("app:1", "app:2", "db:13", "shop-web:latest", "ml:latest", "ml:0123456789ab")
LAYERS = st.lists(st.sampled_from(("a", "bb", "ccc")), max_size=3).map(tuple)
LABELS = st.sampled_from(
    ({}, {}, {LABEL_PROJECT: "ml"}, {LABEL_PROJECT: "ml"}, {LABEL_PROTECT: "yes"}, {LABEL_PROTECT: "no"})
)
STATES = st.sampled_from(("running", "exited", "created", "paused"))
PATTERNS = ("app:*", "db", "shop-*:latest")
IMAGE = st.tuples(LAYERS, LABELS, st.sets(st.sampled_from(NAMES), max_size=3), st.booleans())
IMAGES = st.lists(IMAGE, min_size=2, max_size=6)
NOW = 10_000.0


class Model:
    """Why an image must stay, in the words of design.md."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    def needed(self, one: StoredImage, names: tuple[str, ...] = ()) -> str:
        """``names``: those that the image had in the preview, but for what somebody gave to another image since."""
        shelf, memory = self.shelf, self.shelf.remembered
        own = {*one.names, *names}
        kept = [image for image in memory.superseded.get("ml", ()) if image in shelf.images][-2:]
        reasons = {
            "used": any(user.image_id == one.id for user in shelf.users),
            "named": any(own & mention.names for mention in shelf.mentions),
            "perhaps named": any(fnmatchcase(n, p) for m in shelf.mentions for p in m.patterns for n in own),
            "protected": any(
                fnmatchcase(name, pattern) or fnmatchcase(name.partition(":")[0], pattern)
                for pattern in shelf.rules.patterns
                for name in own
            ),
            "labelled": one.layers.labels.get(LABEL_PROTECT) == "yes",
            "promoted": one.id in memory.promoted,
            "kept": one.id in kept or one.id in memory.kept,
            "not known": one.layers.labels.get(LABEL_PROJECT) == "ml" and "ml" not in memory.superseded,
            "doubted": bool(memory.doubts),
        }
        return next((word for word, true in reasons.items() if true), "")

    def may_go(self, one: StoredImage, options: CleanOptions) -> bool:
        if self.needed(one):
            return False
        superseded = one.layers.labels.get(LABEL_PROJECT) == "ml" and one.id in self.shelf.remembered.superseded["ml"]
        replaced = self.shelf.remembered.replaced.get(one.id)
        was_replaced = replaced is not None and set(one.names) <= replaced.names
        return superseded or was_replaced or not one.names or options.unused

    def expected(self, options: CleanOptions) -> set[str]:
        """Of a clean that nobody disturbs: what may go and carries nothing that stays."""
        going = {one.id for one in self.shelf.images.values() if self.may_go(one, options)}
        while True:
            carrying = {one.id for one in self.shelf.images.values() if one.id in going and self._carries(one, going)}
            if not carrying:
                return going
            going -= carrying

    def _carries(self, one: StoredImage, going: set[str]) -> bool:
        return any(
            other.id not in going and (other.parent == one.id or self._stands_on(other, one))
            for other in self.shelf.images.values()
        )

    @staticmethod
    def _stands_on(upper: StoredImage, lower: StoredImage) -> bool:
        size = len(lower.chains)
        return 0 < size < len(upper.chains) and upper.chains[:size] == lower.chains


class Engine(RuleBasedStateMachine):
    """One engine, its files and its state."""

    @initialize(images=IMAGES)
    def begin(self, images: list[tuple[Any, ...]]) -> None:
        self.shelf = Shelf(remembered=StateSnapshot(superseded={"ml": ()}))
        self.model = Model(self.shelf)
        self.count = 0
        self.build_several(images)

    @rule(images=IMAGES)
    def build_several(self, images: list[tuple[Any, ...]]) -> None:
        for layers, labels, names, above in images:
            self._build(layers, labels, names, above=above)

    def _build(self, layers: tuple[str, ...], labels: dict[str, str], names: set[str], *, above: bool) -> None:
        """Names move to the new image, as they do. Sometimes the classic builder makes it from another one."""
        self.count += 1
        below = next(reversed(self.shelf.images.values()), None) if above else None
        lower = tuple(layer.diff.removeprefix("sha256:") for layer in below.layers.layers) if below else ()
        made = image(
            f"i{self.count}", (*lower, *layers), *sorted(names), labels=labels, parent=below.id if below else ""
        )
        self.shelf.add(made)

    @rule(name=st.sampled_from(NAMES), which=st.integers(0, 20))
    def tag(self, name: str, which: int) -> None:
        if one := self._pick(which):
            self.shelf.tag(one.id, name)

    @rule(which=st.integers(0, 20), state=STATES)
    def start(self, which: int, state: str) -> None:
        if one := self._pick(which):
            self.count += 1
            self.shelf.users.append(user(one.id, f"box{self.count}", state))

    @rule()
    def remove_a_container(self) -> None:
        if self.shelf.users:
            self.shelf.users.pop(0)

    @rule(names=st.sets(st.sampled_from(NAMES), max_size=2), pattern=st.sampled_from((None, "app:*", "nothing:*")))
    def write_a_file(self, names: set[str], pattern: str | None) -> None:
        patterns = frozenset() if pattern is None else frozenset({pattern})
        self.shelf.mentions = [ImageReferences("shop", frozenset(names), patterns, files=("compose.yaml",))]

    @rule(patterns=st.sets(st.sampled_from(PATTERNS), max_size=2))
    def protect(self, patterns: set[str]) -> None:
        self.shelf.rules = RetentionRules(dict.fromkeys(sorted(patterns), "optbuild.toml"))

    @rule(several=st.lists(st.integers(0, 20), min_size=1, max_size=5))
    def promote_several(self, several: list[int]) -> None:
        for which in several:
            self.promote(which)

    def promote(self, which: int) -> None:
        one, memory = self._pick(which), self.shelf.remembered
        if one is None or one.layers.labels.get(LABEL_PROJECT) != "ml" or "ml" not in memory.superseded:
            return
        old = [image for image in memory.promoted if image != one.id]
        former = tuple(image for image in (*memory.superseded["ml"], *old) if image != one.id)
        self.shelf.remembered = replace(memory, promoted={one.id: "ml:latest"}, superseded={"ml": former})
        self.shelf.tag(one.id, "ml:latest")

    @rule(which=st.integers(0, 20))
    def optimize(self, which: int) -> None:
        if one := self._pick(which):
            former = SupersededImage(one.id, "an optimize replaced it", frozenset(one.names))
            memory = self.shelf.remembered
            self.shelf.remembered = replace(memory, replaced={**memory.replaced, one.id: former})

    @rule(which=st.integers(0, 20))
    def rebuild(self, which: int) -> None:
        """What it replaces is needed to undo it, and what an earlier one kept is not."""
        self.optimize(which)
        if one := self._pick(which):
            self.shelf.remembered = replace(self.shelf.remembered, kept={one.id: "a rollback needs it"})

    @rule(broken=st.booleans())
    def lose_the_state(self, broken: bool) -> None:
        self.shelf.remembered = StateSnapshot(doubts=("a journal is broken",) if broken else ())

    @rule()
    def mend_the_state(self) -> None:
        self.shelf.remembered = StateSnapshot(superseded={"ml": ()})

    @rule(unused=st.booleans())
    def clean(self, unused: bool) -> None:
        options = CleanOptions(unused=unused)
        expected = self.model.expected(options)
        assert {one.row.image.id for one in make_clean_plan(self.shelf.snapshot(), options, now=NOW).going} == expected
        before = dict(self.shelf.images)
        self._watched(options)
        assert before.keys() - self.shelf.images.keys() == expected
        assert self.shelf.images == {key: one for key, one in before.items() if key not in expected}

    @rule(unused=st.booleans(), events=st.lists(st.integers(0, 9), max_size=6), which=st.integers(0, 20))
    def clean_while_others_work(self, unused: bool, events: list[int], which: int) -> None:
        """An event happens before each reading; a container may start even between reading and removing."""
        self._watched(CleanOptions(unused=unused), list(events), which)

    def _watched(self, options: CleanOptions, events: list[int] | None = None, which: int = 0) -> None:
        planned = make_clean_plan(self.shelf.snapshot(), options, now=NOW)
        had = {one.id: one.names for one in self.shelf.images.values()}
        owners = {name: one.id for one in self.shelf.images.values() for name in one.names}
        waiting = events or []

        def read() -> InventorySnapshot:
            if waiting:
                self._event(waiting.pop(0), which)
            return self.shelf.snapshot()

        def before_step(words: str) -> None:
            if waiting and waiting[0] > 7:
                waiting.pop(0)
                self.start(which, "created")
            verb, _, target = words.partition(" ")
            at = self.shelf.images.get(target)
            if verb == "remove" and at is not None and not any(user.image_id == at.id for user in self.shelf.users):
                still = tuple(name for name in had.get(at.id, ()) if self.shelf.find_image_id(name) in {None, at.id})
                assert not self.model.needed(at, still), f"{at.names} is {self.model.needed(at, still)}"

        self.shelf.before_step = before_step
        done = execute_clean_plan(planned, self.shelf, read)
        self.shelf.before_step = lambda _words: None
        assert {row.image.id for row in done.removed}.isdisjoint(self.shelf.images)
        for name, owner in owners.items():  # a name is lost only with its image, or to another one
            assert owner not in self.shelf.images or self.shelf.find_image_id(name) is not None, name

    def _event(self, number: int, which: int) -> None:
        name = NAMES[which % len(NAMES)]
        match number:
            case 0 | 1:
                self.start(which, "running")
            case 2:
                self.write_a_file({name}, None)
            case 3:
                self.protect({"app:*"})
            case 4:
                self.tag(name, which)
            case 5:
                self.promote(which)
            case 6:
                self._build(("a",), {}, {name}, above=True)
            case 7:
                self.lose_the_state(broken=False)
            case _:
                pass

    @invariant()
    def nobody_lacks_an_image(self) -> None:
        assert all(user.image_id in self.shelf.images for user in self.shelf.users)

    def _pick(self, which: int) -> StoredImage | None:
        every: list[Any] = list(self.shelf.images.values())
        return every[which % len(every)] if every else None


TestEngine = Engine.TestCase
TestEngine.settings = settings(
    stateful_step_count=25,
    deadline=None,
)
