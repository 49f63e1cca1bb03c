"""optbuild.lock as text: reading it strictly, writing it in one stable form."""

from __future__ import annotations

import shlex
import textwrap
import tomllib
from dataclasses import fields
from typing import TYPE_CHECKING, Any, cast

import tomli_w

from builder.core.debian import RELEASE_PYTHON
from builder.core.errors import LockFileError, MissingFileError, Where
from builder.core.files import read_regular_file, write_atomically
from builder.core.naming import LOCK_FILE, MOST_LAYERS
from builder.core.toml_text import parse_toml
from builder.image.lock.foundation_table import format_foundation, parse_foundation
from builder.image.lock.model import (
    LOCK_VERSION,
    READ_VERSIONS,
    Constraints,
    DebianPackage,
    Distribution,
    DroppedConstraint,
    Lock,
    LockInputs,
    PackageLayer,
)
from builder.image.lock.table import LockTable
from builder.image.lock.target import MACHINES

if TYPE_CHECKING:
    from pathlib import Path

NEWEST_EPOCH = 4_354_819_198
"""2107-12-31 23:59:58, the newest time that a zip file can hold, and with it the files of a wheel."""
MOST_BYTES = 50_000_000
"""Of a lock; one of 300 distributions has 200 kB."""
HEADER = """\
# Made by `optbuild lock` from optbuild.toml: do not edit.
# Made again by `optbuild lock`, which keeps every version that need not move; `optbuild lock --upgrade` moves all.
"""


def format_lock_command(path: Path, *words: str) -> str:
    """The command that makes the lock at ``path``, from wherever it is given."""
    return shlex.join(("optbuild", "lock", *words, str(path.parent)))


def read_lock(path: Path) -> Lock:
    """Read a lock; errors name the file, the key, and the command that makes a new one."""
    remake = f"make it again: {format_lock_command(path)}"
    try:
        text = read_regular_file(path, MOST_BYTES).decode("utf-8")
    except FileNotFoundError as error:
        hint = f"make it: {format_lock_command(path)}"
        raise MissingFileError("there is no lock yet", where=Where(str(path)), hint=hint) from error
    except OSError as error:
        hint = "correct its owner and mode" if isinstance(error, PermissionError) else remake
        raise LockFileError(f"cannot be read: {error.strerror}", where=Where(str(path)), hint=hint) from error
    except UnicodeDecodeError as error:
        raise LockFileError("cannot be read: it is not UTF-8", where=Where(str(path)), hint=remake) from error
    return parse_lock(text, str(path), remake)


def is_written(path: Path, lock: Lock) -> bool:
    """Whether the file is just what :func:`write_lock` would write, its header included."""
    try:
        return path.read_bytes() == format_lock(lock).encode()
    except OSError:
        return False


def write_lock(path: Path, lock: Lock) -> None:
    """Replace the file in one step."""
    write_atomically(path, format_lock(lock).encode())


def parse_lock(text: str, name: str = LOCK_FILE, remake: str = "make it again: optbuild lock") -> Lock:
    """Parse the text of a lock; ``name`` is the file that errors name, ``remake`` their next step."""
    try:
        document = parse_toml(text)
    except tomllib.TOMLDecodeError as error:
        raise LockFileError(f"is not valid TOML: {error}", where=Where(name), hint=remake) from error
    version = document.get("lock-version")
    if version not in READ_VERSIONS:
        raise LockFileError(
            f"is a lock of format {version}; this optbuild knows format {LOCK_VERSION}"
            if isinstance(version, int)
            else "is not a lock: it has no lock-version",
            where=Where(name, key="lock-version"),
            hint=remake,
        )
    root = LockTable(document, name, "", remake)
    root.check_keys("lock-version", *_list_keys(Lock))
    return _parse_root_table(root)


def format_lock(lock: Lock) -> str:
    """The one text of a lock: same value, same bytes. ``parse_lock`` gives the value back."""
    head: dict[str, Any] = {
        "lock-version": LOCK_VERSION,
        "platform": lock.platform,
        "source-date-epoch": lock.source_date_epoch,
        "inputs": _to_toml_table(lock.inputs),
    }
    if lock.constraints is not None:
        head["constraints"] = _to_toml_table(lock.constraints)
    if lock.foundation is not None:
        head["foundation"] = format_foundation(lock.foundation)
    head["given-up"] = [_to_toml_table(one) for one in lock.given_up]
    head["uv"] = _to_toml_table(lock.uv)
    head["shared-libraries"] = dict(lock.shared_libraries)
    for key, rows in (("python", lock.python), ("build-requires", lock.build_requires)):
        head[key] = [_to_toml_table(row) for row in rows]
    for key, packages in (("runtime", lock.runtime), ("build", lock.build)):
        head[key] = [_to_toml_table(row) for row in packages]
    head["layers"] = [_to_toml_table(row) for row in lock.layers]
    return (
        _format_header(lock)
        + "\n"
        + tomli_w.dumps({key: value for key, value in head.items() if value not in ([], {})})
    )


def _format_header(lock: Lock) -> str:
    """Comments; a warning where the constraints are those of another Airflow, for who reads the lock alone."""
    if lock.constraints is None:
        return HEADER
    other = lock.constraints.describe_other_origin(lock.inputs.airflow, lock.inputs.python)
    return HEADER + "".join(f"# {line}\n" for line in textwrap.wrap(f"warning: {other}" if other else "", 110))


