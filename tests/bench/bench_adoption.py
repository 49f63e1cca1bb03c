"""``make bench-adoption``: every project of the corpus from init to a proven image: carried over, reported, proven.

Proven: every check of `optbuild build --verify` passes, and the image has the pins, variables, Debian packages and
files of the original. Each project is one JSON file in .bench/adoption; a run that is stopped goes on with the project
that it was at, and a project is done again when the tree has changed. Nothing is edited by hand: only the base is named
by where its stand-in is served, and database and broker are those that this machine can start.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adoption import Sample, compare_report, compare_spec, list_samples
from adoption_image import compare_image
from base_cells import MAIN, remove_images, write_constraints
from packaging.utils import canonicalize_name
from results import hash_files
from stand_in_registry import serve_stand_ins
from stand_ins import AIRFLOW_210, AIRFLOW_211, AIRFLOW_281, AIRFLOW_306, AIRFLOW_332, COMPANY, PYTHON_311

from builder.core.naming import SPEC_FILE
from builder.image.spec.reader import read_spec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stand_in_registry import StandInRegistry

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".bench/adoption"
CONSTRAINTS = Path(os.environ.get("OPTBUILD_CONSTRAINTS") or ROOT.parent / "shared" / "constraints")
"""Airflow's official files, as ``airflow-VERSION-pyPYTHON.txt``."""
STEP_SECONDS = 2700.0
"""Of one command; where much else runs, the first proof, which also makes the servers, takes a quarter of an hour."""
AIRFLOWS = (AIRFLOW_281, AIRFLOW_210, AIRFLOW_211, AIRFLOW_306, AIRFLOW_332)
STAND_INS = {
    **{f"apache/airflow:{one.tag}": one for one in AIRFLOWS},
    "apache/airflow:slim-2.11.0-python3.11": AIRFLOW_211,
    "python:3.11-slim-bookworm": PYTHON_311,
    "registry.example.com/data/python-base:2026.11": COMPANY,
}
"""Base of a project → what stands in for it; for another one a base is made here."""
GOOD = "as expected"
HEAD = ("project", "base", "carried", "open", "spec", "lock s", "build s", "verify s", "checks", "end")


def main(words: Sequence[str]) -> int:
    options = parse_options(words)
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    options.folder.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + options.minutes * 60
    if not options.table:
        with (
            tempfile.TemporaryDirectory(prefix="optbuild-adoption-") as scratch,
            serve_stand_ins(Path(scratch)) as registry,
        ):
            for sample in options.samples or list_samples():
                if read_record(sample, options) is None and time.monotonic() < end:
                    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {sample.name}\n")
                    write_record(sample, options, run_sample(sample, registry, until=options.until))
    records = {sample.name: read_record(sample, options) for sample in list_samples()}
    sys.stdout.write(format_table(records))
    return 0 if all(record is not None and record["end"] == GOOD for record in records.values()) else 1


def parse_options(words: Sequence[str]) -> argparse.Namespace:
    names = {sample.name: sample for sample in list_samples()}
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("samples", nargs="*", type=lambda name: names[name], metavar="PROJECT", help=", ".join(names))
    parser.add_argument("--folder", type=Path, default=FOLDER, help="of the results")
    parser.add_argument("--minutes", type=float, default=180, help="then no further project begins")
    parser.add_argument("--until", choices=("render", "build"), default="build", help="the last step")
    parser.add_argument("--table", action="store_true", help="print the table of the results that are there")
    return parser.parse_args(words)


def hash_sample(sample: Sample) -> str:
    files = [ROOT / "builder", ROOT / "templates", ROOT / "tests/fixtures/adoption" / sample.name]
    return hash_files(files, sample.name)


def read_record(sample: Sample, options: argparse.Namespace) -> dict[str, Any] | None:
    """The good result of today's tree; None: there is none. A table shows what there is."""
    try:
        record = dict(json.loads((options.folder / f"{sample.name}.json").read_text("utf-8")))
    except (OSError, ValueError):
        return None
    is_whole = record["until"] == "build" or options.until == "render"
    is_good = record["hash"] == hash_sample(sample) and record["end"] == GOOD
    return record if options.table or (is_good and is_whole) else None


