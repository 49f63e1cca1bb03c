"""OB215: containers of one Airflow that cannot read what another has encrypted."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from builder.airflow.find import TABLE_READERS, WEB_ROLES
from builder.airflow.variables import FERNET_KEY
from builder.compose.rules.airflow import list_airflow_3_services
from builder.core.phrases import choose_verb, join_names
from builder.findings.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from builder.compose.rules.airflow import AirflowService
    from builder.compose.rules.context import RuleContext

CODE = "OB215"
_FERNET_BYTES = 32
_FIX = (
    f"{FERNET_KEY.name}: ${{CORE_FERNET_KEY:?}}  # in the environment of all of them; in .env: CORE_FERNET_KEY=..., as "
    '`python -c "import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())"` prints it'
)


def find_fernet_problems(context: RuleContext) -> Iterator[Finding]:
    """At most one finding about keys that are none, and one about services without a common key.

    An empty key encrypts nothing, and is the same for all. Silent where a key may be set elsewhere. Source:
    ``get_fernet`` (airflow/models/crypto.py) and what makes airflow.cfg (airflow/configuration.py), 2.8.1 and 3.3.2.
    """
    wrong = [one for one in context.airflow_services if _has_wrong_fernet_key(one)]
    if wrong:
        yield _make_fernet_finding(
            context,
            wrong,
            f"a {FERNET_KEY.name} that is not a Fernet key ({_FERNET_BYTES} bytes in URL-safe base64): no connection "
            "with a password and no variable can be saved or read",
        )
    new = {one.name for one in list_airflow_3_services(context.airflow_services)}
    known = [one for one in context.airflow_services if _decrypts(one, one.name in new) and _is_key_known(one)]
    if len(known) > 1 and any(WEB_ROLES & set(one.start.roles) for one in known):
        yield from _check_common_key(context, known)


def _check_common_key(context: RuleContext, known: list[AirflowService]) -> Iterator[Finding]:
    settings = {one.name: one.settings.find_setting(FERNET_KEY, one.version) for one in known}
    lacking = [one for one in known if settings[one.name] is None]
    if lacking:
        says = "no {}, so each container makes one at its first start"
    elif len({setting[1] for setting in settings.values() if setting}) > 1:
        says = "not the same {}"
    else:
        return
    result = ": passwords of connections that one has saved cannot be read by the others"
    yield _make_fernet_finding(context, lacking or known, says.format(FERNET_KEY.name) + result)


def _decrypts(one: AirflowService, is_new: bool) -> bool:
    """Whether it reads connections itself: the worker of Airflow 3 asks the api-server for them."""
    return bool(TABLE_READERS & set(one.start.roles)) or (not is_new and "worker" in one.start.roles)


def _is_key_known(one: AirflowService) -> bool:
    return one.settings.is_complete or one.settings.find_setting(FERNET_KEY, one.version) is not None


def _has_wrong_fernet_key(one: AirflowService) -> bool:
    """Several keys are separated by commas: the first encrypts, all decrypt."""
    text = one.settings.find_value(FERNET_KEY, one.version)
    return "$" not in text and any(not _is_fernet_key(part) for part in text.split(",") if text)


def _is_fernet_key(text: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(text.encode())) == _FERNET_BYTES
    except (binascii.Error, ValueError):
        return False


def _make_fernet_finding(context: RuleContext, services: Sequence[AirflowService], says: str) -> Finding:
    names = tuple(one.name for one in services)
    return Finding(
        CODE,
        context.line(context.project, names[0], "environment"),
        f"{join_names(names)} {choose_verb(names, 'has', 'have')} {says}",
        names,
        _FIX,
    )
