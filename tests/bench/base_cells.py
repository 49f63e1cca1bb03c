"""One cell of ``make matrix``: a base, a number of stages, an Airflow; locked, built, weighed and proven.

Run as a process, it prints one JSON object. The bases are the stand-ins of tests/integration/bases, from a registry
that the process starts; the image that it built stays on the engine when ``--keep`` says so, else it is removed.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from airflow_files import PINS
from results import hash_files
from stand_in_registry import serve_stand_ins
from stand_ins import AIRFLOW_211, AIRFLOW_281, AIRFLOW_332, PYTHON_311, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from stand_in_registry import StandInRegistry
    from stand_ins import StandIn

ROOT = Path(__file__).parents[2]
MAIN = "from builder.cli.main import main; main()"
BaseName = Literal["debian", "image", "airflow"]
Stages = Literal["two", "one"]
FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
LEFT_OUT = ("dev", "etc", "proc", "sys", "var", ".dockerenv")
SEED_PINS = (
    "matplotlib==3.7.2",
    "seaborn==0.12.2",
    "scikit-learn==1.3.0",
    "pandas==2.0.3",
    "numpy==1.24.3",
    "psycopg2-binary==2.9.7",
)

SMALL_PINS = ("minio==7.2.15", "certifi==2025.1.31")
"""One that no image of Airflow has, and one that each has in another version: without them, nothing would be added to
those that have all that Celery or FAB needs."""


@dataclass(frozen=True)
class Program:
    """An Airflow as a spec has it. ``rest`` is TOML behind its other tables."""

    stand_in: StandIn
    extras: tuple[str, ...]
    requirements: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    rest: str = '[verify]\ndatabase = "postgres:13"\n'


PROGRAMS: Mapping[str, Program] = {
    "2.8.1": Program(AIRFLOW_281, ("postgres",), SEED_PINS),
    "2.11.0": Program(
        AIRFLOW_211,
        ("postgres", "celery", "redis"),
        SMALL_PINS,
        environment=(("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor"),),
        rest='[roles.worker]\n[roles.flower]\n[verify]\ndatabase = "postgres:13"\nbroker = "redis:7"\n',
    ),
    "3.3.2": Program(
        AIRFLOW_332,
        ("postgres", "celery", "redis", "fab"),
        SMALL_PINS,
        environment=(("AIRFLOW__CORE__AUTH_MANAGER", FAB),),
        rest='[roles.triggerer]\n[verify]\ndatabase = "postgres:13"\n',
    ),
}
"""The seed project's six pins; Celery; FAB, with two pins. Each with what the stand-in of its base has."""
FULLY_PROVEN = "2.8.1"
"""Its images of one stage are started too; those of the others are compared with the image of two stages."""


@dataclass(frozen=True)
class Cell:
    base: BaseName
    stages: Stages
    version: str

    @property
    def name(self) -> str:
        return f"{self.base}-{self.stages}-{self.version}"

    @property
    def image(self) -> str:
        """Its repository on the engine."""
        return f"optbuild-matrix-{self.name.replace('.', '-')}"

    @property
    def is_started(self) -> bool:
        """Whether every role is started; else its contents are compared."""
        return self.stages == "two" or self.version == FULLY_PROVEN

    def find_stand_in(self) -> StandIn | None:
        """None: the base is our own."""
        return {"debian": None, "image": PYTHON_311, "airflow": PROGRAMS[self.version].stand_in}[self.base]


def list_cells() -> tuple[Cell, ...]:
    """All 18; the two forms of a base side by side, that of two stages first."""
    bases: tuple[BaseName, ...] = ("debian", "image", "airflow")
    forms: tuple[Stages, ...] = ("two", "one")
    return tuple(Cell(base, form, version) for version in PROGRAMS for base in bases for form in forms)


def write_spec(cell: Cell, reference: str) -> str:
    """optbuild.toml; ``reference`` is that of the base, a Debian release for our own."""
    program = PROGRAMS[cell.version]
    env = {"AIRFLOW__CORE__LOAD_EXAMPLES": "false", **dict(program.environment)}
    table = ", ".join(f"{name} = {json.dumps(value)}" for name, value in env.items())
    return (
        f'[image]\nname = "{cell.image}"\nenv = {{ {table} }}\n'
        f'[base]\n{cell.base} = "{reference}"\n'
        f"[build]\nmulti-stage = {str(cell.stages == 'two').lower()}\n"
        f'[airflow]\nversion = "{cell.version}"\nextras = {json.dumps(program.extras)}\n'
        'constraints = "constraints.txt"\n'
        f'[python]\nversion = "3.11"\nrequirements = {json.dumps(program.requirements)}\n{program.rest}'
    )


def write_constraints(version: str) -> str:
    """The versions that the stand-in has: what an official file of constraints would say of them."""
    head = f"# https://index.example/constraints-{version}/constraints-3.11.txt\n"
    pins = (PINS / f"airflow-{version}.txt").read_text(encoding="utf-8")
    return head + "".join(f"{line}\n" for line in pins.splitlines() if not line.startswith("apache-airflow=="))


def hash_cell(cell: Cell) -> str:
    """Of all that its figures depend on but the mirror and the index."""
    stand_in = cell.find_stand_in()
    product = hash_files([ROOT / "builder", ROOT / "templates", Path(__file__)])
    return hash_files([], product, cell.name, stand_in.hash if stand_in else "")