def _to_toml_table(
    value: LockInputs | Constraints | DroppedConstraint | Distribution | DebianPackage | PackageLayer,
) -> dict[str, Any]:
    """A dataclass as a TOML table: dashes in keys, None and empty defaults left out."""
    table: dict[str, Any] = {}
    for field in fields(value):
        content = getattr(value, field.name)
        if (
            content is None
            or (content == () and field.name == "dependencies")
            or (content == "" and field.default == "")
        ):
            continue
        table[field.name.replace("_", "-")] = list(content) if isinstance(content, tuple) else content
    return table


def _list_keys(kind: type) -> tuple[str, ...]:
    return tuple(field.name.replace("_", "-") for field in fields(kind))


def _parse_root_table(root: LockTable) -> Lock:
    libraries = root.read_table("shared-libraries", optional=True)
    platform = root.read_string("platform")
    if platform not in MACHINES:
        raise root.make_error("platform", f"is {platform!r}, not one of {', '.join(MACHINES)}")
    fitting = ("all", MACHINES[platform][1])
    inputs, foundation = _parse_inputs(root.read_table("inputs")), parse_foundation(root, platform)
    if foundation is None and (inputs.base_image or inputs.base_airflow or not inputs.debian):
        raise root.make_error("foundation", "is missing, and the base is an image")
    return Lock(
        platform=platform,
        inputs=inputs,
        constraints=_parse_constraints(root),
        given_up=tuple(_parse_dropped_constraint(row) for row in root.read_rows("given-up")),
        source_date_epoch=root.read_integer("source-date-epoch", NEWEST_EPOCH),
        uv=_parse_distribution(root.read_table("uv")),
        python=tuple(_parse_distribution(row) for row in root.read_rows("python")),
        build_requires=tuple(_parse_distribution(row) for row in root.read_rows("build-requires")),
        shared_libraries=tuple((key, libraries.read_string(key)) for key in libraries.list_keys()),
        runtime=tuple(_parse_package(row, fitting) for row in root.read_rows("runtime")),
        build=tuple(_parse_package(row, fitting) for row in root.read_rows("build")),
        layers=tuple(_parse_layer(row) for row in root.read_rows("layers")),
        foundation=foundation,
    )


def _parse_inputs(table: LockTable) -> LockInputs:
    table.check_keys(*_list_keys(LockInputs))
    debian = table.read_string("debian")
    if debian not in ("", *RELEASE_PYTHON):
        raise table.make_error("debian", f"is {debian!r}, not one of {', '.join(RELEASE_PYTHON)}")
    return LockInputs(
        airflow=table.read_string("airflow"),
        extras=table.read_strings("extras"),
        python=table.read_string("python"),
        requirements=table.read_strings("requirements"),
        constraints=table.read_string("constraints"),
        debian=debian,
        apt_runtime=table.read_strings("apt-runtime"),
        apt_build=table.read_strings("apt-build"),
        layers_max=table.read_integer("layers-max") if table.has_key("layers-max") else MOST_LAYERS,
        base_image=table.read_string("base-image") if table.has_key("base-image") else "",
        base_airflow=table.read_string("base-airflow") if table.has_key("base-airflow") else "",
    )


def _parse_constraints(root: LockTable) -> Constraints | None:
    if not root.has_key("constraints"):
        return None
    table = root.read_table("constraints")
    table.check_keys(*_list_keys(Constraints))
    return Constraints(table.read_string("version"), table.read_sha256("sha256"))


def _parse_dropped_constraint(table: LockTable) -> DroppedConstraint:
    table.check_keys(*_list_keys(DroppedConstraint))
    return DroppedConstraint(
        table.read_string("name"),
        table.read_string("constrained"),
        table.read_string("locked"),
        table.read_string("forced-by"),
    )


def _parse_distribution(table: LockTable) -> Distribution:
    table.check_keys(*_list_keys(Distribution))
    kind = table.read_string("kind")
    if kind not in ("wheel", "sdist"):
        raise table.make_error("kind", f"is {kind!r}, neither wheel nor sdist")
    return Distribution(
        name=table.read_distribution_name("name"),
        version=table.read_distribution_version("version"),
        kind=cast("Any", kind),
        sha256=table.read_sha256("sha256"),
        size=table.read_integer("size") if table.has_key("size") else None,
        dependencies=table.read_requirements("dependencies") if table.has_key("dependencies") else (),
    )


def _parse_package(table: LockTable, fitting: tuple[str, ...]) -> DebianPackage:
    """``fitting`` are the Debian architectures that the platform of the lock can run."""
    architecture = table.read_debian_name("architecture")
    if architecture not in fitting:
        raise table.make_error(
            "architecture", f"is {architecture!r}; the platform of this lock runs {' and '.join(fitting)}"
        )
    table.check_keys(*_list_keys(DebianPackage))
    return DebianPackage(
        name=table.read_debian_name("name"),
        version=table.read_debian_version("version"),
        architecture=architecture,
        sha256=table.read_sha256("sha256"),
        size=table.read_integer("size"),
    )


def _parse_layer(table: LockTable) -> PackageLayer:
    table.check_keys(*_list_keys(PackageLayer))
    return PackageLayer(
        name=table.read_layer_name("name"),
        members=table.read_layer_members("members"),
        stamp=table.read_integer("stamp", NEWEST_EPOCH),
    )
