"""Imports what DAGs import: Airflow's operators and sensors, each installed provider, each script. One JSON line.

Runs inside the image; standard library and Airflow only. What an extra would bring and nothing requires is noted, not
failed: a provider has modules for services that this image does not use.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
import sysconfig

OWN_MODULE = re.compile(
    r"airflow/(operators|sensors|hooks|triggers|decorators|executors|notifications|secrets|timetables)/(\w+)\.py"
)
"""Those that DAGs and configurations name."""
DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
TEXTS = {"config", "dependencies", "description", "integrations", "versions"}
"""Keys of a provider's information whose values name no module of it; a default or an example may look like one."""
NAMESPACE = re.compile(rb"extend_path|declare_namespace")
FIND = "import importlib.util as u, sys; print(*[n for n in sys.argv[1:] if u.find_spec(n) is None])"


def main():
    """Everything at once on all processors: half of the time goes into a few large libraries."""
    import airflow  # noqa: F401 - the children share it

    providers, problems = list_provider_objects()
    scripts = [(entry.name, entry.value) for entry in find_entries("console_scripts")]
    work = [*list_own_modules(), *providers, *(("the script " + name, value) for name, value in scripts)]
    found = run_everywhere(work)
    optional, misnamed = (sorted({why for one, why in found if one == kind}) for kind in ("optional", "misnamed"))
    problems += [why for kind, why in found if kind == "problem"] + check_scripts()
    counts = {"modules": len(work) - len(scripts), "scripts": len(scripts), "providers": count_providers()}
    answer = {"problems": sorted(problems), "optional": optional, "misnamed": misnamed, **counts}
    print("optbuild: " + json.dumps(answer), flush=True)


def find_entries(group):
    """Entry points of a group; Python 3.8 and 3.9 have another way to ask."""
    found = importlib.metadata.entry_points()
    return list(found.select(group=group) if hasattr(found, "select") else dict(found).get(group, ()))


def count_providers():
    return len(find_entries("apache_airflow_provider"))


def list_own_modules():
    """(who, module) of Airflow itself, as its distribution says: a file that is gone is still in its list."""
    found = (OWN_MODULE.fullmatch(file) for file in list_installed_files())
    return sorted(("Airflow", f"airflow.{one[1]}.{one[2]}") for one in found if one and one[2] != "__init__")


def list_provider_objects():
    """(who, module or class) that each provider's own information names, and the problems of those that give none."""
    found, problems = [], []
    for entry in find_entries("apache_airflow_provider"):
        top = entry.value.partition(":")[0].partition(".")[0]
        try:
            info = entry.load()()
        except BaseException as error:  # noqa: BLE001 - reported
            problems.append(f"{entry.value}: {describe(error)}")
            continue
        names = {text for text in list_texts(info) if text.startswith(top + ".")}
        found += [(info.get("package-name") or entry.name, name) for name in sorted(names)]
    return found, problems


def list_texts(value):
    """Each dotted name anywhere in the information."""
    if isinstance(value, str):
        if DOTTED.fullmatch(value):
            yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in TEXTS:
                yield from list_texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from list_texts(item)


def run_everywhere(work):
    """[(kind, words)] of all the work, shared out among as many children as there are processors."""
    count = max(1, min(4, len(os.sched_getaffinity(0))))
    children = [start(work[place::count]) for place in range(count)]
    return [one for child in children for one in finish(*child)]


def start(work):
    """A child that says what it begins and what it found: one that crashes does not take the answer with it."""
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        return work, reader, child
    code = 1
    try:
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        with os.fdopen(writer, "w") as stream:
            for who, name in work:
                print(json.dumps(["", ""]), file=stream, flush=True)
                for one in examine(who, name):
                    print(json.dumps(one), file=stream, flush=True)
        code = 0
    finally:
        os._exit(code)


def finish(work, reader, child):
    """What the child found; what crashed it is a problem, and what it left is given to another one."""
    with os.fdopen(reader) as stream:
        said = [tuple(json.loads(line)) for line in stream]
    _, status = os.waitpid(child, 0)
    yield from (one for one in said if one[0])
    if status:
        begun = sum(not kind for kind, _ in said)
        who, name = work[max(begun - 1, 0)]
        how = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit code {os.WEXITSTATUS(status)}"
        yield "problem", f"{who}: importing {name} ended Python with {how}"
        if work[begun:]:
            yield from finish(*start(work[begun:]))


def examine(who, name):
    """Nothing when it is there."""
    try:
        resolve(name)
    except BaseException as error:  # noqa: BLE001 - reported
        missing = find_optional(error)
        if missing is not None:
            yield "optional", missing
        elif is_misnamed(name, error):
            yield "misnamed", name.replace(":", ".")
        else:
            yield "problem", f"{who}: {name.replace(':', '.')}: {describe(error)}"


def is_misnamed(name, error):
    """Whether a distribution names what it never had: nobody can import it anywhere, and no image can mend it.

    A module that is in no list of files, or a class that is not in a file which is as it was published.
    """
    dotted = name.partition(" ")[0].replace(":", ".")
    if isinstance(error, ModuleNotFoundError):
        path = (error.name or "").replace(".", "/")
        named = error.name and (dotted + ".").startswith(error.name + ".")
        return bool(named) and not any(one.startswith((path + "/", path + ".")) for one in list_installed_files())
    if not isinstance(error, AttributeError) or error.__traceback__.tb_next is None:
        return False
    ends = error.__traceback__
    while ends.tb_next is not None:
        ends = ends.tb_next
    module = sys.modules.get(name.partition(":")[0]) or sys.modules.get(dotted.rpartition(".")[0])
    return ends.tb_frame.f_code is resolve.__code__ and module is not None and is_as_published(module.__file__)


