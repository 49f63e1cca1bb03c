"""OB416 to OB419: what a COPY or a command of the build left behind, each with its harmless twin."""

from __future__ import annotations

from dataclasses import replace

import pytest
from layer_factories import (
    SITE,
    Part,
    content,
    debian,
    distribution,
    dpkg_status,
    file,
    folder,
    gone,
    hardlink,
    inspected,
    layer,
    recognized,
    secret,
    status,
    symlink,
    waste,
    wasted,
)

from builder.inspect.analyse import analyze_image
from builder.inspect.model import FileKind

PYTHON = file("/usr/local/bin/python3.11")


# OB416: repositories


@pytest.mark.parametrize(
    ("kind", "mark"), [(".git", "HEAD"), (".hg", "requires"), (".svn", "wc.db"), (".bzr", "branch-format")]
)
def test_the_whole_history_counts(kind: str, mark: str) -> None:
    paths = [f"/app/{kind}/{mark}", f"/app/{kind}/objects/ab/cd", f"/app/{kind}/hooks/pre-push.sample"]
    found = inspected(layer(*(file(path, 100) for path in paths), file("/app/main.py"), file(f"/app/{kind}ignore")))
    assert wasted(found, "OB416") == dict.fromkeys(paths, 100)
    assert f"name `{kind}` in .dockerignore" in waste(found, "OB416")[0].fix


def test_several_repositories_are_named_each_where_it_came() -> None:
    found = inspected(layer(file("/a/.git/HEAD"), file("/b/.git/HEAD")), layer(file("/c/.git/HEAD")))
    assert ["/a/.git, /b/.git" in one.message for one in waste(found, "OB416")] == [True, False]


@pytest.mark.parametrize(
    "path", ["/app/.git", "/app/.gitignore", "/app/.github/HEAD", "/app/.git/config", "/app/x.git/HEAD"]
)
def test_what_is_only_called_alike_is_not_a_repository(path: str) -> None:
    assert not inspected(layer(file(path))).waste


def test_a_secret_in_it_and_a_cache_around_it_have_their_bytes_first() -> None:
    git: list[Part] = [file("/app/.git/HEAD", 5), secret("/app/.git/config", 60)]
    found = inspected(layer(*git, file("/root/.cache/uv/git-v0/db/.git/HEAD", 7)))
    assert {one.code: one.bytes for one in found.waste} == {"OB415": 60, "OB405": 7, "OB416": 5}


def test_nothing_of_the_base_counts_and_a_deleted_one_is_deleted() -> None:
    assert not inspected(layer(file("/app/.git/HEAD")), layer(), base=1).waste
    hidden = inspected(layer(file("/app/.git/HEAD")), layer(gone("/app/.git/HEAD")))
    assert {one.code for one in hidden.waste} == {"OB403"}


# OB417: environments


def environment(root: str, config: str, *, link: str = "/usr/local/bin/python3.11") -> list[Part]:
    python: list[Part] = [symlink(f"{root}/bin/python", link)] if link else []
    return [(f"{root}/pyvenv.cfg", config.encode()), file(f"{root}/lib/x.py", 400), folder(f"{root}/bin"), *python]


@pytest.mark.parametrize(
    ("config", "link", "why"),
    [
        ("home = /opt/homebrew/bin", "/opt/homebrew/bin/python3", "its interpreter of /opt/homebrew/bin is not in"),
        ("home = C:\\Python311", "", "its interpreter of C:\\Python311 is not in the image"),
        ("home = /usr/bin\nversion = 3.9", "python3", "its interpreter of /usr/bin is not in"),
        ("home = /usr/local/bin\ncommand = /usr/bin/python3 -m venv /home/me/shop/.venv", "/usr/local/bin/python3.11",
         "it was made in /home/me/shop/.venv"),
        ("", "", "its interpreter of another machine is not"),
    ],
)  # fmt: skip
def test_an_environment_of_another_machine_counts_with_all_that_is_in_it(config: str, link: str, why: str) -> None:
    (one,) = inspected(layer(PYTHON, environment("/app/.venv", config, link=link), file("/app/main.py"))).waste
    assert (one.code, one.bytes) == ("OB417", 400 + len(config))
    assert why in one.message
    assert "name `.venv` in .dockerignore" in one.fix


@pytest.mark.parametrize(
    ("config", "links"),
    [
        ("home = /usr/local/bin", ["/usr/local/bin/python3.11"]),
        ("home = /usr/local/bin\ncommand = /usr/local/bin/python -m venv /opt/dbt", ["/usr/local/bin/python3.11"]),
        ("home = /usr/bin", ["../../../usr/bin/python3", "/usr/local/bin/python3.11"]),
        ("home = /bin", ["/bin/python3", "/usr/local/bin/python3.11"]),
    ],
)
def test_one_that_works_stays_on_path_or_not(config: str, links: list[str]) -> None:
    parts: list[Part] = [PYTHON, environment("/opt/dbt", config, link=links[0]), symlink("/bin", "usr/bin")]
    parts += [symlink("/usr/bin/python3", links[1])] if len(links) > 1 else []
    assert not inspected(layer(*parts)).waste


@pytest.mark.parametrize("made_in", ["/venv", "/links/dbt", "/opt/../opt/dbt/"])
def test_one_that_was_made_under_a_further_name_of_its_folder_works(made_in: str) -> None:
    config = f"home = /usr/local/bin\ncommand = /usr/local/bin/python -m venv {made_in}"
    links: list[Part] = [symlink("/venv", "opt/dbt"), symlink("/links", "/opt")]
    assert not inspected(layer(PYTHON, *links, environment("/opt/dbt", config))).waste


