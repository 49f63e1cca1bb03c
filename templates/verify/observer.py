"""Watches a verification's database and ports. Airflow's own commands run in this one process: Airflow starts once.

Prints a line per event, ``optbuild: {"event": ..., "ok": ..., "detail": ...}``: ``migrations`` once, ``job:ROLE``
when the role's job lives, ``http:ROLE`` when the answer of its port changes (``STATUS BODY``), ``dag`` when the run of
the DAG ends, ``dag-progress`` when its state changes, ``login:ROLE`` once somebody logged in there, or could not.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request

POLL_SECONDS = 0.5
REQUEST_SECONDS = 30  # who does not listen refuses at once; an answer of a busy machine takes a while
SHOWN_CHARACTERS = 4000


def main():
    asked = json.loads(os.environ["OPTBUILD_VERIFY"])
    ok, detail = command("db", "check-migrations", "--migration-wait-timeout", "0")
    say("migrations", ok, detail)
    for role, url in asked["http"].items():
        threading.Thread(target=watch_http, args=(role, url, asked["login"].get(role)), daemon=True).start()
    waiting = dict(asked["jobs"]) if ok else {}
    dag = asked["dag_id"] if ok else None
    ends = time.monotonic() + asked["seconds"]
    while ok and time.monotonic() < ends:
        for role in [role for role, job in waiting.items() if alive(role, **job)]:
            del waiting[role]
        dag = None if dag is None or dag_ended(dag) else dag
        time.sleep(POLL_SECONDS)
    return 0 if ok else 1


def say(event, ok, detail=""):
    line = "optbuild: " + json.dumps({"event": event, "ok": ok, "detail": detail}) + "\n"
    sys.__stdout__.write(line)  # a command of Airflow may hold sys.stdout, and there are several threads
    sys.__stdout__.flush()


def watch_http(role, url, login):
    """Over the network, as a browser would: a server that listens on its own loopback only does not count."""
    before = ""
    while True:
        answer = fetch(url)
        if answer != before:
            say("http:" + role, True, answer)
        before = answer
        if login and answer.startswith("200 "):
            say("login:" + role, *log_in(**login))
            login = None
        time.sleep(POLL_SECONDS)


HANDLERS = (
    urllib.request.ProxyHandler({}),
    urllib.request.HTTPSHandler(context=ssl._create_unverified_context()),  # noqa: S323, SLF001 - see below
)
"""Past the proxy that the image's environment may name: the roles are on a network of their own. Whose certificate a
role has is not asked: its name is that of production."""
OPENER = urllib.request.build_opener(*HANDLERS)


def fetch(url):
    """``STATUS BODY``; empty when nothing answers."""
    try:
        with OPENER.open(url, timeout=REQUEST_SECONDS) as response:
            return f"{response.status} {response.read(SHOWN_CHARACTERS).decode(errors='replace')}"
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read(SHOWN_CHARACTERS).decode(errors='replace')}"
    except (OSError, ValueError):
        return ""


AUTH_DB = 1
AUTH_NAMES = {0: "OpenID", 2: "LDAP", 3: "the web server in front", 4: "OAuth"}
"""AUTH_TYPE of Flask-AppBuilder."""


def log_in(base, form, home, user, role, *, token):
    """Whether it is possible, and what was seen. For this moment the user may look at what Viewers see."""
    import login

    browser = login.Browser(*HANDLERS)
    try:
        kind = auth_type()
        if kind == 3:
            return True, "nothing was looked at: " + AUTH_NAMES[kind] + " says who the user is (AUTH_TYPE)"
        if kind != AUTH_DB:
            seen = login.look(browser, base, form, home)
            return True, seen + "; nobody logs in here: users are those of " + AUTH_NAMES.get(kind, str(kind))
        if not give_role(user["username"], "Viewer"):
            return False, "the user that init was to make is not in the database"
        try:
            seen = login.look(browser, base, form, home, user)
            if token:
                seen += "; " + login.use_token(login.Browser(*HANDLERS), base, *token, user)
            return True, seen
        finally:
            give_role(user["username"], role)
    except login.WebError as error:
        return False, str(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, nobody else would say it
        return False, f"{type(error).__name__}: {error}"


def auth_type():
    """Of the image's webserver_config.py; where that cannot be read, the web server says it better."""
    from airflow.configuration import conf
    from flask import Config

    settings = Config("/")
    try:
        file = conf.get("fab", "config_file", fallback=None) or conf.get("webserver", "config_file")
        settings.from_pyfile(file, silent=True)
    except Exception:  # noqa: BLE001 - a person's own Python
        return AUTH_DB
    return settings.get("AUTH_TYPE", AUTH_DB)


def give_role(user, role):
    """Flask-AppBuilder's tables; False when there is no such user."""
    from airflow.utils.session import create_session
    from sqlalchemy import text

    query = """UPDATE ab_user_role SET role_id = (SELECT id FROM ab_role WHERE name = :role)
        WHERE user_id = (SELECT id FROM ab_user WHERE username = :user)"""
    with create_session() as session:
        return session.execute(text(query), {"role": role, "user": user}).rowcount == 1


def command(*words):
    """An Airflow command in this process: whether it ended well, and the end of what it said."""
    from airflow.cli import cli_parser

    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            arguments = cli_parser.get_parser().parse_args(list(words))
            arguments.func(arguments)
    except SystemExit as end:
        return end.code in (None, 0), last_words(said.getvalue(), "" if end.code in (None, 0) else end.code)
    except Exception as error:  # noqa: BLE001 - whatever the command raises is how it failed
        return False, last_words(said.getvalue(), f"{type(error).__name__}: {error}")
    return True, last_words(said.getvalue(), "")


def last_words(said, end):
    return "\n".join([*said.strip().splitlines()[-5:], *([str(end)] if end else [])])


def alive(role, type, hostname):  # noqa: A002 - a key of the question
    ok, detail = command("jobs", "check", "--job-type", type, "--hostname", hostname)
    if ok:
        say("job:" + role, True, detail)
    return ok


STATES = {}


def dag_ended(dag_id):
    """Read the state of the DagRun; say it when it changed."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    with create_session() as session:
        run = session.query(DagRun).filter(DagRun.dag_id == dag_id).order_by(DagRun.id.desc()).first()
        state = "not parsed yet" if run is None else str(getattr(run.state, "value", run.state))
        detail = state if run is not None else problems(session)
        tasks = [] if run is None else [describe(task) for task in run.get_task_instances(session=session)]
    if state in ("success", "failed"):
        say("dag", state == "success", "; ".join([state, *tasks]))
        return True
    if STATES.get(dag_id) != (detail, tasks):
        STATES[dag_id] = (detail, tasks)
        say("dag-progress", True, "; ".join([detail, *tasks]))
    return False


def describe(task):
    """What became of the task, and where: Airflow writes down the host that ran it."""
    return f"{task.task_id} is {task.state}" + (f" on {task.hostname}" if task.hostname else "")


def problems(session):
    """Why the scheduler could not parse a DAG file, if it said."""
    try:
        from airflow.models.errors import ImportError as Unparsed
    except ImportError:  # renamed in Airflow 3
        from airflow.models.errors import ParseImportError as Unparsed
    found = [
        row.stacktrace.strip().splitlines()[-1]
        for row in session.query(Unparsed)
        if "optbuild_verify" in (row.filename or "")
    ]
    return "; ".join(["not parsed yet", *found])


if __name__ == "__main__":
    sys.exit(main())
