"""Checks by a probe in a container of its own: what DAGs import of Airflow and its providers, and TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from builder.airflow.variables import LOAD_EXAMPLES, USER_HOME_VARIABLE
from builder.core.phrases import format_short_list
from builder.image.verify.bench import read_image_environment
from builder.image.verify.containers import PROBE_SHARES, ContainerOptions
from builder.image.verify.probes import PROBE_FOLDER, ProbeResult, format_first_problem, read_probe_files, run_probe
from builder.image.verify.scheduler import CheckFailure, CheckPassed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.image.verify.bench import VerifyContext

PROVIDERS_HINT = (
    "a file of the package or a library that it needs is missing: see [apt] runtime; what nobody uses goes out of the "
    "requirements and extras"
)
TLS_HINT = (
    "the image needs certificate authorities where its clients look for them (Debian's ca-certificates), and nothing "
    "that switches verification off"
)


def make_script_options(script: str, environment: Mapping[str, str], user: str | None = None) -> ContainerOptions:
    """A probe past the entrypoint, without a database."""
    return ContainerOptions(
        (f"{PROBE_FOLDER}/{script}",),
        {LOAD_EXAMPLES.name: "false", "PYTHONDONTWRITEBYTECODE": "1", **environment},
        ("python",),
        user=user,
        files=read_probe_files(script),
        shares=PROBE_SHARES,
    )


def check_providers(bench: VerifyContext) -> CheckPassed:
    """Everything that DAGs import of Airflow, and every script, can be imported."""
    start = make_script_options("providers.py", {})
    answer = require_answer(run_probe(bench.yard, start, bench.plan.timeouts.providers, bench.cancelled))
    require_no_problems(answer, PROVIDERS_HINT)
    return CheckPassed(format_providers(answer))


def format_providers(answer: Mapping[str, Any]) -> str:
    """What was imported, which packages some modules need and nothing requires, and what is named and nowhere."""
    counts = f"{answer['modules']} modules of Airflow and {answer['providers']} providers, {answer['scripts']} scripts"
    notes = [
        f"{words} {format_short_list(answer[key], 5)}"
        for key, words in (("optional", "nothing requires"), ("misnamed", "named by a package that never had it:"))
        if answer[key]
    ]
    return "; ".join((counts, *notes))


def check_tls(bench: VerifyContext, uid: int) -> CheckPassed:
    """Clients of the image reach a server that they may trust and refuse any other, whatever user they run as."""
    around = {"NO_PROXY": "localhost", "no_proxy": "localhost", **_find_home(bench)}
    start = make_script_options("tls.py", around, user=f"{uid}:0")
    answer = require_answer(run_probe(bench.yard, start, bench.plan.timeouts.probe, bench.cancelled))
    require_no_problems(answer, TLS_HINT)
    return format_tls(answer)


def _find_home(bench: VerifyContext) -> dict[str, str]:
    """The home folder that the entrypoint gives a user id that nobody made: in official images before 2.9 the packages
    lie in a site folder below it."""
    home = read_image_environment(bench.attrs).get(USER_HOME_VARIABLE)
    return {"HOME": home} if home else {}


def format_tls(answer: Mapping[str, Any]) -> CheckPassed:
    """How many authorities there are, and a warning for a file of them that is not in the image."""
    mounted = "which is not in the image: whoever starts it must mount it"
    warnings = tuple(f"{words}, {mounted}" for words in answer["mounted"])
    return CheckPassed(f"{answer['authorities']} certificate authorities; unknown servers are refused", None, warnings)


def require_answer(ended: ProbeResult) -> Mapping[str, Any]:
    """What the probe says. Raises CheckFailure when it broke before it could."""
    if ended.answer is None:
        raise CheckFailure(f"the probe ended with exit code {ended.code} before it could answer", log=ended.log)
    return ended.answer


def require_no_problems(answer: Mapping[str, Any], hint: str) -> None:
    """Raises CheckFailure with the first of the answer's problems; all of them are in its log."""
    problems = answer["problems"]
    if problems:
        log = "\n".join(problems) if len(problems) > 1 else ""
        raise CheckFailure(format_first_problem(problems), hint=hint, log=log)
