"""The files of templates/: beside the package in a source tree, inside it when installed from a wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def find_template_folder() -> Path:
    """Where the templates lie."""
    installed = _PACKAGE / "_templates"
    return installed if installed.is_dir() else _PACKAGE.parent / "templates"


def read_template(name: str) -> bytes:
    """The bytes of one template file; ``name`` is relative, with forward slashes."""
    return (find_template_folder() / name).read_bytes()


def list_template_names(folder: str) -> tuple[str, ...]:
    """Names (relative to the template folder) of the files directly in ``folder``, sorted."""
    found = (find_template_folder() / folder).iterdir()
    return tuple(sorted(f"{folder}/{path.name}" for path in found if path.is_file() and not path.name.startswith(".")))
