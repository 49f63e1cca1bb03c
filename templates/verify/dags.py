"""Reads DAG files as Airflow's scheduler does, without its database and without a network. One JSON line.

Each file is read in a process of its own by Airflow's own DagBag, so .airflowignore, safe mode, policies, plugins and
the time limit are the image's. What a file does beside defining DAGs is noted with the line that does it: it is done
again every few seconds in production.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import json
import os
import re
import select
import signal
import sys
import tarfile
import time
import traceback

GRACE_SECONDS = 30
"""After Airflow's own limit: what does not listen to a signal is killed."""
SHOWN_LINES = 30
DRIVERS = ("psycopg2", "psycopg", "MySQLdb", "pyodbc", "oracledb", "snowflake.connector")
"""Whose sockets Python does not see."""
NEVER_EXCUSED = re.compile(r"^(?:ModuleNotFoundError|ImportError|SyntaxError|IndentationError|TabError|NameError)\b")


def main():
    archive = os.path.join(os.path.dirname(os.path.abspath(__file__)), "dags.tar")
    from airflow import settings

    folder = settings.DAGS_FOLDER
    names = unpack(archive, folder)
    files, skipped, ignored = choose(folder, names)
    prepare()
    results = sorted(read_all(folder, files), key=lambda one: one["file"])
    print("optbuild: " + json.dumps({"files": results, "skipped": skipped, "ignored": ignored}), flush=True)


def unpack(archive, folder):
    """Relative names of the files, now where Airflow looks for them. They hide what the image has in their places."""
    with tarfile.open(archive) as tar:
        for member in tar:
            path = os.path.join(folder, member.name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if os.path.lexists(path):
                os.unlink(path)
            with open(path, "wb") as stream:
                stream.write(tar.extractfile(member).read())
        return set(tar.getnames())


def choose(folder, names):
    """(files to read, files without a word that makes Airflow read them, files that .airflowignore names)."""
    from airflow.configuration import conf
    from airflow.utils.file import list_py_file_paths

    def listed(safe):
        found = list_py_file_paths(folder, safe_mode=safe, include_examples=False)
        return {os.path.relpath(path, folder) for path in found} & names

    safe = conf.getboolean("core", "dag_discovery_safe_mode", fallback=True)
    read, known = listed(safe), listed(False)
    python = {name for name in names if name.endswith(".py")}
    return sorted(read), sorted(known - read), sorted(python - known)


class State:
    """Of the process that reads one file."""

    file = ""
    notes = None
    """[[line, what]] while the file is read, else None."""
    dags = ()
    """The lines that make its DAGs: what is wrong with a DAG as a whole is said without a traceback."""


class UnavailableError(OSError):
    """Raised in place of a connection: there is nothing to connect to while an image is verified."""


def prepare():
    """Import what every file needs, and watch what a file must not do."""
    import sqlalchemy
    import sqlalchemy.engine
    from airflow.models.dag import DAG
    from airflow.secrets.metastore import MetastoreBackend

    for name in ("airflow.models.dagbag", "airflow.serialization.serialized_objects"):
        importlib.import_module(name)  # once, not in each child
    DAG.__init__ = watch_dags(DAG.__init__)
    sys.addaudithook(watch_sockets)
    sqlalchemy.event.listen(sqlalchemy.engine.Engine, "do_connect", watch_engine)
    MetastoreBackend.get_variable = lambda _, key, *__, **___: note(f"reads the Variable {key!r}") and None
    MetastoreBackend.get_connection = lambda _, conn_id, *__, **___: note(f"reads the Connection {conn_id!r}") and None
    for name in DRIVERS:
        with contextlib.suppress(Exception):  # absent or broken: the check `imports` is about that
            driver = importlib.import_module(name)
            driver.connect = watch_driver(driver.connect)


def watch_dags(make):
    @functools.wraps(make)
    def made(*arguments, **options):
        line = find_line()
        if line is not None:
            State.dags.append(line)
        return make(*arguments, **options)

    return made


def watch_sockets(event, arguments):
    if event == "socket.connect":
        refuse("connects to " + show_address(arguments[1]))
    elif event in ("socket.getaddrinfo", "socket.gethostbyname") and arguments[0] not in own_names():
        refuse("looks up the host " + show_address(arguments[0]))


def own_names():
    """Libraries ask for them when they are imported, and get them everywhere."""
    return {None, "", "localhost", os.uname().nodename}


def show_address(address):
    host = address[0] if isinstance(address, tuple) else address
    return host.decode(errors="replace") if isinstance(host, bytes) else str(host)


def watch_engine(dialect, *_):
    refuse(f"connects to a database ({dialect.name})")


def watch_driver(connect):
    @functools.wraps(connect)
    def watched(*arguments, **options):
        refuse("connects to a database")
        return connect(*arguments, **options)

    return watched


def refuse(what):
    if note(what):
        raise UnavailableError("not done while the DAG file is checked: it " + what)


def note(what):
    """Remember what the file does, with its line. False when a library does it by itself."""
    line = find_line()
    if line is not None and [line, what] not in State.notes:
        State.notes.append([line, what])
    return line is not None


def find_line():
    """The innermost line of the file that is being read; None: Airflow or a library does it by itself."""
    frame = inspect.currentframe()
    while frame is not None:
        if State.notes is not None and os.path.abspath(frame.f_code.co_filename) == State.file:
            return frame.f_lineno
        frame = frame.f_back
    return None


def read_all(folder, files):
    """The result of each file, on all processors."""
    waiting, running, count = list(files), {}, max(1, min(4, len(os.sched_getaffinity(0))))
    while waiting or running:
        while waiting and len(running) < count:
            child = start(folder, waiting.pop(0))
            running[child["stream"]] = child
        ready, _, _ = select.select(list(running), [], [], 1)
        for stream in ready:
            child = running[stream]
            data = os.read(stream, 65536)
            child["said"] += data
            if not data:
                del running[stream]
                yield finish(child)
        for child in running.values():
            if time.monotonic() > child["ends"]:
                child["late"] = True
                os.kill(child["process"], signal.SIGKILL)


def start(folder, name):
    path = os.path.join(folder, name)
    reader, writer = os.pipe()
    process = os.fork()
    if not process:
        try:
            os.close(reader)
            silent = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silent, 1)
            os.dup2(silent, 2)
            answer = json.dumps(read(path)).encode()
            while answer:
                answer = answer[os.write(writer, answer) :]
        finally:
            os._exit(0)
    os.close(writer)
    began = time.monotonic()
    ends = began + find_limit(path) + GRACE_SECONDS
    return {
        "file": name,
        "process": process,
        "stream": reader,
        "said": b"",
        "began": began,
        "ends": ends,
        "late": False,
    }


