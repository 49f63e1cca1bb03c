"""A compose file of the official shape as a running stack, its image one of ours.

PostgreSQL and Redis from Debian's packages stand in for the official images, ports are any that are free, and Airflow
3's api-server has one worker; nothing else of the file is changed.
"""

from __future__ import annotations

import http.cookiejar
import json
import re
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from seed_project import FIXTURES, Stack, make_stack_environment

from builder.image.verify.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Json = dict[str, Any]
Headers = dict[str, str]
HEALTHY_SECONDS = 300
RUN_SECONDS = 180
PASSWORD = "airflow"
"""Of the user that the file makes, whose name it is too."""
SERVER_IMAGES = {"postgres": "optbuild-postgres:15", "redis": "optbuild-redis:7"}
FOLDERS = ("dags", "logs", "config", "plugins")
HEARTBEAT_AGE = (
    "SELECT coalesce(max(extract(epoch FROM now() - latest_heartbeat)), 0)::int FROM job "
    "WHERE job_type = 'SchedulerJob' AND state = 'running'"
)
HUNG = (
    "the scheduler hung and was restarted once: its health server, a fork, had used its connection to the database "
    "(Airflow 2.4 to 2.11)"
)
HUNG_SECONDS = 40
"""A scheduler beats every 5 s and is called dead after 30 s."""


@dataclass(frozen=True)
class OfficialFile:
    """``folder`` below tests/fixtures/drop-in, the service with the web interface, and the path of its API."""

    folder: str
    web: str
    api: str

    @property
    def is_airflow_2(self) -> bool:
        return self.folder.startswith("2.")


OFFICIAL_FILES = {
    one.folder: one
    for one in (
        OfficialFile("2.8", "airflow-webserver", "/api/v1"),
        OfficialFile("3.0", "airflow-apiserver", "/api/v2"),
        OfficialFile("3.3", "airflow-apiserver", "/api/v2"),
    )
}


@dataclass(frozen=True)
class OfficialStack:
    """The file's folder with ``.env``, as a person sets it up."""

    file: OfficialFile
    stack: Stack
    uid: int
    notes: list[str] = field(default_factory=list)
    """What had to be done for it."""

    def find_address(self) -> str:
        """Of the web interface, as this machine sees it."""
        binding = self.stack.containers()[self.file.web]["NetworkSettings"]["Ports"]["8080/tcp"][0]
        return f"http://127.0.0.1:{binding['HostPort']}"

    def find_health(self) -> dict[str, str]:
        """Service → status, of every service that has a check."""
        states = {service: one["State"] for service, one in self.stack.containers().items()}
        return {service: state["Health"]["Status"] for service, state in states.items() if "Health" in state}

    def wait_until_healthy(self) -> None:
        """Every service, within HEALTHY_SECONDS."""
        self.wait_until(lambda: set(self.find_health().values()) == {"healthy"}, HEALTHY_SECONDS, self.read_logs)

    def wait_until(self, holds: Callable[[], bool], seconds: float, explain: Callable[[], str]) -> None:
        """Raises AssertionError after ``seconds``, as a Deadline counts them."""
        limit = Deadline(seconds)
        while not holds():
            assert not limit.is_over(), f"not within {seconds} s: {explain()}"
            self.restart_hung_scheduler()
            time.sleep(5)

    def restart_hung_scheduler(self) -> None:
        """Once, and with a note: it is Airflow's own, and such a scheduler never goes on."""
        if self.file.is_airflow_2 and not self.notes and int(self.stack.sql(HEARTBEAT_AGE)) > HUNG_SECONDS:
            self.stack.compose("restart", "airflow-scheduler")
            self.notes.append(HUNG)

    def read_logs(self) -> str:
        """The last lines of each service that is not healthy, and of its checks."""
        health = self.find_health()
        lines = [str(health)]
        for service in (name for name, status in health.items() if status != "healthy"):
            checks = self.stack.containers()[service]["State"]["Health"]["Log"][-2:]
            lines += [f"== {service}: {checks}", self.stack.compose("logs", "--tail=30", service, ok=False).out]
        return "\n".join(lines)

    def ask(self, method: str, path: str, body: Json | None = None, headers: Headers | None = None) -> Any:
        """The JSON of an answer; raises HTTPError for any other than 2xx."""
        data = None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        request = urllib.request.Request(self.find_address() + path, data, sent, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def make_authorization(self) -> Headers:
        """Of the user that init made: a token from Airflow 3, name and password before."""
        if self.file.is_airflow_2:
            return {"Authorization": "Basic " + b64encode(f"airflow:{PASSWORD}".encode()).decode()}
        said = self.ask("POST", "/auth/token", {"username": "airflow", "password": PASSWORD})
        return {"Authorization": f"Bearer {said['access_token']}"}

    def log_in(self, password: str) -> str:
        """The form of Airflow 2, filled in: the path on which the browser ends."""
        jar = http.cookiejar.CookieJar()
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        address = self.find_address()
        with browser.open(f"{address}/login/", timeout=60) as page:
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.read().decode())
        assert token is not None, "the form has no csrf_token"
        form = {"username": "airflow", "password": password, "csrf_token": token[1]}
        with browser.open(f"{address}/login/", urllib.parse.urlencode(form).encode(), timeout=60) as page:
            return str(urllib.parse.urlsplit(page.geturl()).path)

    def run_dag(self) -> str:
        """The state in which a run of drop_in ends."""
        headers, dag = self.make_authorization(), f"{self.file.api}/dags/drop_in"
        self.wait_until(lambda: self.knows_dag(headers), RUN_SECONDS, lambda: "drop_in is known")
        self.ask("PATCH", dag, {"is_paused": False}, headers=headers)
        body = {} if self.file.is_airflow_2 else {"logical_date": None}
        run = self.ask("POST", f"{dag}/dagRuns", body, headers=headers)["dag_run_id"]
        path = f"{dag}/dagRuns/{urllib.parse.quote(run)}"

        def find_state() -> str:
            return str(self.ask("GET", path, headers=headers)["state"])

        self.wait_until(lambda: find_state() in {"success", "failed"}, RUN_SECONDS, find_state)
        return find_state()

    def knows_dag(self, headers: Headers) -> bool:
        try:
            self.ask("GET", f"{self.file.api}/dags/drop_in", headers=headers)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return False
            raise
        return True

    def read_task_log(self, task: str) -> str:
        """On the host, where the file mounts the folder."""
        [path] = (self.stack.folder / "logs").glob(f"dag_id=drop_in/run_id=*/task_id={task}/attempt=1.log")
        return path.read_text(encoding="utf-8")

    def find_host(self, service: str) -> str:
        return str(self.stack.containers()[service]["Config"]["Hostname"])


