"""Start-up against (a): CPU seconds of ``airflow version``; seconds until webserver and scheduler are healthy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench import OURS

if TYPE_CHECKING:
    from bench import Bench

VERSION, HEALTHY = "version", "healthy"
VERSION_ROUNDS = 7
BUDGET = 150.0
OPTIONS = ("run", "--rm", "--network", "none", "--user", "0", "--env", "AIRFLOW_HOME=/tmp/home", "--entrypoint", "bash")
TIMED = 'airflow version >/dev/null; TIMEFORMAT="%U %S"; time airflow version >/dev/null'
"""The second one: the first writes airflow.cfg and fills the page cache."""
BOTH = """
export AIRFLOW__CORE__LOAD_EXAMPLES=False
airflow db migrate >/tmp/migrate.log 2>&1 || { cat /tmp/migrate.log; exit 1; }
python3 - <<'END'
import json, subprocess, sys, time, urllib.request
def healthy():
    try:
        with urllib.request.urlopen("http://127.0.0.1:8080/health", timeout=5) as answer:
            state = json.load(answer)
    except OSError:
        return False
    return all(state[part]["status"] == "healthy" for part in ("metadatabase", "scheduler"))
started = time.monotonic()
log = open("/tmp/roles.log", "wb")
roles = [subprocess.Popen(["airflow", role], stdout=log, stderr=log) for role in ("webserver", "scheduler")]
while not healthy():
    if time.monotonic() - started > 300 or any(role.poll() is not None for role in roles):
        sys.exit(open("/tmp/roles.log").read()[-3000:])
    time.sleep(0.02)
print(time.monotonic() - started)
END
"""


def run_version(bench: Bench) -> None:
    rounds = VERSION_ROUNDS if bench.rounds > 1 else 1
    bench.repeat(VERSION, ("a", OURS), BUDGET, lambda subject: measure_version(bench, subject), rounds=rounds)


def run_healthy(bench: Bench) -> None:
    bench.repeat(HEALTHY, ("a", OURS), BUDGET, lambda subject: measure_healthy(bench, subject))


def measure_version(bench: Bench, subject: str) -> dict[str, Any]:
    return {"cpu": parse_times(run_bash(bench, subject, f"{{ {TIMED}; }} 2>&1"))}


def measure_healthy(bench: Bench, subject: str) -> dict[str, Any]:
    return {"wall": round(float(run_bash(bench, subject, BOTH).split()[-1]), 2)}


def run_bash(bench: Bench, subject: str, script: str) -> str:
    name = subject if subject == OURS else bench.choose_baseline(subject).name
    return bench.session.engine.run(*OPTIONS, bench.ensure(name), "-c", script)


def parse_times(text: str) -> float:
    """CPU seconds of bash's ``time``: user and system, the last line."""
    user, system = text.strip().splitlines()[-1].split()
    return round(float(user) + float(system), 3)
