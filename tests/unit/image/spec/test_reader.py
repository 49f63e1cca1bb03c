"""What a person may write into optbuild.toml, and what they are told when it is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from builder.core.errors import InvalidSpecError, MissingFileError, OptbuildError, SpecError, VerifyUsageError, Where
from builder.image.spec.reader import format_dotted_key, parse_spec, read_spec
from builder.image.spec.server_images import is_postgres, is_redis
from builder.image.verify.database import check_postgres_image
from builder.image.verify.plan import DagFolder, find_spec_dags

if TYPE_CHECKING:
    from builder.image.spec.model import Spec

GOOD = """\
[image]
name = "ml-pipeline-airflow"

[base]
debian = "bookworm"

[airflow]
version = "2.8.1"

[python]
version = "3.11"
"""
FULL = """\
[image]
name = "registry.example:5000/team/ml-pipeline-airflow"
tags = ["latest", "1.0"]
labels = { team = "ml", "org.example.contact" = "Jürgen <j@example.org>" }
env = { AIRFLOW__CORE__LOAD_EXAMPLES = "false" }
[base]
debian = "bookworm"
[airflow]
version = "2.8.1"
extras = ["postgres", "cncf.kubernetes"]
constraints = false
[python]
version = "3.11"
requirements = ["pandas==2.0.3", "tomli>=2; python_version < '3.11'", "apache-airflow[celery]"]
requirements-files = ["requirements.txt"]
[apt]
runtime = ["libgomp1"]
build = ["g++"]
[build]
multi-stage = true
pause-gc-at-start = true
[layers]
max = 12
[roles.flower]
command = ["celery", "flower"]
health = { http = "/", port = 5555 }
[roles.init]
enabled = false
[verify]
database = "sqlite"
dags = "project/dags"
[protect]
images = ["registry.example/base:*"]
[budget]
image-bytes = "900MB"
waste-bytes = "0B"
waste-percent = 2.5
package-bytes = { pandas = "80MB", "libstdc++6" = "3MB" }
"""


def parse(text: str) -> Spec:
    return parse_spec(text, "optbuild.toml", Path("/project"))


def with_line(old: str, new: str) -> str:
    """The good spec with one line exchanged; the file must be the same otherwise."""
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


def after(header: str, line: str) -> str:
    return with_line(header, f"{header}\n{line}")


def test_the_smallest_spec() -> None:
    spec = parse(GOOD)
    assert (spec.image.tags, spec.airflow.constraints, spec.build.multi_stage) == (("latest",), "official", True)
    assert spec.layers.max == 40
    assert (spec.folder, spec.file) == (Path("/project"), "optbuild.toml")


@pytest.mark.parametrize(
    ("kind", "image"), [("image", "host:5000/team/python:3.11-slim"), ("airflow", "apache/airflow:2.8.1-python3.11")]
)
def test_other_bases(kind: str, image: str) -> None:
    """The Python of an image is not known before it is read."""
    spec = parse(with_line('debian = "bookworm"', f'{kind} = "{image}"').replace('"3.11"', '"3.10"'))
    assert (spec.base.kind, getattr(spec.base, kind), spec.base.debian) == (kind, image, None)


def test_every_key() -> None:
    spec = parse(FULL)
    assert spec.image.name == "registry.example:5000/team/ml-pipeline-airflow"
    assert spec.image.labels["org.example.contact"] == "Jürgen <j@example.org>"
    assert spec.airflow.constraints is False
    assert spec.build.pause_gc_at_start is True
    assert spec.python.requirements_files == ("requirements.txt",)
    assert spec.roles["flower"].health is not None
    assert spec.roles["flower"].health.port == 5555
    assert spec.roles["init"].enabled is False
    assert (spec.verify.database, spec.verify.dags) == ("sqlite", "project/dags")
    assert spec.layers.max == 12
    assert spec.budget.image_bytes == "900MB"
    assert (spec.budget.waste_bytes, spec.budget.waste_percent) == ("0B", 2.5)
    assert spec.budget.package_bytes == {"pandas": "80MB", "libstdc++6": "3MB"}


def test_a_byte_order_mark_and_windows_lines_are_fine() -> None:
    assert parse("\ufeff" + GOOD.replace("\n", "\r\n")) == parse(GOOD)


REFUSED = {
    # what is written, then: line, key, a part of the message, a part of the next step
    "unknown key": (after("[image]", 'nmae = "x"'), 2, "image.nmae", "unknown key", "did you mean `name`?"),
    "unknown table": (GOOD + "[rolls]\n", 12, "rolls", "unknown key", "did you mean `roles`?"),
    "unknown key, nothing near": (
        after("[base]", "zzz = 1"),
        5,
        "base.zzz",
        "unknown key",
        "known here: debian, image",
    ),
    "python spelling of a key": (
        after("[python]", "requirements_files = []"),
        11,
        "python.requirements_files",
        "unknown key",
        "requirements-files",
    ),
    "field of ours": (GOOD + '[folder]\nx = "/"\n', 12, "folder", "unknown key", ""),
    "unknown key of a role": (
        GOOD + '[roles.x]\ncomand = ["a"]\ncommand = ["a"]\n',
        13,
        "roles.x.comand",
        "unknown key",
        "`command`",
    ),
    "unknown key of a health": (
        GOOD + '[roles.x]\ncommand = ["a"]\nhealth = { http = "/", port = 1, prot = 2 }\n',
        14,
        "roles.x.health.prot",
        "unknown key",
        "`port`",
    ),
    "missing key": (with_line('name = "ml-pipeline-airflow"', ""), 1, "image.name", "required", "write name ="),
    "missing table": (GOOD.replace('[python]\nversion = "3.11"\n', ""), 1, "python", "required", "[python]"),
    "layers of one stage": (
        GOOD + "[build]\nmulti-stage = false\n[layers]\nmax = 2\n",
        15,
        "layers.max",
        "one stage makes one layer of Python packages, not 2",
        "max = 1",
    ),
    "missing base": (with_line('debian = "bookworm"', ""), 4, "base", "it names no base", 'or airflow = "..."'),
    "missing table of the base": (
        GOOD.replace('[base]\ndebian = "bookworm"\n', ""),
        1,
        "base",
        "this key is required",
        'write [base] with debian = "bookworm"',
    ),
    "base without a tag": (
        with_line('debian = "bookworm"', 'image = "python"'),
        5,
        "base.image",
        "'python' has no tag",
        "python:3.11-slim-bookworm",
    ),
    "base with a digest": (
        with_line('debian = "bookworm"', f'image = "python:3.11@sha256:{"0" * 64}"'),
        5,
        "base.image",
        "the lock is what pins a base",
        "write the tag alone",
    ),
    "base that is not an image": (
        with_line('debian = "bookworm"', 'airflow = "--privileged:1 $(x)"'),
        5,
        "base.airflow",
        "is not an image",
        "",
    ),
    "base with an invisible character": (
        with_line('debian = "bookworm"', 'image = "python:3.11\\n"'),
        5,
        "base.image",
        "",
        "",
    ),
    "not a text": (with_line('version = "3.11"', "version = 3.11"), 11, "python.version", "number 3.11", '"3.11"'),
    "not a list": (after("[image]", 'tags = "latest"'), 2, "image.tags", "must be a list", 'write ["latest"]'),
    "no tag": (after("[image]", "tags = []"), 2, "image.tags", "the list is empty", "at least one"),
    "not a table": (
        'image = "x"\n' + GOOD.replace('[image]\nname = "ml-pipeline-airflow"', ""),
        1,
        "image",
        "table",
        "",
    ),
    "not a truth": (
        GOOD + '[build]\nmulti-stage = "yes"\n',
        13,
        "build.multi-stage",
        "true or false",
        "write true, without quotes",
    ),
    "upper case": (with_line("ml-pipeline-airflow", "ML"), 2, "image.name", "not an image name", "lower case: ml"),
    "name with tag": (with_line("ml-pipeline-airflow", "ml:1"), 2, "image.name", "without a tag", ""),
    "bad tag": (after("[image]", 'tags = ["a", "-b"]'), 2, "image.tags[1]", "not a tag", ""),
    "content tag": (after("[image]", 'tags = ["0123456789ab"]'), 2, "image.tags[0]", "content tag", ""),
    "tag twice": (after("[image]", 'tags = [\n"a",\n"a"]'), 4, "image.tags[1]", "twice", "remove"),
    "reserved label": (
        after("[image]", 'labels = { "optbuild.project" = "x" }'),
        2,
        'image.labels."optbuild.project"',
        "optbuild itself",
        "",
    ),
    "label that would be lost": (
        after("[image]", 'labels = { "org.opencontainers.image.title" = "x" }'),
        2,
        'image.labels."org.opencontainers.image.title"',
        "optbuild itself",
        "another key",
    ),
    "labels as a list": (after("[image]", "labels = []"), 2, "image.labels", "must be a table like", ""),
    "reserved name": (with_line("ml-pipeline-airflow", "scratch"), 2, "image.name", "reserved", ""),
    "name like an ID": (with_line("ml-pipeline-airflow", "0" * 64), 2, "image.name", "like an ID", ""),
    "long name": (with_line("ml-pipeline-airflow", "a" * 201), 2, "image.name", "too long", ""),
    "label key": (after("[image]", 'labels = { "a b" = "x" }'), 2, 'image.labels."a b"', "not a label key", ""),
    "reserved variable": (after("[image]", 'env = { PATH = "/x" }'), 2, "image.env.PATH", "cannot be changed", ""),
    "pip variable": (
        after("[image]", 'env = { _PIP_ADDITIONAL_REQUIREMENTS = "x" }'),
        2,
        "image.env._PIP_ADDITIONAL_REQUIREMENTS",
        "python.requirements",
        "",
    ),
    "bad variable": (after("[image]", 'env = { "A-B" = "x" }'), 2, "image.env.A-B", "environment variable", ""),
    "unknown Debian": (with_line("bookworm", "bookwurm"), 5, "base.debian", "not a Debian release", "bookworm, trixie"),
    "other Python": (
        with_line('"3.11"', '"3.12"').replace("2.8.1", "2.9.3"),
        11,
        "python.version",
        "Debian bookworm has Python 3.11, not 3.12",
        'write version = "3.11"',
    ),
    "patch of Python": (
        with_line('"3.11"', '"3.11.2"'),
        11,
        "python.version",
        "not a Python version",
        "major and minor",
    ),
    "no version": (with_line("2.8.1", "two"), 8, "airflow.version", "not a version", '"2.8.1"'),
    "unusual version": (with_line("2.8.1", "v2.8.1"), 8, "airflow.version", "unusual way", 'write "2.8.1"'),
    "old Airflow": (
        with_line("2.8.1", "2.5.3"),
        8,
        "airflow.version",
        "the known versions are 2.6.0 to",
        "final release",
    ),
    "coming Airflow": (with_line("2.8.1", "2.12.0"), 8, "airflow.version", "not known", ""),
    "short Airflow": (with_line("2.8.1", "2.8"), 8, "airflow.version", "not known", "in full like 2.8.1"),
    "withdrawn Airflow": (with_line("2.8.1", "3.0.5"), 8, "airflow.version", "was never released", "take 3.0.6"),
    "Airflow without that Python": (
        with_line("2.8.1", "2.6.0"),
        11,
        "python.version",
        "does not support Python 3.11",
        "",
    ),
    "extra": (after("[airflow]", 'extras = ["a b"]'), 8, "airflow.extras[0]", "not the name of an extra", ""),
    "constraints true": (after("[airflow]", "constraints = true"), 8, "airflow.constraints", "no constraints", "false"),
    "constraints with password": (
        after("[airflow]", 'constraints = "https://u:p@x/c.txt"'),
        8,
        "airflow.constraints",
        "plain https URL",
        "",
    ),
    "constraints without TLS": (
        after("[airflow]", 'constraints = "http://x.example/c.txt"'),
        8,
        "airflow.constraints",
        "has no TLS",
        "https",
    ),
    "constraints outside": (after("[airflow]", 'constraints = "../c.txt"'), 8, "airflow.constraints", "clean path", ""),
    "requirement URL": (
        after("[python]", 'requirements = ["a @ https://x/a.whl"]'),
        11,
        "python.requirements[0]",
        "URL",
        "index",
    ),
    "requirement path": (after("[python]", 'requirements = ["./a"]'), 11, "python.requirements[0]", "path", "index"),
    "editable": (after("[python]", 'requirements = ["-e x"]'), 11, "python.requirements[0]", "option of pip", ""),
    "no requirement": (
        after("[python]", 'requirements = ["a=1"]'),
        11,
        "python.requirements[0]",
        "not a requirement",
        "",
    ),
    "other Airflow": (
        after("[python]", 'requirements = ["a",\n"apache_airflow==2.9.0"]'),
        12,
        "python.requirements[1]",
        "does not admit airflow.version 2.8.1",
        "remove it",
    ),
    "contradiction": (
        after("[python]", 'requirements = ["num-py==1",\n"a",\n"num_py>=2"]'),
        13,
        "python.requirements[2]",
        "contradicts num-py==1",
        "keep one",
    ),
    "path with dots": (
        after("[python]", 'requirements-files = ["a/../b"]'),
        11,
        "python.requirements-files[0]",
        "clean path",
        "",
    ),
    "absolute path": (
        after("[python]", 'requirements-files = ["/etc/passwd"]'),
        11,
        "python.requirements-files[0]",
        "clean path",
        "",
    ),
    "Debian package": (GOOD + '[apt]\nruntime = ["libx=1"]\n', 13, "apt.runtime[0]", "Debian package", "the lock"),
    "role name": (GOOD + '[roles.Web]\ncommand = ["a"]\n', 12, "roles.Web", "not a role name", "dag-processor"),
    "role of Airflow 3": (GOOD + "[roles.api-server]\n", 12, "roles.api-server", "has no role", "use webserver"),
    "role without command": (GOOD + "[roles.beat]\n", 12, "roles.beat", "needs a command", "triggerer"),
    "switched off unknown": (GOOD + "[roles.beat]\nenabled = false\n", 12, "roles.beat", "no role beat", ""),
    "empty command": (GOOD + "[roles.x]\ncommand = []\n", 13, "roles.x.command", "name of a program", ""),
    "command with option first": (
        GOOD + '[roles.x]\ncommand = ["-c"]\n',
        13,
        "roles.x.command",
        "name of a program",
        "",
    ),
    "word of a command": (GOOD + '[roles.x]\ncommand = ["a", "b;c"]\n', 13, "roles.x.command[1]", "word", "script"),
    "http path": (
        GOOD + '[roles.x]\ncommand = ["a"]\nhealth = { http = "/../x", port = 80 }\n',
        14,
        "roles.x.health.http",
        "`..`",
        "",
    ),
    "no layers": (
        GOOD + "[layers]\nmax = 0\n",
        13,
        "layers.max",
        "0 is not a number of layers from 1 to 40",
        "max = 40",
    ),
    "more layers than fit": (GOOD + "[layers]\nmax = 41\n", 13, "layers.max", "41 is not a number of layers", "1 puts"),
    "layers as text": (GOOD + '[layers]\nmax = "9"\n', 13, "layers.max", "number", ""),
    "port": (
        GOOD + '[roles.x]\ncommand = ["a"]\nhealth = { http = "/", port = 70000 }\n',
        14,
        "roles.x.health.port",
        "port",
        "",
    ),
    "port as text": (
        GOOD + '[roles.x]\ncommand = ["a"]\nhealth = { http = "/", port = "80" }\n',
        14,
        "roles.x.health.port",
        "number",
        "",
    ),
    "port as truth": (
        GOOD + '[roles.x]\ncommand = ["a"]\nhealth = { http = "/", port = true }\n',
        14,
        "roles.x.health.port",
        "number",
        "",
    ),
    "everything off": (
        GOOD + "[roles.init]\nenabled=false\n[roles.webserver]\nenabled=false\n[roles.scheduler]\nenabled=false\n",
        12,
        "roles",
        "every role is switched off",
        "at least one",
    ),
    "database name": (GOOD + '[verify]\ndatabase = "Postgres:13"\n', 13, "verify.database", "database image", ""),
    "broker name": (GOOD + '[verify]\nbroker = "Redis:7"\n', 13, "verify.broker", "image of a broker", "redis:7"),
    "another broker": (GOOD + '[verify]\nbroker = "rabbitmq:3"\n', 13, "verify.broker", "not a Redis image", ""),
    "broker that nobody needs": (
        GOOD + '[verify]\nbroker = "redis:7"\n',
        13,
        "verify.broker",
        "no role needs a broker",
        "[roles.worker]",
    ),
    "database taken": (
        with_line('name = "ml-pipeline-airflow"', 'name = "postgres"\ntags = ["13"]'),
        2,
        "image.name",
        "postgres:13",
        "another",
    ),
    "database taken in another spelling": (
        with_line('name = "ml-pipeline-airflow"', 'name = "docker.io/library/postgres"\ntags = ["13"]'),
        2,
        "image.name",
        "postgres:13",
        "another",
    ),
    "name with digest": (
        with_line("ml-pipeline-airflow", "ml@sha256:" + "0" * 64),
        2,
        "image.name",
        "not an image",
        "",
    ),
    "reserved name in full": (with_line("ml-pipeline-airflow", "library/scratch"), 2, "image.name", "reserved", ""),
    "upper case and tag": (with_line("ml-pipeline-airflow", "ML:1"), 2, "image.name", "without a tag", "lower-case"),
    "bytes": (GOOD + '[budget]\nimage-bytes = "900 MiB"\n', 13, "budget.image-bytes", "number of bytes", "decimal"),
    "no bytes": (GOOD + '[budget]\nimage-bytes = "0MB"\n', 13, "budget.image-bytes", "0 bytes", ""),
    "nearly a budget": (
        GOOD + "[budget]\nwaste-percents = 5\n",
        13,
        "budget.waste-percents",
        "unknown",
        "waste-percent",
    ),
    "waste as a number": (GOOD + "[budget]\nwaste-bytes = 5\n", 13, "budget.waste-bytes", "the number 5", '"900MB"'),
    "percent as a text": (GOOD + '[budget]\nwaste-percent = "5%"\n', 13, "budget.waste-percent", "not a number", "2.5"),
    "too many percent": (GOOD + "[budget]\nwaste-percent = 101\n", 13, "budget.waste-percent", "101", "0 to 100"),
    "percent of nothing": (GOOD + "[budget]\nwaste-percent = nan\n", 13, "budget.waste-percent", "nan", "0 to 100"),
    "truth as percent": (GOOD + "[budget]\nwaste-percent = true\n", 13, "budget.waste-percent", "not a number", ""),
    "package's bytes": (
        GOOD + '[budget]\nwaste-bytes = "1MB"\npackage-bytes = { pandas = 80 }\n',
        14,
        "budget.package-bytes.pandas",
        "the number 80",
        '"900MB"',
    ),
    "package's name": (
        GOOD + '[budget]\npackage-bytes = { "a b" = "8MB" }\n',
        13,
        'budget.package-bytes."a b"',
        "name of a package",
        "pandas",
    ),
    "not TOML": (with_line("[base]", "[base"), 4, None, "not valid TOML", "correct that line"),
    "TOML cut off": (GOOD + 'x = "', 12, None, "not valid TOML", ""),
    "key twice": (after("[image]", 'name = "x"'), 3, None, "this key is there twice", "keep one"),
    "table twice": (GOOD + "[image]\n", 12, None, "this key is there twice", "keep one"),
    "bytes as a number": (
        GOOD + "[budget]\nimage-bytes = 900\n",
        13,
        "budget.image-bytes",
        "not the number 900",
        '"900MB"',
    ),
    "truth as a text": (after("[image]", "env = { X = false }"), 2, "image.env.X", "not false", 'write "false"'),
    "command as a text": (
        GOOD + '[roles.flower]\ncommand = "celery flower"\n',
        13,
        "roles.flower.command",
        "must be a list",
        'write ["celery", "flower"]',
    ),
    "requirements as a text": (
        after("[python]", "requirements = \"a; python_version > '3'\""),
        11,
        "python.requirements",
        "must be a list",
        "write [\"a; python_version > '3'\"]",
    ),
    "flag as a text": (
        GOOD + '[roles.init]\nenabled = "no"\n',
        13,
        "roles.init.enabled",
        "true or false",
        "write false, without quotes",
    ),
    "port in quotes": (
        GOOD + '[roles.x]\ncommand = ["a"]\nhealth = { http = "/", port = "80" }\n',
        14,
        "roles.x.health.port",
        "whole number",
        "write 80, without quotes",
    ),
    "two bases": (
        after("[base]", 'image = "x:1"'),
        5,
        "base.image",
        "there is a base already, debian",
        "keep one of the two",
    ),
    "two bases, both images": (
        with_line('debian = "bookworm"', 'airflow = "x:1"\nimage = "y:1"'),
        5,
        "base.airflow",
        "there is a base already, image",
        "keep one of the two",
    ),
    "Airflow without that Python, on an image": (
        with_line('debian = "bookworm"', 'image = "python:3.12"').replace('"3.11"', '"3.12"'),
        11,
        "python.version",
        "Airflow 2.8.1 does not support Python 3.12",
        'write version = "3.11" in [python], and in [base] an image that has Python 3.11',
    ),
    "other database": (
        GOOD + '[verify]\ndatabase = "mysql:8"\n',
        13,
        "verify.database",
        "is not a PostgreSQL image",
        "sqlite",
    ),
    "folder named postgres": (
        GOOD + '[verify]\ndatabase = "host:5000/postgres/mysql:8"\n',
        13,
        "verify.database",
        "is not a PostgreSQL image",
        "postgres:13",
    ),
    "database taken by a role of the version": (
        with_line('name = "ml-pipeline-airflow"', 'name = "my-postgres"\ntags = ["13"]')
        + '[verify]\ndatabase = "my-postgres-init:13"\n',
        2,
        "image.name",
        "my-postgres-init:13",
        "another",
    ),
}


@pytest.mark.parametrize(("text", "line", "key", "message", "hint"), REFUSED.values(), ids=REFUSED)
def test_one_mistake_gets_one_error(text: str, line: int, key: str | None, message: str, hint: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(text)
    error = caught.value
    assert not isinstance(error, InvalidSpecError), error
    assert error.where is not None
    assert (error.where.file, error.where.line, error.where.key) == ("optbuild.toml", line, key), error
    assert message in error.message
    assert hint in (error.hint or "")


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines() -> None:
    text = GOOD.replace("ml-pipeline", "ML").replace("2.8.1", "x").replace("3.11", "y")
    with pytest.raises(InvalidSpecError) as caught:
        parse(text + "[aptt]\n")
    assert [error.where.line for error in caught.value.problems if error.where] == [2, 8, 11, 12]
    assert str(caught.value).startswith("optbuild.toml has 4 errors:\n  optbuild.toml:2: image.name: ")


def test_a_misspelt_value_does_not_hide_what_does_not_fit_together() -> None:
    text = after("[image]", 'labels = { a = "$" }\ntags = ["x", "x"]').replace('"3.11"', '"3.12"')
    with pytest.raises(InvalidSpecError) as caught:
        parse(text + "[roles.api-server]\n[roles.flower]\nnope = 1\n")
    keys = [problem.where.key for problem in caught.value.problems if problem.where]
    assert keys == [
        "image.labels.a",
        "image.tags[1]",
        "python.version",
        "python.version",
        "roles.api-server",
        "roles.flower.nope",
    ]


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace('debian = "bookworm"', "").replace('"3.11"', '"3.13"').replace("2.8.1", "2.x"),
        GOOD.replace('debian = "bookworm"', 'image = "x"').replace('"3.11"', '"3.12"').replace("2.8.1", "2.11.2"),
        GOOD.replace('[python]\nversion = "3.11"\n', "").replace("bookworm", "trixie"),
        GOOD.replace('version = "2.8.1"', "") + "[roles.api-server]\n[roles.x]\n",
    ],
    ids=["no base, no Airflow", "other base", "no Python", "no Airflow"],
)
def test_nothing_is_concluded_from_what_is_missing(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(text)
    problems = caught.value.problems if isinstance(caught.value, InvalidSpecError) else (caught.value,)
    reasons = ("required", "names no base", "has no tag", "is not a version")
    assert problems
    assert all(any(reason in problem.message for reason in reasons) for problem in problems), caught.value


def test_two_reasons_against_a_python_version() -> None:
    with pytest.raises(InvalidSpecError) as caught:
        parse(with_line('"3.11"', '"3.12"'))
    messages = [problem.message for problem in caught.value.problems]
    assert messages[0] == "Debian bookworm has Python 3.11, not 3.12"
    assert messages[1] == "Airflow 2.8.1 does not support Python 3.12, only 3.8, 3.9, 3.10, 3.11"


def test_verify_accepts_the_same_databases() -> None:
    for image in ("postgres", "postgres:13", "host:5000/team/my-postgres:1", "postgres@sha256:" + "0" * 64):
        assert parse(GOOD + f'[verify]\ndatabase = "{image}"\n').verify.database == image
        check_postgres_image(image)
    for image in ("mysql:8", "sqlite:3", "host:5000/postgres/mysql:8", "postgres.example/mariadb"):
        assert not is_postgres(image)
        with pytest.raises(VerifyUsageError):
            check_postgres_image(image)


def test_which_images_are_brokers() -> None:
    assert all(map(is_redis, ("redis:7", "host:5000/team/my-redis", "valkey/valkey:8", "redis@sha256:" + "0" * 64)))
    assert not any(map(is_redis, ("rabbitmq:3", "redis.example/rabbitmq", "host:5000/redis/rabbitmq:3")))


def test_a_role_that_is_off_takes_no_name() -> None:
    text = with_line('name = "ml-pipeline-airflow"', 'name = "my-postgres"\ntags = ["13"]')
    parse(text + '[roles.init]\nenabled = false\n[verify]\ndatabase = "my-postgres-init:13"\n')


def test_an_airflow_that_lacks_the_python_says_which_two_lines_to_write() -> None:
    with pytest.raises(SpecError) as caught:
        parse(with_line("2.8.1", "2.11.2").replace("bookworm", "trixie").replace('"3.11"', '"3.13"'))
    assert caught.value.hint == 'write debian = "bookworm" in [base] and version = "3.11" in [python]'


def test_a_folder_that_does_not_exist_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="there is no folder") as caught:
        read_spec(tmp_path / "nowhere" / "optbuild.toml")
    assert "name the folder" in (caught.value.hint or "")
    with pytest.raises(MissingFileError, match=f"there is no folder {tmp_path / 'no'}"):
        read_spec(tmp_path / "no")


def test_webserver_on_airflow_3() -> None:
    with pytest.raises(SpecError, match="use api-server"):
        parse(with_line("2.8.1", "3.0.1") + "[roles.webserver]\n")


def test_deep_nesting_is_no_bug() -> None:
    with pytest.raises(SpecError, match="nested too deeply"):
        parse("x = " + "[" * 100_000 + "]" * 100_000)


def test_a_folder_means_its_optbuild_toml(tmp_path: Path) -> None:
    (tmp_path / "optbuild.toml").write_text(GOOD)
    assert read_spec(tmp_path) == read_spec(tmp_path / "optbuild.toml")
    assert read_spec(tmp_path).folder == tmp_path


def test_a_missing_file_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=str(tmp_path / "optbuild.toml")) as caught:
        read_spec(tmp_path)
    assert "optbuild init" in (caught.value.hint or "")


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "optbuild.toml").write_bytes(b"# one\n# \xff\n")
    with pytest.raises(SpecError, match=r"optbuild\.toml:2: not UTF-8"):
        read_spec(tmp_path)


@pytest.mark.parametrize("key", ["requirements-files", "constraints"])
@pytest.mark.parametrize("kind", ["missing", "folder", "link out", "link loop"])
def test_a_file_that_the_spec_names_must_be_inside(tmp_path: Path, key: str, kind: str) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "secret").write_text("x")
    match kind:
        case "folder":
            (project / "r.txt").mkdir()
        case "link out":
            (project / "r.txt").symlink_to("../secret")
        case "link loop":
            (project / "r.txt").symlink_to("r.txt")
    line = 'requirements-files = ["r.txt"]' if key == "requirements-files" else 'constraints = "r.txt"'
    (project / "optbuild.toml").write_text(after("[python]" if key == "requirements-files" else "[airflow]", line))
    with pytest.raises(OptbuildError) as caught:
        read_spec(project)
    assert caught.value.where is not None
    assert caught.value.where.line == (11 if key == "requirements-files" else 8)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing", "'dags' does not exist"),
        ("file", "'dags' is not a folder"),
        ("link out", "'dags' leads out of the folder of the spec"),
    ],
)
def test_the_folder_of_dags_that_the_spec_names_must_be_inside(tmp_path: Path, kind: str, words: str) -> None:
    project = tmp_path / "project"
    project.mkdir()
    match kind:
        case "file":
            (project / "dags").write_text("x")
        case "link out":
            (project / "dags").symlink_to("..")
    (project / "optbuild.toml").write_text(GOOD + '[verify]\ndags = "dags"\n')
    with pytest.raises(SpecError, match=words) as caught:
        read_spec(project)
    assert caught.value.where == Where(str(project / "optbuild.toml"), GOOD.count("\n") + 2, "verify.dags")


def test_a_folder_of_dags_that_is_there_is_fine(tmp_path: Path) -> None:
    (tmp_path / "dags").mkdir()
    (tmp_path / "optbuild.toml").write_text(GOOD + '[verify]\ndags = "dags"\n')
    assert find_spec_dags(read_spec(tmp_path)) == DagFolder(tmp_path / "dags", "dags")


def test_a_link_that_stays_inside_is_fine(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("x")
    (tmp_path / "r.txt").symlink_to("real.txt")
    (tmp_path / "optbuild.toml").write_text(after("[python]", 'requirements-files = ["r.txt"]'))
    assert read_spec(tmp_path).python.requirements_files == ("r.txt",)


def test_dotted_keys_are_safe_to_print() -> None:
    assert format_dotted_key(("image", "env", "A\x1b[2J", 3)) == 'image.env."A\\u001b[2J"[3]'


def test_the_sample_image() -> None:
    spec = read_spec(Path(__file__).parents[4] / "images" / "airflow")
    assert (spec.image.name, spec.airflow.version) == ("ml-pipeline-airflow", "2.8.1")


_BASE = GOOD.replace("\n\n", '\nkind = "base"\n', 1)


@pytest.mark.parametrize(
    ("rest", "line", "key", "words"),
    [
        ("[roles.flower]\n", 12, "roles.flower", "starts no role: those that are made from it do"),
        ("[roles.init]\nenabled = false\n", 12, "roles.init", "starts no role"),
        ('[verify]\ndatabase = "postgres:13"\n', 13, "verify.database", "nothing would use it"),
        ('[verify]\nbroker = "redis:7"\n', 13, "verify.broker", "nothing would use it"),
    ],
)
def test_a_base_has_nothing_that_only_roles_need(rest: str, line: int, key: str, words: str) -> None:
    assert parse_spec(_BASE + '[verify]\ndags = "dags"\n', "a.toml", Path("/p")).image.kind == "base"
    with pytest.raises(SpecError, match=words) as caught:
        parse_spec(_BASE + rest, "a.toml", Path("/p"))
    assert caught.value.where == Where("a.toml", line, key)


def test_another_kind_of_image_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(SpecError, match="'bases' is not known here") as caught:
        parse_spec(_BASE.replace('"base"', '"bases"'), "a.toml", Path("/p"))
    assert caught.value.where == Where("a.toml", 3, "image.kind")
    assert caught.value.hint == 'write "roles" or "base"'
