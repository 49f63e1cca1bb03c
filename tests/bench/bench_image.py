"""The image against what a strong specialist builds by hand, from the same lock: bytes, CPU and wall time, transfers.

``python tests/bench/bench_image.py`` measures images/airflow, ``--locks`` three other locks. Rounds are interleaved,
every cold build begins with an empty engine, the base is given to both sides. Results are written after each
measurement (``.bench/NAME.json``), and a run that was stopped goes on from there. The table goes to stdout. Needs root,
the machine's engine (for a network), its Debian source and its package index; nothing else.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import part_again
import part_attempts
import part_base
import part_cold
import part_second
import part_services
import part_slim
import part_start
import part_transfer
import part_zstd
from bench import Bench, PartSkippedError
from our_build import LOCK, OurBuild
from results import hash_files, load_results
from session import open_session
from table import format_attempts, format_markdown, format_table
from targets import make_lines, make_lock_targets, make_main_targets

from images import MAIN, MAIN_BUMPS, OTHER_LOCKS, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from our_build import Bump
    from results import Results
    from targets import Target

BASELINE_SOURCES = ("baseline.py", "bases.py")
PARTS: dict[str, Callable[[Bench], None]] = {
    "base": part_base.run,
    "attempts": part_attempts.run,
    "cold": part_cold.run,
    "version": part_start.run_version,
    "healthy": part_start.run_healthy,
    "transfer": part_transfer.run,
    "second": part_second.run,
    "zstd": part_zstd.run,
    "slim": part_slim.run,
    "unchanged": part_again.run_unchanged,
    "same-id": part_again.run_same_id,
    "services": part_services.run,
}
QUICK_PARTS = ("cold", "version", "healthy")
LOCK_PARTS = ("cold", "transfer")
ROUNDS = 3
FOLDER = ROOT / ".bench"


def main(words: Sequence[str]) -> int:
    options = parse_options(words)
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))  # engines and groups are removed
    if options.table or options.markdown:
        return print_tables(options)
    parts = tuple(options.parts.split(",")) if options.parts else None
    failed = False
    for image, bumps in list_images(options):
        chosen = parts or (QUICK_PARTS if options.quick else LOCK_PARTS if options.locks else tuple(PARTS))
        results = measure(image, bumps, chosen, 1 if options.quick else options.rounds, options.folder)
        sys.stdout.write(show_image(image, results))
        failed |= any(reason.startswith("failed: ") for reason in results.facts["reasons"].values())
    return 1 if failed else 0


def parse_options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--locks", action="store_true", help="the three other locks instead of images/airflow")
    parser.add_argument("--quick", action="store_true", help=f"one round of {', '.join(QUICK_PARTS)}: does it run?")
    parser.add_argument("--parts", metavar="PART,...", help=f"only these of {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
    parser.add_argument("--folder", type=Path, default=FOLDER, metavar="FOLDER", help="of the results")
    parser.add_argument("--table", action="store_true", help="print the table of the results that are there")
    parser.add_argument("--markdown", action="store_true", help="the same for README.md")
    options = parser.parse_args(words)
    if unknown := set((options.parts or "").split(",")) - {*PARTS, ""}:
        parser.error(f"--parts: there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return options


def list_images(options: argparse.Namespace) -> tuple[tuple[Path, tuple[Bump, ...]], ...]:
    if options.locks:
        return tuple((image, (bump,)) for image, bump in OTHER_LOCKS.items())
    return ((MAIN, MAIN_BUMPS),)


def list_targets(image: Path) -> tuple[Target, ...]:
    return make_main_targets() if image == MAIN else make_lock_targets()


def print_tables(options: argparse.Namespace) -> int:
    for image, _ in list_images(options):
        path = options.folder / f"{image.name}.json"
        if not path.exists():
            sys.stderr.write(f"bench: there is no {path}: `make bench` writes it\n")
            return 2
        results = load_results(path)
        if options.markdown:
            sys.stdout.write(format_markdown(make_lines(results, list_targets(image))))
        else:
            sys.stdout.write(show_image(image, results))
    return 0


def show_image(image: Path, results: Results) -> str:
    """The table, and below it the attempts at each baseline."""
    return f"{image.name}\n{format_table(make_lines(results, list_targets(image)))}{format_attempts(results)}"


def measure(image: Path, bumps: tuple[Bump, ...], parts: Sequence[str], rounds: int, folder: Path) -> Results:
    """Run the parts in an engine of their own; the results, which are on disk too."""
    results = load_results(folder / f"{image.name}.json")
    own = Path(__file__).parent
    baselines = hash_files([image / LOCK, *(own / name for name in BASELINE_SOURCES)])
    fingerprint = hash_files([ROOT / "builder", ROOT / "templates", image], baselines)
    results.keep({baselines, fingerprint})
    if results.facts.get("baselines") != baselines:
        results.facts.pop("best", None)  # names of attempts that are no more
    results.facts |= {"baselines": baselines, **describe_machine()}
    with tempfile.TemporaryDirectory(prefix="optbuild-bench-") as name, open_session(Path(name)) as session:
        ours = OurBuild(image, session, Path(name, "home"))
        ours.home.mkdir()
        named = {bump.name: bump for bump in bumps}
        bench = Bench(session, results, ours, rounds, fingerprint, baselines, named, folder / "given")
        for part in parts:
            run_part(bench, part)
    return results


def run_part(bench: Bench, part: str) -> None:
    """What cannot be measured, or fails, leaves its reason in the table; the other parts are measured all the same."""
    reasons: dict[str, str] = bench.results.facts.setdefault("reasons", {})
    reasons.pop(part, None)
    started = time.monotonic()
    try:
        PARTS[part](bench)
    except PartSkippedError as error:
        reasons[part] = str(error)
    except (RuntimeError, OSError) as error:
        bench.say(f"part {part} failed: {error}")
        reasons[part] = f"failed: {str(error).splitlines()[0]}"
    minutes = round((time.monotonic() - started) / 60, 1)
    bench.results.facts.setdefault("minutes", {})[part] = minutes
    bench.say(f"part {part}: {minutes} minutes")
    bench.results.save()


def describe_machine() -> dict[str, object]:
    """What a reader of the figures wants to know of where they come from."""
    asked = subprocess.run(("git", "rev-parse", "HEAD"), cwd=ROOT, capture_output=True, text=True, check=False)
    return {
        "commit": asked.stdout.strip(),
        "processors": len(os.sched_getaffinity(0)),
        "python": sys.version.split()[0],
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
