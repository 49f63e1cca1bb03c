"""The probes that look at the image from inside, and what their answers mean. The scripts are ``templates/verify/``."""

from __future__ import annotations

import json
import re
import secrets
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from builder.airflow.variables import LOAD_EXAMPLES
from builder.core.resources import read_template
from builder.image.verify.containers import PROBE_SHARES, ContainerOptions, RunningContainer, wait_until
from builder.image.verify.scheduler import CheckFailure, CheckPassed, NotRun

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from builder.image.verify.containers import ContainerFactory
    from builder.image.verify.plan import VerifyPlan

PROBE_FOLDER = "/tmp/optbuild-verify"  # noqa: S108 - inside a container of our own
MARK = "optbuild: "
"""Before each line of JSON that a probe prints; whatever else Airflow or a plugin prints is not an answer."""
_SHOWN = 8
_NEEDS = re.compile(r"([\w.-]+) needs ([A-Za-z0-9._-]*[A-Za-z0-9])")
_PKG_RESOURCES = re.compile(r"No module named 'pkg_resources[.']")
"""setuptools 81.0.0 has it, 82.0.0 has not; many that import it do not say that they need setuptools."""
_RANDOM_UIDS = range(60000, 600000)


def parse_probe_answer(line: str) -> dict[str, Any] | None:
    """The JSON of one line of a probe's output; None for any other line."""
    if not line.startswith(MARK):
        return None
    try:
        found = json.loads(line.removeprefix(MARK))
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def read_probe_files(*names: str) -> tuple[tuple[str, bytes], ...]:
    """Scripts of ``templates/verify`` at their places in a container."""
    return tuple((f"{PROBE_FOLDER}/{name}", read_template(f"verify/{name}")) for name in names)


def make_probe_options(plan: VerifyPlan) -> ContainerOptions:
    """The static probe: past the entrypoint, without a database."""
    asked = json.dumps({"requirements": plan.requirements, "optional": list_optional_folders(plan)})
    environment = {"OPTBUILD_VERIFY": asked, LOAD_EXAMPLES.name: "false", "PYTHONDONTWRITEBYTECODE": "1"}
    files = read_probe_files("modules.py", "system.py", "probe.py")
    return ContainerOptions((f"{PROBE_FOLDER}/probe.py",), environment, ("python",), files=files, shares=PROBE_SHARES)


def list_optional_folders(plan: VerifyPlan) -> tuple[str, ...]:
    """Folders of AIRFLOW_HOME that the image may lack: the official ones have them only from 3.0 on, if at all."""
    return () if plan.is_described else ("plugins", "config")


def make_user_probe_options(uid: int, plan: VerifyPlan) -> ContainerOptions:
    """The user probe: behind the image's entrypoint, a user id that nobody made, group 0, no database to wait for."""
    environment = {
        "CONNECTION_CHECK_MAX_COUNT": "0",
        LOAD_EXAMPLES.name: "false",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPTBUILD_VERIFY": json.dumps({"optional": list_optional_folders(plan)}),
    }
    command = ("python", f"{PROBE_FOLDER}/user.py")
    return ContainerOptions(
        command, environment, user=f"{uid}:0", files=read_probe_files("user.py"), shares=PROBE_SHARES
    )


def choose_random_uid() -> int:
    """Any id that no image is likely to know."""
    return _RANDOM_UIDS[secrets.randbelow(len(_RANDOM_UIDS))]


@dataclass(frozen=True)
class ProbeResult:
    """A probe's container has ended."""

    code: int
    log: str
    answer: dict[str, Any] | None


def run_probe(
    yard: ContainerFactory, start: ContainerOptions, seconds: float, cancelled: threading.Event
) -> ProbeResult:
    """Run to the end. Raises CheckFailure when it takes longer than ``seconds``."""
    box = yard.start(start)
    code = wait_until(box.find_exit_code, seconds, cancelled)
    if code is None:
        raise CheckFailure(f"did not end within {seconds:.0f} s", log=box.read_logs())
    return read_probe_result(box, code)


def read_probe_result(box: RunningContainer, code: int) -> ProbeResult:
    """The last answer in the container's output, and its last lines."""
    log = box.read_logs(tail=400)
    answers = [found for found in map(parse_probe_answer, log.splitlines()) if found is not None]
    words = "\n".join(line for line in log.splitlines()[-40:] if not line.startswith(MARK))
    return ProbeResult(code, words, answers[-1] if answers else None)