def make_stand_ins(file: OfficialFile) -> str:
    """The file that is merged over the official one.

    Airflow 3.0 starts four workers (3.3: one), and uvicorn kills each that does not answer it within 5 s
    (uvicorn/supervisors/multiprocess.py): where all services start at once on two processors, none ever serves.
    """
    one_worker = "" if file.is_airflow_2 else "    environment:\n      AIRFLOW__API__WORKERS: '1'\n"
    servers = "".join(f"  {name}:\n    image: {image}\n" for name, image in SERVER_IMAGES.items())
    ports = "".join(
        f'  {name}:\n    ports: !override\n      - "127.0.0.1::{port}"\n'
        for name, port in (("flower", 5555), (file.web, 8080))
    )
    return f"services:\n{servers}{ports}{one_worker}"


def set_up_stack(parent: Path, name: str, file: OfficialFile, image: str, uid: int) -> OfficialStack:
    """As the file's comments tell a person to: a folder, ``.env``, the folders that are mounted, a DAG in one."""
    folder = parent / name
    shutil.copytree(FIXTURES / "drop-in" / file.folder, folder)
    for mounted in FOLDERS:
        (folder / mounted).mkdir()
    shutil.copy(FIXTURES / "drop-in/dags/drop_in.py", folder / "dags")
    for path in (folder / "dags/drop_in.py", *(folder / mounted for mounted in FOLDERS)):
        shutil.chown(path, uid, 0)
    (folder / "stand-ins.yaml").write_text(make_stand_ins(file))
    (folder / ".env").write_text(f"AIRFLOW_IMAGE_NAME={image}\nAIRFLOW_UID={uid}\nFERNET_KEY=\n")
    files = {"COMPOSE_FILE": "docker-compose.yaml:stand-ins.yaml", "COMPOSE_PROFILES": "flower"}
    return OfficialStack(file, Stack(folder, {**make_stack_environment(parent), **files}), uid)