def test_links_that_lead_in_a_circle_lead_to_no_interpreter() -> None:
    circle: list[Part] = [symlink("/usr/bin/a", "b"), symlink("/usr/bin/b", "a")]
    found = inspected(layer(*circle, environment("/app/.venv", "home = /usr/bin", link="/usr/bin/a")))
    assert {one.code for one in found.waste} == {"OB417"}


def test_a_copied_interpreter_needs_its_home() -> None:
    def found(home: str) -> bool:
        parts: list[Part] = [
            ("/v/pyvenv.cfg", f"home = {home}".encode()),
            file("/v/bin/python"),
            file("/usr/bin/python3"),
        ]
        return bool(waste(inspected(layer(*parts)), "OB417"))

    assert found("/opt/python/bin")
    assert not found("/usr/bin")


@pytest.mark.parametrize(
    "start",
    [
        {"environment": {"PATH": "/usr/bin:/app/.venv/bin"}},
        {"environment": {"VIRTUAL_ENV": "/app/.venv"}},
        {"start": ("/app/.venv/bin/gunicorn", "shop")},
    ],
)
def test_what_the_image_starts_with_is_in_use_wherever_it_was_made(start: dict[str, object]) -> None:
    config = "home = /usr/local/bin\ncommand = /usr/bin/python3 -m venv /build/.venv"
    image = content(layer(PYTHON, environment("/app/.venv", config)))
    assert {one.code for one in analyze_image(image).waste} == {"OB417"}
    assert not analyze_image(replace(image, **start)).waste  # type: ignore[arg-type] # each is a field of it


def test_distributions_in_it_are_its_waste_and_not_a_second_installation() -> None:
    site = "/app/.venv/lib/python3.9/site-packages"
    mine = distribution("six", file(f"{SITE}/six.py", 40, text="six"))
    theirs = distribution("six", file(f"{site}/six.py", 40, text="six"), site=site)
    found = inspected(layer(mine, environment("/app/.venv", "home = /Users/me/bin", link=""), theirs))
    assert {one.code for one in found.waste} == {"OB417"}


# OB418: core dumps


@pytest.mark.parametrize("path", ["/core", "/app/core.1234", "/tmp/core-python-11-0", "/var/crash/x"])  # noqa: S108 - in an image
def test_a_core_dump_counts_under_every_name(path: str) -> None:
    (one,) = inspected(layer(recognized(file(path, 500), FileKind.CORE_DUMP), file("/app/core.py"))).waste
    assert (one.code, one.bytes) == ("OB418", 500)
    assert path in one.message


def test_a_file_that_is_only_called_core_and_one_that_a_package_brings_stay() -> None:
    path = f"{SITE}/elftools/test/core"
    mine = distribution("elftools", file(path))
    assert not inspected(layer(file("/app/core"), file("/app/core.12"), mine)).waste
    shipped: Part = recognized(file(path), FileKind.CORE_DUMP)
    assert not inspected(layer(mine, shipped)).waste


# OB419: databases


@pytest.mark.parametrize("path", ["/opt/airflow/airflow.db", "/app/db.sqlite3", "/mlflow.db", "/app/data/dump.rdb"])
def test_a_database_that_somebody_may_write_to_counts(path: str) -> None:
    (one,) = inspected(layer(recognized(file(path, 700), FileKind.DATABASE))).waste
    assert (one.code, one.bytes) == ("OB419", 700)
    assert one.message == f"1 database in the image: {path}"
    assert one.fix.startswith("a command of Airflow made it" if path.endswith("airflow.db") else "keep it on a volume")


@pytest.mark.parametrize(
    ("path", "mode"),
    [("/app/countries.sqlite", 0o444), ("/usr/share/proj/proj.db", 0o644), ("/etc/pki/nssdb/key4.db", 0o644),
     ("/var/lib/rpm/rpmdb.sqlite", 0o644), (f"{SITE}/pyproj/proj.db", 0o644)],
)  # fmt: skip
def test_data_that_is_only_read_and_that_of_packages_stay(path: str, mode: int) -> None:
    assert not inspected(layer(recognized(file(path, mode=mode), FileKind.DATABASE))).waste


def test_a_database_that_a_package_owns_stays() -> None:
    owned = debian("mime", file("/srv/mime/mime.db"))
    shipped: Part = recognized(file("/srv/mime/mime.db"), FileKind.DATABASE)
    assert not inspected(layer(dpkg_status(status("mime")), owned, shipped)).waste


@pytest.mark.parametrize(
    "names",
    [
        ["PG_VERSION", "global/pg_control", "base/1/PG_VERSION", "pg_wal/000000010000000000000001"],
        ["ibdata1", "mysql/user.ibd"],
        ["WiredTiger", "WiredTiger.wt", "collection-0.wt"],
    ],
)
def test_the_data_folder_of_a_server_counts_with_all_that_is_in_it(names: list[str]) -> None:
    root = "/var/lib/server/data"
    found = inspected(layer(*(file(f"{root}/{name}", 300) for name in names), file("/var/lib/server/log")))
    assert wasted(found, "OB419") == {f"{root}/{name}": 300 for name in names}
    assert waste(found, "OB419")[0].message == f"1 database in the image: {root}"
    assert "on a volume" in waste(found, "OB419")[0].fix


def test_a_further_name_outside_keeps_the_bytes() -> None:
    parts: list[Part] = [file("/a/.git/HEAD", 5), file("/a/.git/x", 50), hardlink("/kept/x", "/a/.git/x")]
    assert wasted(inspected(layer(*parts)), "OB416") == {"/a/.git/HEAD": 5}
