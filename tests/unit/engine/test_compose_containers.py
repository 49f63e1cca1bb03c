"""A container as the engine describes it, and what of its environment is secret."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import ImageNotFound

from builder.engine.compose_containers import StackEngine, parse_container

ATTRS: dict[str, Any] = {
    "Id": "abc",
    "Name": "/demo-web-2",
    "Image": "sha256:1",
    "Config": {
        "Image": "demo-web",
        "Labels": {
            "com.docker.compose.service": "web",
            "com.docker.compose.container-number": "2",
            "com.docker.compose.config-hash": "12ab",
        },
    },
    "State": {
        "Status": "running",
        "ExitCode": 0,
        "StartedAt": "2024-05-01T10:00:00.5Z",
        "Health": {"Status": "healthy"},
    },
    "HostConfig": {"RestartPolicy": {"Name": "always"}},
}


def test_a_container() -> None:
    found = parse_container(ATTRS)
    assert (found.id, found.name, found.service, found.number) == ("abc", "demo-web-2", "web", 2)
    assert (found.image_id, found.image_name, found.config_hash) == ("sha256:1", "demo-web", "12ab")
    assert (found.status, found.health, found.restart_policy) == ("running", "healthy", "always")
    assert found.started == 1714557600.5
    assert found.running
    assert not found.completed


def test_a_container_without_health_check_and_labels() -> None:
    bare = {
        **ATTRS,
        "Config": {"Labels": None},
        "State": {"Status": "exited", "ExitCode": 0},
        "HostConfig": {},
    }
    found = parse_container(bare)
    assert (found.service, found.number, found.health, found.restart_policy) == ("", 1, None, "no")
    assert found.completed


def described(identity: str, name: str, status: str, number: str = "1", **labels: str) -> dict[str, Any]:
    return {
        **ATTRS,
        "Id": identity,
        "Name": f"/{name}",
        "State": {"Status": status},
        "Config": {"Labels": {**ATTRS["Config"]["Labels"], "com.docker.compose.container-number": number, **labels}},
    }


class Api:
    """Containers, events, and what was removed."""

    def __init__(self, *found: dict[str, Any], events: tuple[tuple[str, str, float], ...] = ()) -> None:
        self.found = {one["Id"]: one for one in found}
        self.seen = events
        self.removed: list[str] = []
        self.words: dict[str, bytes] = {}
        self.api = self

    def containers(self, **_options: Any) -> list[dict[str, Any]]:
        own = {"com.docker.compose.oneoff": "False"}
        return [{"Id": name, "Labels": {**own, **one["Config"]["Labels"]}} for name, one in self.found.items()]

    def inspect_container(self, identity: str) -> dict[str, Any]:
        return self.found[identity]

    def logs(self, identity: str, *, tail: int) -> bytes:
        return b"\n".join(self.words[identity].splitlines()[-tail:])

    def remove_container(self, identity: str, *, v: bool, force: bool) -> None:
        assert not v
        assert not force
        self.removed.append(identity)

    def events(self, *, filters: dict[str, str], **_window: Any) -> Any:
        class Stream(list[Any]):
            def close(self) -> None: ...

        wanted = [one for one in self.seen if one[0] == filters["event"]]
        return Stream({"Actor": {"ID": name}, "timeNano": at * 1e9} for _word, name, at in wanted)


def engine(api: Api) -> StackEngine:
    found: Any = SimpleNamespace(client=api, info=SimpleNamespace(identity="engine"))
    return StackEngine(found)


def test_a_container_of_an_image_that_compose_built_is_none_of_the_stack() -> None:
    """It inherits labels of the image, but not those of a service's container."""
    api = Api(described("own", "demo-web-1", "running"), described("job", "demo-web-run", "exited"))
    api.found["job"]["Config"]["Labels"]["com.docker.compose.oneoff"] = "True"
    stranger = described("stranger", "mine", "created")
    del stranger["Config"]["Labels"]["com.docker.compose.config-hash"]
    api.found["stranger"] = stranger
    assert [one.id for one in engine(api).list_containers("demo")] == ["own"]


