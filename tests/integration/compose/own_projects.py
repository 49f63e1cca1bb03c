"""Small projects of our own in other people's habits, each with what is right for it, read by eye and written by hand.

They lie in ``tests/fixtures/projects`` with all their files. What the product says of them is compared by
``test_own_projects.py``, and printed as a table by ``print_reach.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "fixtures" / "projects"
STACK, WATCH = ("stack",), ("watch",)
"""Ways to use a project that are not a choice of files: `docker stack config`, `docker compose watch`."""


@dataclass(frozen=True)
class RightAnswer:
    """``groups``: the Airflow groups, services apart by spaces. ``findings``: code and services; OB104 is not among
    them, since it only says what another program is. ``ways``: how else the same files can be used, each valid today:
    the files of a `-f` choice, or STACK, or WATCH."""

    groups: tuple[str, ...]
    builder: str
    findings: frozenset[str]
    ways: tuple[tuple[str, ...], ...] = ()


def _find(services: str, *common: str, more: tuple[str, ...] = ()) -> frozenset[str]:
    """``common``: codes that concern all of ``services``; ``more``: findings with their own services."""
    return frozenset({*(f"{code} {services}" for code in common), *more})


_LAYOUT_2 = "airflow-cli airflow-init airflow-scheduler airflow-triggerer airflow-webserver airflow-worker flower"
_LAYOUT_3 = (
    "airflow-apiserver airflow-cli airflow-dag-processor airflow-init airflow-scheduler airflow-triggerer "
    "airflow-worker flower"
)
_ASTRO = "db-migration scheduler triggerer webserver"
_TRAM = "airflow-cli airflow-init airflow-scheduler airflow-triggerer airflow-webserver"
_MUSEUM = "airflow-init airflow-scheduler airflow-webserver"
_GRID = "api-server dag-processor init scheduler triggerer worker"
_INIT, _MIGRATE = "init scheduler webserver", "migrate scheduler webserver"
_PAIR = "scheduler webserver"
_NO_CHECKS = ("OB202 scheduler", "OB202 webserver")
_NO_KEY = "OB215 scheduler webserver"

OWN_PROJECTS: dict[str, RightAnswer] = {
    # an anchor inside a service: who merges its mapping gets all of it, so only that one can build; no depends_on;
    # globs and quotes behind pip
    "observatory": RightAnswer(
        (_PAIR,),
        "scheduler",
        _find(_PAIR, "OB101", "OB301", "OB302", "OB303", "OB306", more=(_NO_KEY, "OB106 webserver", *_NO_CHECKS)),
    ),
    # the official layout; a cli behind a profile; development names in the override, registry names in production
    "tram-lines": RightAnswer(
        (_TRAM,),
        "airflow-init",
        _find(
            _TRAM,
            "OB101",
            more=(
                "OB215 airflow-scheduler airflow-triggerer airflow-webserver",
                "OB106 airflow-cli",
                "OB202 airflow-triggerer",
            ),
        ),
        (("docker-compose.yaml",), ("docker-compose.yaml", "docker-compose.prod.yaml")),
    ),
    # develop.watch with rebuild and sync
    "greenhouse": RightAnswer(
        (_INIT,),
        "scheduler",
        _find(
            _INIT,
            "OB101",
            more=(
                _NO_KEY,
                "OB106 init webserver",
            ),
        ),
        (WATCH,),
    ),
    # another service's build takes this one's as a context
    "library-catalog": RightAnswer(
        ("docs", _MIGRATE),
        "scheduler",
        _find(_MIGRATE, "OB101", more=(_NO_KEY, "OB106 migrate webserver", *_NO_CHECKS)),
    ),
    # a service that is only there to be built, and FROM its image
    "tide-gauge": RightAnswer(("base", _INIT), "init", _find(_INIT, "OB101", "OB303", more=_NO_CHECKS)),
    # three stacks side by side, each whole
    "vineyard": RightAnswer(
        (_PAIR,),
        "scheduler",
        _find(
            _PAIR,
            "OB101",
            "OB302",
            "OB306",
            more=(_NO_KEY, "OB202 postgres", *_NO_CHECKS, "OB204 postgres", "OB205", "OB211 webserver"),
        ),
        (
            ("docker-compose-celery.yaml",),
            ("docker-compose-ci.yaml",),
            ("docker-compose.yaml", "docker-compose-celery.yaml"),
            ("docker-compose.yaml", "docker-compose-ci.yaml"),
        ),
    ),
    # for a swarm: deploy, and one name that several build
    "post-office": RightAnswer(
        (_INIT,),
        "init",
        _find(_INIT, "OB102", more=(_NO_KEY, "OB202 letters", "OB202 scheduler", "OB205", "OB211 scheduler webserver")),
        (STACK,),
    ),
    # include; extends from a common file with CRLF; requirements bound into the RUN
    "ferries": RightAnswer(
        ("migrate scheduler shell webserver",),
        "migrate",
        _find("migrate scheduler shell webserver", "OB101", more=(_NO_KEY, "OB106 shell", *_NO_CHECKS)),
        (("infra/compose.yaml",), ("common/airflow.yaml",)),
    ),
    # !reset and !override
    "quarry": RightAnswer(
        ("db-init scheduler webserver",),
        "db-init",
        _find("db-init scheduler webserver", "OB101", "OB304", "OB305", more=(*_NO_CHECKS, _NO_KEY)),
        (("compose.yaml",), ("compose.yaml", "compose.ci.yaml")),
    ),
    # Astro's runtime, which pins Airflow by its own constraints and has a user of its own
    "weather-astro": RightAnswer((_ASTRO,), "db-migration", _find(_ASTRO, "OB101", "OB301")),
    # Bitnami: the connection in parts, one image for all components
    "bakery-bitnami": RightAnswer(
        ("scheduler web worker",),
        "web",
        _find("scheduler web worker", "OB101", "OB301", more=("OB106 scheduler worker", "OB202 tray")),
    ),
    # puckel's image, 1.10
    "tickets-puckel": RightAnswer(
        ("flower scheduler webserver worker",),
        "webserver",
        _find(
            "flower scheduler webserver worker",
            "OB101",
            more=("OB106 flower", "OB202 postgres", "OB202 redis", "OB204 postgres", "OB205"),
        ),
    ),
    # Airflow 3 in six containers, without what they need of each other; a health check that was copied
    "grid3": RightAnswer(
        (_GRID,),
        "init",
        _find(
            _GRID,
            "OB101",
            more=(
                "OB215 api-server dag-processor scheduler triggerer",
                "OB202 scheduler",
                "OB202 worker",
                "OB203 amps",
                "OB208 api-server scheduler",
                "OB208 worker",
                "OB213 triggerer",
            ),
        ),
    ),
    # python:slim, two stages, an entrypoint of its own, a base URL with a path
    "clinic": RightAnswer(
        ("migration scheduler webserver",),
        "migration",
        _find("migration scheduler webserver", "OB101", more=_NO_CHECKS),
    ),
    # uv sync, env_file, ${VAR:?}
    "rails-uv": RightAnswer((_MIGRATE,), "migrate", _find(_MIGRATE, "OB101", "OB304", more=("OB202 webserver",))),
    # poetry, a GPU, develop.watch with sync alone
    "forest-poetry": RightAnswer(
        (_INIT,), "webserver", _find(_INIT, "OB101", more=(_NO_KEY, "OB106 init scheduler", *_NO_CHECKS)), (WATCH,)
    ),
    # conda; LocalExecutor with SQLite; constraints that hold Airflow
    "soil-conda": RightAnswer(
        (_PAIR,), "scheduler", _find(_PAIR, "OB101", "OB207", "OB304", more=(*_NO_CHECKS, _NO_KEY))
    ),
    # Podman's names, a path of Windows, flow style
    "harbour-podman": RightAnswer(
        ("scheduler setup webserver",),
        "setup",
        _find("scheduler setup webserver", "OB102", "OB305", more=(*_NO_CHECKS, _NO_KEY)),
    ),
    # CRLF, a byte order mark, tabs; requirements in UTF-16
    "museum-windows": RightAnswer(
        (_MUSEUM,),
        "airflow-init",
        _find(
            _MUSEUM,
            "OB101",
            "OB306",
            more=("OB215 airflow-scheduler airflow-webserver", "OB202 airflow-scheduler", "OB202 airflow-webserver"),
        ),
    ),
    # PIP_CONSTRAINT; installs at the start, a daemon, nobody waits for anybody
    "payroll": RightAnswer(
        (_INIT,),
        "init",
        _find(
            _INIT,
            "OB101",
            "OB302",
            "OB210",
            more=(
                _NO_KEY,
                "OB106 scheduler webserver",
                "OB201 init",
                "OB204 ledger",
                *_NO_CHECKS,
                "OB209 webserver scheduler",
                "OB210 scheduler",
                "OB211 scheduler webserver",
                "OB212 webserver",
            ),
        ),
    ),
    # Airflow's own file with `build: .`, as its documentation tells people
    "layout-2": RightAnswer(
        (_LAYOUT_2,), "airflow-init", _find(_LAYOUT_2, "OB101", more=("OB106 airflow-cli", "OB203 redis"))
    ),
    "layout-3": RightAnswer((_LAYOUT_3,), "airflow-init", _find(_LAYOUT_3, "OB101", more=("OB106 airflow-cli",))),
}
