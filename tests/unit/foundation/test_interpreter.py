"""Which Python an image's PATH leads to, and which one that is in full."""

from __future__ import annotations

import pytest
from layer_factories import content, file, layer, symlink

from builder.foundation.interpreter import find_interpreter, resolve_file
from builder.inspect.filesystem import build_filesystem
from builder.inspect.model import EntryKind, LayerEntry

HEADER = b'#define PY_VERSION "3.11.9"\n'
CONFIGURATION = b"home = /usr/local/bin\ninclude-system-site-packages = false\nversion = 3.11.8\n"
OWN = ("/home/airflow/.local/lib/python3.11/site-packages", "/usr/local/lib/python3.11/site-packages")
DEBIAN = (
    "/home/airflow/.local/lib/python3.11/site-packages",
    "/usr/local/lib/python3.11/dist-packages",
    "/usr/lib/python3/dist-packages",
    "/usr/lib/python3.11/dist-packages",
)
LOCAL = [file("/usr/local/bin/python3.11", mode=0o755), symlink("/usr/local/bin/python3", "python3.11")]
SYSTEM = [
    file("/usr/bin/python3.11", mode=0o755),
    symlink("/usr/bin/python3", "python3.11"),
    symlink("/bin", "usr/bin"),
]
VENV = [
    symlink("/home/airflow/.local/bin/python3", "python"),
    symlink("/home/airflow/.local/bin/python", "/usr/python/bin/python3.11"),
    file("/usr/python/bin/python3.11", mode=0o755),
]
VENV_PATH = "/root/bin:/home/airflow/.local/bin:/usr/local/bin:/usr/bin"


@pytest.mark.parametrize(
    ("parts", "environment", "packages", "expected"),
    [
        pytest.param(
            [*LOCAL, ("/usr/local/include/python3.11/patchlevel.h", HEADER)],
            {"PYTHON_VERSION": "3.11.2"},
            {},
            ("/usr/local/bin/python3.11", "3.11.9", OWN),
            id="its own header before what a variable says",
        ),
        pytest.param(
            LOCAL, {"PYTHON_VERSION": "3.11.2"}, {}, ("/usr/local/bin/python3.11", "3.11.2", OWN), id="python"
        ),
        pytest.param(LOCAL, {"PYTHON_VERSION": "3.12.2"}, {}, ("/usr/local/bin/python3.11", "", OWN), id="of another"),
        pytest.param(
            SYSTEM,
            {"PATH": "/usr/sbin:/bin", "PYTHON_VERSION": "3.11.9"},
            {"python3.11-minimal": "3.11.2-6+deb12u6"},
            ("/usr/bin/python3.11", "3.11.2", DEBIAN),
            id="Debian, through a linked folder",
        ),
        pytest.param(
            [*SYSTEM, *LOCAL],
            {},
            {"python3.11-minimal": "3.11.2-6"},
            ("/usr/local/bin/python3.11", "", OWN),
            id="no PATH",
        ),
        pytest.param(
            [*VENV, ("/home/airflow/.local/pyvenv.cfg", CONFIGURATION)],
            {"PATH": VENV_PATH},
            {},
            ("/usr/python/bin/python3.11", "3.11.8", OWN[:1]),
            id="Airflow, an environment",
        ),
        pytest.param(
            [
                *VENV,
                (
                    "/home/airflow/.local/pyvenv.cfg",
                    b"include-system-site-packages = True\nversion_info = 3.11.7.final.0",
                ),
            ],
            {"PATH": VENV_PATH},
            {},
            ("/usr/python/bin/python3.11", "3.11.7", (OWN[0], "/usr/python/lib/python3.11/site-packages")),
            id="Airflow, an environment that sees the system",
        ),
        pytest.param(
            [file("/opt/bin/python3", mode=0o755), file("/opt/lib/python3.11/os.py")],
            {"PATH": "relative:/opt/bin/", "AIRFLOW_PYTHON_VERSION": "3.11.5"},
            {},
            ("/opt/bin/python3", "3.11.5", (OWN[0], "/opt/lib/python3.11/site-packages")),
            id="a name without a version",
        ),
    ],
)
def test_what_the_path_leads_to(
    parts: list[object],
    environment: dict[str, str],
    packages: dict[str, str],
    expected: tuple[str, str, tuple[str, ...]],
) -> None:
    filesystem = build_filesystem(content(layer(parts)))  # type: ignore[arg-type]  # parts of several kinds in one list
    found = find_interpreter(filesystem, environment, packages)
    assert found is not None
    assert (found.minor, (found.path, found.version, found.sites)) == ("3.11", expected)


@pytest.mark.parametrize(
    "parts",
    [
        [symlink("/usr/bin/python3", "python3.11")],
        [symlink("/usr/bin/python3", "python3")],
        [file("/usr/bin/python3.11", mode=0o644), symlink("/usr/bin/python3", "python3.11")],
        [file("/usr/bin/python3", mode=0o755)],
        [LayerEntry("/usr/bin/python3", EntryKind.FOLDER, mode=0o755)],
    ],
    ids=["nowhere", "itself", "not to be started", "which one", "folder"],
)
def test_what_cannot_be_started_is_not_an_interpreter(parts: list[LayerEntry]) -> None:
    assert find_interpreter(build_filesystem(content(layer(*parts))), {}, {}) is None


def test_another_environment_does_not_hide_ours() -> None:
    link = symlink("/opt/venv/bin/python3", "/usr/local/bin/python3")
    made = layer(("/opt/venv/pyvenv.cfg", CONFIGURATION), link, *LOCAL)
    found = find_interpreter(build_filesystem(content(made)), {"PATH": "/opt/venv/bin"}, {})
    assert found is not None
    assert found.sites == ("/opt/venv/lib/python3.11/site-packages", OWN[0])


def test_links_lead_through_folders_that_are_links() -> None:
    made = [symlink("/a", "b/c"), file("/b/d/x", mode=0o755), symlink("/b/c/l", "../d/x"), file("/b/c/f")]
    assert resolve_file(build_filesystem(content(layer(*made))), "/a/l") == "/b/d/x"