def test_what_compose_was_making_is_removed_while_the_old_one_is_there() -> None:
    half = "012345678901_demo-web-1"
    api = Api(described("old", "demo-web-1", "running"), described("half", half, "created"))
    assert engine(api).remove_unfinished_containers("demo") == (half,)
    assert api.removed == ["half"]


@pytest.mark.parametrize(
    "found",
    [
        (described("only", "012345678901_demo-web-1", "created"),),
        (described("old", "demo-web-1", "running"), described("two", "012345678901_demo-web-2", "created", "2")),
        (described("old", "demo-web-1", "exited"), described("new", "012345678901_demo-web-1", "running")),
        (described("old", "demo-web-1", "running"), described("other", "demo-web-x", "created")),
    ],
)
def test_nothing_else_is_removed(found: tuple[dict[str, Any], ...]) -> None:
    api = Api(*found)
    assert engine(api).remove_unfinished_containers("demo") == ()
    assert api.removed == []


def test_a_container_that_was_told_to_end() -> None:
    told = (("kill", "a", 5.0), ("kill", "b", 5.0), ("die", "b", 6.0), ("kill", "gone", 5.0), ("die", "c", 1.0))
    running = tuple(described(name, f"demo-{name}-1", "running") for name in "abc")
    stack = engine(Api(*running, events=told))
    assert stack.find_stopping_containers("demo", 0.0, 10.0) == {"a"}
    assert stack.find_exit_times("demo", 0.0, 10.0) == {"b": 6.0, "c": 1.0}


def test_what_the_last_health_check_said_is_shown_without_secrets() -> None:
    sick = described("sick", "demo-web-1", "running")
    sick["Config"]["Env"] = ["POSTGRES_PASSWORD=hunter22"]
    checks = [{"Output": "long ago"}, {"Output": "curl: (7) Failed to connect\nas hunter22\n"}]
    sick["State"]["Health"] = {"Status": "unhealthy", "Log": checks}
    stack = engine(Api(sick, described("none", "demo-db-1", "running")))
    assert stack.read_health_output("sick") == ("curl: (7) Failed to connect", "as ***")
    assert stack.read_health_output("none") == ()


def test_a_log_is_quoted_without_the_secrets_of_its_container() -> None:
    dead = described("dead", "demo-web-1", "exited")
    dead["Config"]["Env"] = [
        "DB_PWD=hunter22",
        "PRIVATE_DATA=x9y8z7",
        "SLACK_WEBHOOK_URL=https://hooks.slack.example/services/T0/B0/abcdef",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgresql://me:pw12@db/airflow",
        "POSTGRES_DB=warehouse",
        "AIRFLOW_UID=50000",
        "EMPTY_TOKEN=",
    ]
    api = Api(dead)
    api.words["dead"] = (
        b'"DB_PWD" must be set\nhunter22, x9y8z7 and https://hooks.slack.example/services/T0/B0/abcdef\n'
        b"postgresql://me:pw12@db/airflow: warehouse, 50000\n"
    )
    assert engine(api).read_log("dead", 40) == (
        '"DB_PWD" must be set',
        "***, *** and ***",
        "postgresql://me:***@db/airflow: warehouse, 50000",
    )


def test_how_often_a_container_crashed() -> None:
    assert parse_container({**described("a", "demo-a-1", "running"), "RestartCount": 7}).restarts == 7
    assert parse_container(described("a", "demo-a-1", "running")).restarts == 0


def test_what_an_image_sets() -> None:
    def inspect(image: str) -> dict[str, Any]:
        if image == "gone":
            raise ImageNotFound("no such image")
        return {"Config": {"Env": ["PATH=/bin", "URL=a=b"] if image == "full" else None}}

    engine = SimpleNamespace(client=SimpleNamespace(api=SimpleNamespace(inspect_image=inspect)))
    stack = StackEngine(engine)  # type: ignore[arg-type]  # all that it needs of one
    assert stack.read_image_environment("full") == {"PATH": "/bin", "URL": "a=b"}
    assert stack.read_image_environment("bare") == stack.read_image_environment("gone") == {}