def write_record(sample: Sample, options: argparse.Namespace, record: dict[str, Any]) -> None:
    record |= {"hash": hash_sample(sample), "until": options.until}
    (options.folder / f"{sample.name}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def run_sample(sample: Sample, registry: StandInRegistry, *, until: str) -> dict[str, Any]:
    """Its figures; ``end`` says how far it came, and why no further."""
    with tempfile.TemporaryDirectory(prefix="optbuild-adopted-") as scratch:
        folder = sample.copy_to(Path(scratch))
        state = Path(scratch) / "state"
        record: dict[str, Any] = {"outcome": sample.expected["outcome"]}
        try:
            record["end"] = adopt(sample, folder, state, registry, record, until=until)
        except (RuntimeError, subprocess.SubprocessError) as error:
            record["end"] = str(error)[-3000:]
        return record


def adopt(
    sample: Sample, folder: Path, state: Path, registry: StandInRegistry, found: dict[str, Any], *, until: str
) -> str:
    """The end; ``found`` takes each figure as soon as it is there, and keeps it when a later step fails."""
    wanted = sample.expected.get("base", {})
    name = next(iter(wanted.values()), "")
    stand_in = STAND_INS.get(name)
    other = () if stand_in is not None or "debian" in wanted else ("--base", "debian")
    if sample.expected["outcome"] == "refused":
        _, _, said = run_step(state, "init", str(folder), *sample.options, codes=(2,))
        missing = [word for word in sample.expected["mentions"] if word not in said]
        return GOOD if not missing else f"the message does not name {missing}"
    _, text, _ = run_step(state, "init", "--format=json", str(folder), *sample.options)
    report = json.loads(text)
    found |= {"carried": report["carried"], "open": len(report["open"]), "base": next(iter(wanted))}
    found["spec"] = [*compare_report(sample, report), *compare_spec(sample, folder)]
    if other:  # the base that the project names is nowhere here
        (folder / SPEC_FILE).unlink()
        run_step(state, "init", "--format=json", str(folder), *sample.options, *other)
        found["base"] = "debian, for want of it"
    spec = (folder / SPEC_FILE).read_text("utf-8")
    if stand_in is not None:
        served = registry.publish(stand_in, stand_in.official or None)
        spec = re.sub(rf'"(?:docker\.io/)?{re.escape(name)}"', f'"{served}"', spec)
    spec = re.sub(r'(?m)^(database|broker) = "(?!sqlite)[^"]*"', lambda one: f'{one[1]} = "{SERVERS[one[1]]}"', spec)
    (folder / SPEC_FILE).write_text(spec, "utf-8")
    constraints = write_constraints_file(sample, folder.parent, is_served=stand_in in AIRFLOWS)
    found["lock"], _, _ = run_step(state, "lock", "--quiet", "--constraints", str(constraints), str(folder))
    run_step(state, "render", "--quiet", str(folder))
    if until == "render":
        return GOOD if not found["spec"] else "spec differs"
    return prove(sample, folder, state, found)


SERVERS = {"database": "postgres:13", "broker": "redis:7"}


def write_constraints_file(sample: Sample, folder: Path, *, is_served: bool) -> Path:
    """Those of the stand-in and, for what it has not, of its version's official file, else the official ones of the
    nearest version that is there."""
    version = sample.expected["airflow"]
    path = folder / "constraints.txt"
    if is_served:
        path.write_text(write_constraints(version) + list_official_pins(version), "utf-8")
        return path
    files = {one.name.split("-")[1]: one for one in sorted(CONSTRAINTS.glob("airflow-*.txt"))}
    if not files:
        raise RuntimeError(f"{CONSTRAINTS} has no constraints of Airflow's: name their folder in OPTBUILD_CONSTRAINTS")
    nearest = min(files, key=lambda one: measure_distance(one, version))
    text = files[nearest].read_text("utf-8").replace(f"constraints-{nearest}/", f"constraints-{version}/")
    text = re.sub(r"constraints-3\.\d+\.txt", "constraints-3.11.txt", text)
    pins = (
        line
        for line in text.splitlines()
        if nearest == version or not re.match(r"apache-airflow(?:-core|-task-sdk)?==", line)
    )
    path.write_text("".join(f"{line}\n" for line in pins), "utf-8")
    return path


def list_official_pins(version: str) -> str:
    """Lines for the packages that the stand-in has not; nothing where the version's file is not there."""
    official = CONSTRAINTS / f"airflow-{version}-py3.11.txt"
    known = {canonicalize_name(line.partition("==")[0]) for line in write_constraints(version).splitlines()}
    lines = official.read_text("utf-8").splitlines() if official.exists() else []
    pins = (line for line in lines if "==" in line and not line.startswith(("#", "apache-airflow==")))
    return "".join(f"{line}\n" for line in pins if canonicalize_name(line.partition("==")[0]) not in known)


def measure_distance(one: str, other: str) -> tuple[int, ...]:
    first, second = (tuple(map(int, version.split("."))) for version in (one, other))
    return tuple(abs(a - b) for a, b in zip(first, second, strict=True))


def prove(sample: Sample, folder: Path, state: Path, found: dict[str, Any]) -> str:
    """The end: what is missing in the image, if anything is."""
    try:
        found["build"], text, _ = run_step(state, "build", "--quiet", "--format=json", str(folder))
        found["verify"], told, _ = run_step(state, "verify", "--quiet", "--format=json", str(folder), codes=(0, 1))
        checks = json.loads(told)["checks"]
        found["checks"] = len(checks)
        failed = [one for one in checks if one["status"] == "failed"]
        found["failed"] = [f"{one['name']}: {one['message']}" for one in failed]
        found["logs"] = [one["log"][-3000:] for one in failed]
        found["image"] = compare_image(sample, folder, json.loads(text)["reference"])
    finally:
        remove_images(f"{read_spec(folder / SPEC_FILE).image.name}*")
    return "; ".join((*found["failed"], *found["image"], *found["spec"])) or GOOD


def run_step(state: Path, *words: str, codes: tuple[int, ...] = (0,)) -> tuple[float, str, str]:
    """Seconds, stdout, stderr of one command, with a state of its own. Raises RuntimeError."""
    started = time.monotonic()
    env = {**os.environ, "XDG_STATE_HOME": str(state)}
    argv = (sys.executable, "-c", MAIN, *words)
    code, out, err = run_limited(argv, env)
    if code not in codes:
        raise RuntimeError(f"optbuild {words[0]} ended with {code}: {(err or out).strip()[-2500:]}")
    return round(time.monotonic() - started, 1), out, err


def run_limited(argv: Sequence[str], env: Mapping[str, str], *, limit: float = STEP_SECONDS) -> tuple[int, str, str]:
    """Code, stdout, stderr. Raises TimeoutExpired after SIGTERM: a command that is killed leaves its containers."""
    with subprocess.Popen(argv, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        try:
            out, err = run.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            run.terminate()
            run.communicate(timeout=limit)
            raise
        return run.returncode, out, err


def format_table(records: dict[str, dict[str, Any] | None]) -> str:
    rows = [HEAD, *(format_row(name, record) for name, record in records.items())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    whole = [record for record in records.values() if record is not None]
    proven = sum(record["end"] == GOOD and record.get("checks", 0) > 0 for record in whole)
    good = sum(record["end"] == GOOD for record in whole)
    return (
        "\n".join((*lines, "", f"{len(records)} projects, {good} as expected, {proven} of them proven images")) + "\n"
    )


def format_row(name: str, record: dict[str, Any] | None) -> tuple[str, ...]:
    if record is None:
        return (name, *("-" for _ in HEAD[1:-1]), "not run")
    end = "refused, as expected" if record["outcome"] == "refused" and record["end"] == GOOD else record["end"]
    values = (record.get(key, "-") for key in ("base", "carried", "open"))
    spec = "-" if "spec" not in record else "same" if not record["spec"] else f"{len(record['spec'])} differ"
    figures = (record.get(key, "-") for key in ("lock", "build", "verify", "checks"))
    return (name, *map(str, values), spec, *map(str, figures), " ".join(str(end).split())[:160])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