def find_limit(path):
    """Airflow's own, in seconds; none means ten times the default here."""
    from airflow import settings

    limit = settings.get_dagbag_import_timeout(path)
    return limit if limit > 0 else 300


def finish(child):
    os.close(child["stream"])
    _, status = os.waitpid(child["process"], 0)
    seconds = round(time.monotonic() - child["began"], 1)
    if child["said"] and not status:
        return {"file": child["file"], **json.loads(child["said"])}
    how = f"it ended Python with signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "it ended Python"
    if child["late"]:
        how = f"it was not read to its end within {seconds:.0f} s"
    return {
        "file": child["file"],
        "seconds": seconds,
        "dags": [],
        "errors": [[None, how, ""]],
        "unjudged": [],
        "notes": [],
    }


def read(path):
    """What one file defines, does and breaks."""
    from airflow.models.dagbag import DagBag

    State.file, State.notes, State.dags = os.path.abspath(path), [], []
    bag, errors = DagBag(os.devnull, include_examples=False), []
    began = time.monotonic()
    try:
        bag.process_file(path, only_if_updated=False, safe_mode=False)
    except BaseException:  # noqa: BLE001 - sys.exit() in a DAG file ends the scheduler's process for it
        errors.append(traceback.format_exc())
    seconds = round(time.monotonic() - began, 1)
    notes, State.notes = State.notes, None
    errors += [*bag.import_errors.values(), *serialize(bag)]
    told = [describe(text, path) for text in errors]
    excused = [one for one in told if notes and not NEVER_EXCUSED.match(one[1])]
    return {
        "seconds": seconds,
        "dags": sorted(bag.dags),
        "errors": [one for one in told if one not in excused],
        "unjudged": excused,
        "notes": notes,
    }


def serialize(bag):
    """The scheduler stores each DAG as JSON: what cannot be is an import error in production."""
    from airflow.serialization.serialized_objects import SerializedDAG

    for dag_id, dag in bag.dags.items():
        try:
            SerializedDAG.to_dict(dag)
        except Exception as error:  # noqa: BLE001 - whatever it raises
            yield f"the DAG {dag_id} cannot be stored: {type(error).__name__}: {error}"


def describe(text, path):
    """[line of the file or None, the error in one line, the end of the traceback, from the file on]."""
    lines = text.strip().splitlines() or [""]
    found = re.findall(rf'File "{re.escape(path)}", line (\d+)', text)
    first = next((place for place, line in enumerate(lines) if f'File "{path}"' in line), 0)
    frames = [place for place, line in enumerate(lines) if line.startswith("  File ")]
    after = lines[frames[-1] + 1 :] if frames else lines
    said = next((line for line in after if line[:1].strip()), lines[-1])
    line = int(found[-1]) if found else State.dags[0] if len(State.dags) == 1 and not frames else None
    return [line, said[:500], "\n".join(lines[first:][-SHOWN_LINES:])]


if __name__ == "__main__":
    sys.exit(main())