def run_cell(cell: Cell, folder: Path, *, prove: bool = True) -> dict[str, Any]:
    """Its figures; ``folder`` becomes the image's. Raises RuntimeError with what a command said.

    ``seconds`` of each command, ``added`` and ``waste`` in bytes above the base, ``load`` of the machine before.
    """
    load = os.getloadavg()[0]
    with serve_stand_ins(make_folder(folder / "registry")) as registry:
        image = make_folder(folder / "image")
        (image / "optbuild.toml").write_text(write_spec(cell, publish_base(cell, registry)), encoding="utf-8")
        (image / "constraints.txt").write_text(write_constraints(cell.version), encoding="utf-8")
        lock_seconds, _ = run_optbuild("lock", "--quiet", "--format=json", str(image))
        build_seconds, built = run_optbuild("build", "--quiet", "--format=json", str(image))
        candidate = json.loads(built)
        figures = {
            "load": round(load, 1),
            "image": candidate["image_id"],
            "bytes": candidate["bytes"],
            "seconds": {"lock": lock_seconds, "build": build_seconds},
            **weigh(candidate["reference"], cell.find_stand_in()),
        }
        if prove and cell.is_started:
            figures["verify"] = verify(image)
        return figures


def publish_base(cell: Cell, registry: StandInRegistry) -> str:
    stand_in = cell.find_stand_in()
    return "bookworm" if stand_in is None else registry.publish(stand_in, stand_in.official or None)


def weigh(reference: str, stand_in: StandIn | None) -> dict[str, Any]:
    """By ``optbuild inspect``, above the base: bytes in the layers, those of bytecode that a container sees, waste."""
    base = "scratch" if stand_in is None else stand_in.reference
    _, text = run_optbuild("inspect", "--quiet", "--format=json", "--top=0", f"--base={base}", reference)
    found = json.loads(text)
    above = [layer for layer in found["layers"] if not layer["from_base"]]
    return {
        "added": sum(layer["bytes"] for layer in above),
        "bytecode": measure_bytecode(reference) - (0 if stand_in is None else measure_bytecode(stand_in.reference)),
        "layers": len(above),
        "waste": found["waste_bytes"],
        "wasted": {one["code"]: one["bytes"] for one in found["waste"]},
    }


def verify(folder: Path) -> dict[str, Any]:
    """``passed``, ``seconds``, how many checks, and the names of those that failed."""
    seconds, text = run_optbuild("verify", "--quiet", "--format=json", str(folder), codes=(0, 1))
    report = json.loads(text)
    failed = [f"{one['name']}: {one['message']}" for one in report["checks"] if one["status"] == "failed"]
    notes = [f"{one['name']}: {note}" for one in report["checks"] for note in one.get("notes", ())]
    count = len(report["checks"])
    return {"passed": report["passed"], "seconds": seconds, "checks": count, "failed": failed, "notes": notes}


@contextlib.contextmanager
def export_files(image: str) -> Iterator[tarfile.TarFile]:
    """What a container of the image would see, as a stream; none is started."""
    container = run(("docker", "create", "--pull=never", image)).strip()
    try:
        with (
            subprocess.Popen(("docker", "export", container), stdout=subprocess.PIPE) as export,
            tarfile.open(fileobj=export.stdout, mode="r|") as tar,
        ):
            yield tar
    finally:
        run(("docker", "rm", container))


def measure_bytecode(image: str) -> int:
    """Bytes of all ``.pyc`` files that a container would see."""
    with export_files(image) as tar:
        return sum(entry.size for entry in tar if entry.name.endswith(".pyc"))


def list_contents(image: str) -> dict[str, str]:
    """Path → kind, mode, owner, link and sha256. Left out: what the engine makes itself, and /etc and /var, which the
    packages' own scripts write."""
    found: dict[str, str] = {}
    with export_files(image) as tar:
        for entry in tar:
            if entry.name.partition("/")[0] not in LEFT_OUT:
                data = tar.extractfile(entry) if entry.isreg() else None
                content = hashlib.sha256(data.read()).hexdigest() if data else ""
                kind = entry.type.decode()
                found[entry.name] = f"{kind} {entry.mode:o} {entry.uid}:{entry.gid} {entry.linkname} {content}"
    return found


def compare_contents(one: str, two: str) -> dict[str, Any]:
    """Of two images: how many paths differ, of how many, and the first ten of them."""
    first, second = list_contents(one), list_contents(two)
    differing = sorted(path for path in first.keys() | second.keys() if first.get(path) != second.get(path))
    return {"differing": len(differing), "paths": len(first.keys() | second.keys()), "first": differing[:10]}


def run_optbuild(*words: str, codes: tuple[int, ...] = (0,)) -> tuple[float, str]:
    """(seconds, what it printed)"""
    started = time.monotonic()
    done = subprocess.run((sys.executable, "-c", MAIN, *words), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in codes:
        said = (done.stderr or done.stdout)[-3000:]
        raise RuntimeError(f"optbuild {words[0]} failed with {done.returncode}:\n{said}")
    return round(time.monotonic() - started, 1), done.stdout


def make_folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def remove_images(repository: str) -> None:
    names = run(("docker", "images", "--format={{.Repository}}:{{.Tag}}", repository)).split()
    for name in names:
        run(("docker", "rmi", "--force", name))


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    names = {cell.name: cell for cell in list_cells()}
    parser.add_argument("cell", choices=names)
    parser.add_argument("--keep", action="store_true", help="leave the image on the engine")
    parser.add_argument("--compare", metavar="IMAGE", help="with its contents")
    options = parser.parse_args(words)
    cell = names[options.cell]
    with tempfile.TemporaryDirectory(prefix="optbuild-matrix-") as folder:
        try:
            figures = run_cell(cell, Path(folder))
            if options.compare:
                figures["compared"] = compare_contents(options.compare, figures["image"])
            sys.stdout.write(json.dumps(figures) + "\n")
        except (RuntimeError, subprocess.SubprocessError) as error:
            sys.stderr.write(f"{error}\n")
            return 1
        finally:
            if not options.keep:
                remove_images(cell.image)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
