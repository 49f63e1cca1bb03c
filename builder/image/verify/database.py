"""Which database a verification runs against, and having it answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.core.errors import VerifyUsageError
from builder.core.image_reference import extract_last_component
from builder.core.naming import SQLITE
from builder.image.base.servers import POSTGRES
from builder.image.verify import environment
from builder.image.verify.containers import ContainerOptions
from builder.image.verify.scheduler import CheckPassed
from builder.image.verify.servers import choose_server_image, wait_for_server_start

if TYPE_CHECKING:
    import threading

    from builder.core.runtime import Runtime
    from builder.engine.client import Engine
    from builder.image.verify.containers import ContainerFactory, RunningContainer
    from builder.image.verify.environment import VerifyDatabase

DATABASE_URL_VARIABLE = "OPTBUILD_DATABASE_URL"
_DATA = "/var/lib/postgresql/data"
_SERVER = ("postgres", "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off")
"""The data is thrown away in a minute: nothing needs to survive a power cut."""


def choose_database(runtime: Runtime, engine: Engine, wanted: str, home: str) -> VerifyDatabase:
    """The database for this run: the existing one of the environment, sqlite, the wanted image, or one made here.

    ``home`` is the image's AIRFLOW_HOME. Raises VerifyUsageError and what ``choose_server_image`` raises.
    """
    if url := runtime.env.get(DATABASE_URL_VARIABLE):
        return environment.make_external_database(url)
    if wanted == SQLITE:
        return environment.make_sqlite_database(home)
    check_postgres_image(wanted)
    image, note = choose_server_image(runtime, engine, wanted, POSTGRES)
    return environment.make_postgres_database(image, image, note)


def check_postgres_image(image: str) -> None:
    """Raises VerifyUsageError for the image of another database."""
    if "postgres" not in extract_last_component(image):
        raise VerifyUsageError(
            f"verify starts PostgreSQL or uses sqlite; it does not know how to start {image}",
            hint="use `postgres:13` or `sqlite` as [verify] database (or --database)",
        )


def start_database_server(yard: ContainerFactory, database: VerifyDatabase) -> RunningContainer | None:
    """Start the server of a database that is ours; None for the others."""
    if database.image is None:
        return None
    variables = {"POSTGRES_USER": "airflow", "POSTGRES_PASSWORD": database.password, "POSTGRES_DB": "airflow"}
    start = ContainerOptions(_SERVER, variables, alias=environment.DATABASE_HOST, tmpfs=(_DATA,))
    return yard.start(start, image=database.image)


def check_database_server(
    yard: ContainerFactory, database: VerifyDatabase, seconds: float, cancelled: threading.Event
) -> CheckPassed:
    """Up means that it answers over TCP: while it makes its cluster, the official image listens on a socket only."""
    box = start_database_server(yard, database)
    if box is None:
        return CheckPassed(database.note or f"{database.name}: no server to start")

    ask = ("pg_isready", "-q", "-h", "127.0.0.1", "-U", "airflow", "-d", "airflow")
    wait_for_server_start(database.name, box, lambda: box.execute(*ask)[0] == 0, seconds, cancelled)
    return CheckPassed(database.note or f"{database.name} answers")
