"""Lets the garbage collector rest while Airflow's console script imports Airflow. Runs inside the build.

    start_script.py ENVIRONMENT     rewrite bin/airflow of a virtual environment, and its line in RECORD

The import makes half a million objects that live as long as the process, and the collector looks at them again and
again: with each new generation, and twice more when the process ends. So it is off during the import, then collects
what the import left behind, and passes over the rest from there on (``gc.freeze``, which Python's documentation has for
processes that fork: a child whose collector touches no old object shares their memory with its parent). On all that is
made later it works as ever.

Measured with Airflow 2.8.1: ``airflow version`` takes 0.69 to 0.74 of the CPU time; a health check, ``airflow jobs
check``, imports the same. A scheduler at rest with its children would take 3.0 % more memory (without ``gc.freeze``
22 % more: each child's collector soon goes through all old objects, and gets a copy of its own of them), and it starts
rarely. So the commands that stay, see SERVERS, are left as they are.
"""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from pathlib import Path

SCRIPT = "bin/airflow"
IMPORT = "from airflow.__main__ import main\n"
"""The line that every installer writes for Airflow's entry point (PyPA, "Entry points specification")."""
SERVERS = (
    *("api-server", "celery", "dag-processor", "edge", "fastapi-api", "internal-api", "kerberos"),
    *("scheduler", "standalone", "triggerer", "webserver"),
)
"""Commands of Airflow 2.8 to 3.3 that run until they are told to end, and groups of such."""
PAUSED = f"""\
import gc
import sys
ends = sys.argv[1:2] not in {[[name] for name in SERVERS]}
if ends:
    gc.disable()
{IMPORT}if ends:
    gc.collect()
    gc.freeze()
    gc.enable()
"""


def pause_collector(text: str) -> str:
    """The console script, its import with the collector off. Raises SystemExit where it has no such line."""
    if text.count(f"\n{IMPORT}") != 1:
        raise SystemExit(
            f"start_script.py: {SCRIPT} does not have the line {IMPORT.strip()!r} once, so nobody knows where its "
            "import is; write pause-gc-at-start = false below [build] in optbuild.toml, and report this"
        )
    return text.replace(f"\n{IMPORT}", f"\n{PAUSED}")


def rewrite(environment: Path) -> None:
    """The script, and the line of the RECORD that lists it. Nothing where no distribution brings it."""
    script = environment / SCRIPT
    if not script.is_file():
        return
    data = pause_collector(script.read_text("utf-8")).encode()
    script.write_bytes(data)
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    row = re.compile(rf"^(\S*\.\./{SCRIPT}),[^,\n]*,\d*$", re.MULTILINE)
    for record in sorted(environment.glob("lib/python3*/site-packages/*.dist-info/RECORD")):
        text = record.read_text("utf-8")
        if row.search(text):
            record.write_text(row.sub(rf"\1,sha256={digest},{len(data)}", text), "utf-8")


if __name__ == "__main__":
    rewrite(Path(sys.argv[1]))
