"""Somebody logs in: a web server can be healthy, and have no page and no style sheet to show.

The observer does it, as soon as the web server answers; see ``templates/verify/login.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.airflow.model import HttpHealth
from builder.airflow.variables import USER_PREFIX
from builder.image.verify import users
from builder.image.verify.observer import LoginQuestion
from builder.image.verify.scheduler import CheckFailure, CheckPassed, NotApplicable
from builder.image.verify.settings import find_known_role, find_role_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.airflow.model import Role
    from builder.image.verify.bench import VerifyContext
    from builder.image.verify.plan import VerifyPlan

NAME = "login"
_HINT = (
    "templates and static files of the web interface are part of the wheels (airflow/www, flask_appbuilder): see what "
    "deletes or hides them; who cannot log in, see webserver_config.py and the log of init"
)


def find_login_role(plan: VerifyPlan) -> Role | None:
    """The web server whose users log in; None: the plan has none, or how they do is not known."""
    return next((role for role in plan.servers if _has_login(role, plan)), None)


def _has_login(role: Role, plan: VerifyPlan) -> bool:
    known = find_known_role(role, plan.airflow)
    return known is not None and known.login is not None and isinstance(role.health, HttpHealth)


def _is_user_made(plan: VerifyPlan) -> bool:
    return any(users.makes_user(role) for role in plan.starters)


def make_login_questions(bench: VerifyContext) -> Mapping[str, LoginQuestion]:
    """Role → what the observer is to try there; nothing where nobody asks, or nobody could log in."""
    role = find_login_role(bench.plan)
    if role is None or NAME not in bench.selected or not _is_user_made(bench.plan):
        return {}
    known = find_known_role(role, bench.plan.airflow)
    if known is None or known.login is None or not isinstance(role.health, HttpHealth):
        return {}
    if not users.keeps_users(bench, role):
        return {}
    address = find_role_address(bench, role, role.health)
    user = {name: bench.user[USER_PREFIX + name.upper()] for name in ("username", "password")}
    base, own_role = address.format_url(role.name, ""), bench.user[f"{USER_PREFIX}ROLE"]
    return {role.name: LoginQuestion(base, known.login.form, known.login.home, user, own_role, known.login.token)}


def check_login(bench: VerifyContext) -> CheckPassed:
    """The user that init made logs in, sees the first page, and all scripts and style sheets that it names.

    Where Airflow gives tokens, it is given one, and reaches the API with it.
    """
    role = find_login_role(bench.plan)
    if role is None:
        raise NotApplicable("no role is a web server of which it is known how people log in")
    if not _is_user_made(bench.plan):
        raise NotApplicable(f"no role makes a user ({USER_PREFIX}CREATE), so nobody could log in")
    if not users.keeps_users(bench, role):
        raise NotApplicable(users.NO_USERS)
    observer, seconds = bench.wait_for_observer(), bench.plan.timeouts.role
    found = observer.wait(f"{NAME}:{role.name}", seconds, bench.cancelled)
    log = bench.boxes[role.name].read_logs()
    if found is None:
        observer.require_running("the login")
        raise CheckFailure(f"nobody could log in within {seconds:.0f} s", hint=_HINT, log=log)
    ok, words = found
    if not ok:
        raise CheckFailure(words, hint=_HINT, log=log)
    return CheckPassed(words)
