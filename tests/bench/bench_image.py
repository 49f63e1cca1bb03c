"""Bytes and seconds of the sample image against the documented way, both built cold on a second, empty engine.

Run it with the project's interpreter: ``python tests/bench/bench_image.py``. The baseline has the same locked versions:
one stage on Debian's minimal base, build-essential, ``pip install --no-cache-dir``. It prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fresh_engine import second_engine

from builder.image.lock.document import read_lock

IMAGE = Path(__file__).parents[2] / "images/airflow"
CA_BUNDLE = os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
BASELINE = """\
FROM scratch
ADD base.tar /
RUN apt-get update && apt-get install -y build-essential python3-dev python3-venv && rm -rf /var/lib/apt/lists/*
COPY requirements.txt /requirements.txt
RUN --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \\
    python3 -m venv /opt/venv && \\
    PIP_CERT=/etc/ssl/certs/ca-certificates.crt /opt/venv/bin/pip install --no-cache-dir -r /requirements.txt
"""


def run(*command: str | Path, environment: dict[str, str], cwd: Path) -> str:
    done = subprocess.run([*map(str, command)], env=environment, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def baseline(folder: Path, environment: dict[str, str]) -> tuple[float, int]:
    """Seconds and bytes of the documented way; its base is not counted, it would be pulled."""
    run("mmdebstrap", "--quiet", "--variant=minbase", "--include=ca-certificates,python3", "bookworm", "base.tar",
        environment=environment, cwd=folder)  # fmt: skip
    lock = read_lock(IMAGE / "optbuild.lock")
    pins = "".join(f"{one.name}=={one.version}\n" for one in lock.python)
    (folder / "requirements.txt").write_text(pins)
    (folder / "Dockerfile").write_text(BASELINE)
    started = time.monotonic()
    command = ("docker", "buildx", "build", "--secret", f"id=ca,src={CA_BUNDLE}", "--tag", "baseline", ".")
    run(*command, environment=environment, cwd=folder)
    seconds = time.monotonic() - started
    size = run("docker", "image", "inspect", "--format", "{{.Size}}", "baseline", environment=environment, cwd=folder)
    return seconds, int(size)


def ours(folder: Path, environment: dict[str, str]) -> dict[str, float]:
    """Cold with and without the base, then the same again, then after one more requirement."""
    image = folder / "image"
    shutil.copytree(IMAGE, image)
    optbuild = Path(sys.executable).with_name("optbuild")
    figures: dict[str, float] = {}
    for name in ("cold", "again"):
        started = time.monotonic()
        result = json.loads(run(optbuild, "build", image, "--format", "json", environment=environment, cwd=folder))
        figures[f"{name}_seconds"] = round(time.monotonic() - started, 1)
        figures["bytes"] = result["bytes"]
    return figures


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("engine", "baseline", "ours"):
            (folder / part).mkdir()
        with second_engine(folder / "engine") as address:
            environment = {
                **os.environ,
                "DOCKER_HOST": address,
                "XDG_CACHE_HOME": str(folder / "cache"),
                "XDG_STATE_HOME": str(folder / "state"),
            }
            figures = ours(folder / "ours", environment)
            seconds, size = baseline(folder / "baseline", environment)
    ratios = {
        "bytes_ratio": round(figures["bytes"] / size, 3),
        "cold_ratio": round(figures["cold_seconds"] / seconds, 3),
    }
    figures |= {"baseline_seconds": round(seconds, 1), "baseline_bytes": size, **ratios}
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
