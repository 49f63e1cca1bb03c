"""What every part of a run is given: the session, both sides, the results so far, and how to repeat."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from baseline import Baseline, make_baselines
from bases import BASE, BUILDER, hash_base, make_baseline_base
from measurement import order_rounds
from our_build import LOCK
from session import write_baseline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from our_build import Bump, OurBuild
    from results import Results
    from session import Session

OURS = "ours"


class PartSkippedError(Exception):
    """This part cannot be measured, and why."""


@dataclass
class Bench:
    """One run over one image. ``fingerprint`` is over the tree, the lock and the baselines; ``baselines`` over the
    latter two: what no change of ours can move is not measured again."""

    session: Session
    results: Results
    ours: OurBuild
    rounds: int
    fingerprint: str
    baselines: str
    bumps: Mapping[str, Bump]
    given: Path
    """Holds the bases, which are given to every build."""
    spent: dict[str, float] = field(default_factory=dict)
    """Seconds of this process by part; measurements that were on disk took none."""

    def say(self, text: str) -> None:
        sys.stderr.write(f"bench: {text}\n")
        sys.stderr.flush()

    def record(self, part: str, subject: str, number: int, measure: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """The figures of one round, measured unless they are on disk already."""
        key = f"{part}/{subject}/{number}"
        known = self.results.find(key, self.fingerprint)
        started = time.monotonic()
        figures = self.results.record(key, self.fingerprint, measure)
        self.spent[part] = self.spent.get(part, 0.0) + time.monotonic() - started
        shown = " ".join(f"{name}={value}" for name, value in figures.items() if isinstance(value, (int, float, str)))
        self.say(f"{key}{' (kept)' if known is not None else ''}: {shown}")
        return figures

    def repeat(
        self,
        part: str,
        subjects: Sequence[str],
        budget: float,
        measure: Callable[[str], Mapping[str, Any]],
        rounds: int = 0,
    ) -> None:
        """Interleaved rounds. None begins that the part's budget of seconds has no room for: the table says how many
        there were.
        """
        begun, rounds = 0, rounds or self.rounds
        for number, subject in order_rounds(subjects, rounds):
            if number > begun and self.spent.get(part, 0.0) > budget * number / (number + 1):
                self.say(f"{part}: {number} of {rounds} rounds; its budget of {budget:.0f} s allows no more")
                return
            begun = number
            self.record(part, subject, number, lambda chosen=subject: measure(chosen))  # type: ignore[misc]  # mypy: lambda with default

    @property
    def first_bump(self) -> str:
        """The one whose build is timed; empty where there is none."""
        return next(iter(self.bumps), "")

    def bump(self, name: str) -> Path:
        """The image's folder with that bump, locked once in a run."""
        folder = self.session.folder / "projects" / name
        return folder if (folder / LOCK).exists() else self.ours.bump(self.bumps[name])

    @property
    def bases(self) -> Path:
        """The baselines' root file systems, made when first asked for, and kept for the next run."""
        folder = self.given / f"baseline-{hash_base(self.ours.lock)}"
        folder.mkdir(parents=True, exist_ok=True)
        for name in (BASE, BUILDER):
            if not (folder / name).exists():
                self.say(f"making the baselines' {name}")
                make_baseline_base(self.ours.lock, folder, builder=name == BUILDER)
        return folder

    @property
    def our_base(self) -> Path:
        """What our base.sh makes, likewise."""
        folder = self.given / f"ours-{self.ours.hash_base()[:12]}"
        if not folder.exists():
            self.say("making our base")
            part = folder.with_name(f".{os.getpid()}-{folder.name}")
            self.ours.make_base(part)
            part.rename(folder)
        return folder

    def choose_baseline(self, letter: str) -> Baseline:
        """The best attempt of that letter (:mod:`part_attempts` measures them), or the first one before that."""
        best = self.results.facts.get("best", {}).get(letter, f"{letter}1")
        return next(one for one in make_baselines() if one.name == best)

    def write_baseline(self, baseline: Baseline) -> Path:
        folder = self.session.folder / "baselines" / baseline.name
        return write_baseline(baseline, self.ours.lock.python, self.bases, folder)

    def build_cold(self, subject: str) -> None:
        """A build as it is after :meth:`make_cold`."""
        if subject == OURS:
            self.ours.tag(self.ours.build(self.ours.source), OURS)
        else:
            self.session.build_baseline(self.session.folder / "baselines" / subject, subject)

    def make_cold(self, subject: str) -> None:
        """Empty engine, empty caches; the base is given."""
        self.session.engine.empty()
        self._prepare(subject)

    def _prepare(self, subject: str) -> None:
        if subject == OURS:
            self.ours.forget(self.our_base)
        else:
            self.write_baseline(next(one for one in make_baselines() if one.name == subject))

    def ensure(self, subject: str) -> str:
        """The reference of an image that the engine has, built if it has it not."""
        if self.session.engine.find_image(subject) is None:
            self._prepare(subject)
            self.build_cold(subject)
        return subject