class StaticProbe:
    """Several checks from one start of Python: whichever asks first runs it, the others wait for the answer."""

    def __init__(self, run: Callable[[], ProbeResult]) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._ended: ProbeResult | None = None
        self._failure: CheckFailure | None = None

    def read_part(self, name: str, *, first: bool = False) -> tuple[Any, float]:
        """One part's result and its seconds. Without any answer the ``first`` check fails, the others did not run."""
        with self._lock:
            if self._ended is None and self._failure is None:
                self._run_once()
        if self._failure is not None or self._ended is None or self._ended.answer is None:
            if first:
                raise self._failure or self._make_silent_failure()
            raise NotRun("Python did not start in the image: see the check `version`")
        return _parse_part(self._ended.answer[name])

    def _run_once(self) -> None:
        try:
            self._ended = self._run()
        except CheckFailure as failure:
            self._failure = failure

    def _make_silent_failure(self) -> CheckFailure:
        code, log = (self._ended.code, self._ended.log) if self._ended else (1, "")
        return CheckFailure(f"`python` ended with exit code {code} before it could look at anything", log=log)


def _parse_part(part: Mapping[str, Any]) -> tuple[Any, float]:
    seconds = float(part["seconds"])
    if part["error"]:
        raise CheckFailure(str(part["error"]).strip().splitlines()[-1], log=str(part["error"]), seconds=seconds)
    return part["result"], seconds


def check_version(probe: StaticProbe, expected: str) -> CheckPassed:
    """``airflow version`` equals the spec."""
    said, seconds = probe.read_part("version", first=True)
    if said != expected:
        raise CheckFailure(
            f"`airflow version` says {said}, expected {expected}",
            hint="run `optbuild lock` and build again: the image holds another Airflow than its spec",
            seconds=seconds,
        )
    return CheckPassed(f"Airflow {said}", seconds)


def check_problems(probe: StaticProbe, part: str, fine: str, hint: str) -> CheckPassed:
    """A part whose result is a list of problems."""
    problems, seconds = probe.read_part(part)
    if problems:
        raise CheckFailure(
            format_first_problem(problems),
            hint=hint,
            seconds=seconds,
            log="\n".join(problems) if len(problems) > 1 else "",
        )
    return CheckPassed(fine, seconds)


def check_imports(probe: StaticProbe, count: int) -> CheckPassed:
    """Each of the ``count`` distributions that were asked for; what one of them has beside itself is noted."""
    problems, _ = probe.read_part("imports")
    hint = "a shared library or a file of the package is missing: see [apt] runtime"
    if any(map(_PKG_RESOURCES.search, problems)):
        hint = 'setuptools has pkg_resources to version 81: add "setuptools<82" to [python] requirements, lock again'
    passed = check_problems(probe, "imports", f"{count} requirements import", hint)
    return replace(passed, notes=tuple(probe.read_part("strays")[0]))


def check_folders(probe: StaticProbe) -> CheckPassed:
    """AIRFLOW_HOME and its folders; those that the image may lack and does are noted."""
    writable = "make the folder group-writable for group 0 (`chmod g+rwx`) in the layer that creates it"
    passed = check_problems(probe, "folders", "group 0 can write them all", writable)
    absent, _ = probe.read_part("absent")
    notes = tuple(
        f"the image has no {path}: Docker makes it for root alone where a volume is mounted there" for path in absent
    )
    return replace(passed, notes=notes)


def check_dependencies(probe: StaticProbe, base: str, kept: Collection[str]) -> CheckPassed:
    """Every requirement is met. What two distributions of the ``base``, both ``kept``, want of each other is noted."""
    problems, seconds = probe.read_part("dependencies")
    ours = [problem for problem in problems if not _is_between(problem, kept)]
    if ours:
        log = "\n".join(ours) if len(ours) > 1 else ""
        hint = "run `optbuild lock` and build again"
        raise CheckFailure(format_first_problem(ours), hint=hint, seconds=seconds, log=log)
    notes = tuple(f"so it is in the base {base} already: {problem}" for problem in problems)
    return CheckPassed("every requirement is satisfied", seconds, notes=notes)


def _is_between(problem: str, kept: Collection[str]) -> bool:
    """``problem`` in the probe's words: ``NAME needs REQUIREMENT: ...``."""
    found = _NEEDS.match(problem)
    return found is not None and all(canonicalize_name(name) in kept for name in found.groups())


def format_first_problem(problems: list[str]) -> str:
    """The first, and how many more there are."""
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return problems[0] + more


def check_user_probe(uid: int, probe: ProbeResult) -> CheckPassed:
    """The user probe's answer; without one the entrypoint or Python refused that user."""
    hint = "files that Airflow needs must be readable, its folders writable, for group 0 (`chmod -R g=u`)"
    if probe.answer is None:
        raise CheckFailure(
            f"user {uid}, group 0: the container ended with exit code {probe.code}", hint=hint, log=probe.log
        )
    if probe.answer["problems"]:
        raise CheckFailure(
            f"user {uid}, group 0: {format_first_problem(probe.answer['problems'])}", hint=hint, log=probe.log
        )
    return CheckPassed(f"user {uid}, group 0 runs Airflow and writes its folders")