def is_as_published(path):
    """Whether the file has the hash that the list of its distribution names (PEP 376)."""
    for distribution in importlib.metadata.distributions():
        for file in distribution.files or ():
            if file.hash is not None and path.endswith(str(file)) and str(distribution.locate_file(file)) == path:
                with open(path, "rb") as stream:
                    digest = hashlib.new(file.hash.mode, stream.read()).digest()
                return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == file.hash.value
    return False


def resolve(name):
    """Import the module that ``name`` is or begins with, and take the rest of it from there."""
    module, colon, attributes = name.partition(":")
    if not colon:
        try:
            return importlib.import_module(module)
        except ModuleNotFoundError as error:
            package, _, attributes = module.rpartition(".")
            if error.name != module or hasattr(importlib.import_module(package), "__path__"):
                raise
            module = package
    found = importlib.import_module(module)
    for attribute in attributes.split(" ")[0].split("."):
        found = getattr(found, attribute)
    return found


def describe(error):
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words[:300]}"


def find_optional(error):
    """The package that is missing and that nothing requires; None: the failure is a defect of the image.

    Every error of the import system in the chain must be such a package: what is raised by hand around it
    (``raise ImportError("install x") from error``) only says so in its own words.
    """
    missing, at = [], error
    while at is not None:
        if isinstance(at, ImportError) and at.name is not None:
            if not isinstance(at, ModuleNotFoundError) or not is_optional(at.name):
                return None
            missing.append(at.name)
        elif type(at).__name__ == "AirflowOptionalProviderFeatureException":
            missing.append(missing[-1] if missing else str(at))
        elif not isinstance(at, ImportError):
            return None
        at = at.__cause__ or at.__context__
    return missing[-1] if missing else None


def is_optional(name):
    """Whether a module that is not there belongs to no distribution that is: what they require, `dependencies` proves.

    A provider is one distribution (airflow.providers.common.sql is apache-airflow-providers-common-sql).
    """
    if name.partition(".")[0] in getattr(sys, "stdlib_module_names", ()):
        return False
    if name.startswith("airflow.providers."):
        return not any((name + ".").startswith(package + ".") for package in list_provider_packages())
    files, path = list_installed_files(), name.replace(".", "/")
    if any(one.startswith((path + "/", path + ".")) for one in files):
        return False
    parent = path.rpartition("/")[0]
    return not parent or parent + "/__init__.py" not in files or is_namespace(name.rpartition(".")[0])


def list_provider_packages():
    start = "apache-airflow-providers-"
    names = {re.sub(r"[-_.]+", "-", one.metadata["Name"] or "").lower() for one in importlib.metadata.distributions()}
    return ["airflow.providers." + name[len(start) :].replace("-", ".") for name in names if name.startswith(start)]


FILES = set()


def list_installed_files():
    """Of all distributions, relative to where they are installed."""
    if not FILES:
        FILES.update(str(path) for one in importlib.metadata.distributions() for path in one.files or ())
    return FILES


def is_namespace(name):
    """Whether several distributions put modules into this package."""
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    if module is None or file is None:
        return True
    with open(file, "rb") as stream:
        return NAMESPACE.search(stream.read()) is not None


def check_scripts():
    """Scripts of the distributions that cannot start: absent, not executable, or without their interpreter."""
    folder, problems, interpreters = os.path.realpath(sysconfig.get_path("scripts")), [], {}
    entries = {entry.name: entry.value.partition(":")[0].partition(".")[0] for entry in find_entries("console_scripts")}
    for distribution in importlib.metadata.distributions():
        for file in distribution.files or ():
            path = os.path.normpath(str(distribution.locate_file(file)))
            if os.path.realpath(os.path.dirname(path)) == folder:
                interpreter, problem = read_interpreter(path)
                problems += [f"{path}: {problem}"] if problem else []
                if interpreter and os.path.basename(path) in entries:
                    interpreters.setdefault(interpreter, set()).add(entries[os.path.basename(path)])
    return problems + [one for name, tops in sorted(interpreters.items()) for one in check_interpreter(name, tops)]


def read_interpreter(path):
    """(interpreter or "", problem or "") of one script."""
    try:
        with open(path, "rb") as stream:
            first = stream.readline(500)
    except OSError as error:
        return "", error.strerror
    if not os.access(path, os.X_OK):
        return "", "it is not executable"
    words = first[2:].decode("utf-8", "replace").split() if first.startswith(b"#!") else []
    if not words:
        return "", ""
    name = words[-1] if os.path.basename(words[0]) == "env" else words[0]
    if not any(os.access(os.path.join(folder, name), os.X_OK) for folder in os.get_exec_path()):
        return "", f"its interpreter {name} is not there"
    return (name, "") if os.path.basename(name).startswith("python") else ("", "")


def check_interpreter(name, tops):
    """The scripts' own interpreter starts, and sees their packages."""
    done = subprocess.run([name, "-c", FIND, *sorted(tops)], capture_output=True, check=False)
    if done.returncode != 0:
        return [f"{name}, which scripts start with, ended with exit code {done.returncode}"]
    unseen = done.stdout.decode().split()
    return ["{}, which scripts start with, does not see {}".format(name, ", ".join(unseen))] if unseen else []


if __name__ == "__main__":
    sys.exit(main())
