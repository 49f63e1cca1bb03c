"""optbuild.lock as text: reading it strictly, writing it in one stable form."""

from __future__ import annotations

import shlex
import tomllib
from dataclasses import fields
from typing import TYPE_CHECKING, Any, cast

import tomli_w

from builder.core.errors import LockFileError, MissingFileError, Where
from builder.core.files import atomic_write
from builder.image.lock.model import LOCK_VERSION, Constraints, DebianPackage, Distribution, GivenUp, Inputs, Lock
from builder.image.lock.table import Table
from builder.image.lock.target import MACHINES

if TYPE_CHECKING:
    from pathlib import Path

LOCK_FILE = "optbuild.lock"
NEWEST_EPOCH = 4_354_819_198
"""2107-12-31 23:59:58, the newest time that a zip file can hold, and with it the files of a wheel."""
HEADER = """\
# Made by `optbuild lock` from optbuild.toml: do not edit.
# Made again by `optbuild lock`, which keeps every version that need not move; `optbuild lock --upgrade` moves all.
"""


def how_to_lock(path: Path, *words: str) -> str:
    """The command that makes the lock at ``path``, from wherever it is given."""
    return shlex.join(("optbuild", "lock", *words, str(path.parent)))


def read_lock(path: Path) -> Lock:
    """Read a lock; errors name the file, the key, and the command that makes a new one."""
    remake = f"make it again: {how_to_lock(path)}"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        hint = f"make it: {how_to_lock(path)}"
        raise MissingFileError("there is no lock yet", where=Where(str(path)), hint=hint) from error
    except OSError as error:
        hint = "correct its owner and mode" if isinstance(error, PermissionError) else remake
        raise LockFileError(f"cannot be read: {error.strerror}", where=Where(str(path)), hint=hint) from error
    except UnicodeDecodeError as error:
        raise LockFileError("cannot be read: it is not UTF-8", where=Where(str(path)), hint=remake) from error
    return loads(text, str(path), remake)


def is_written(path: Path, lock: Lock) -> bool:
    """Whether the file is just what :func:`write_lock` would write, its header included."""
    try:
        return path.read_bytes() == dumps(lock).encode()
    except OSError:
        return False


def write_lock(path: Path, lock: Lock) -> None:
    """Replace the file in one step."""
    atomic_write(path, dumps(lock).encode())


def loads(text: str, name: str = "optbuild.lock", remake: str = "make it again: optbuild lock") -> Lock:
    """Parse the text of a lock; ``name`` is the file that errors speak of, ``remake`` their next step."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LockFileError(f"is not valid TOML: {error}", where=Where(name), hint=remake) from error
    version = document.get("lock-version")
    if version != LOCK_VERSION:
        raise LockFileError(
            f"is a lock of format {version}; this optbuild knows format {LOCK_VERSION}"
            if isinstance(version, int)
            else "is not a lock: it has no lock-version",
            where=Where(name, key="lock-version"),
            hint=remake,
        )
    root = Table(document, name, "", remake)
    root.only("lock-version", *_keys(Lock))
    return _lock(root)


def dumps(lock: Lock) -> str:
    """The one text of a lock: same value, same bytes. ``loads`` gives the value back."""
    head: dict[str, Any] = {
        "lock-version": LOCK_VERSION,
        "platform": lock.platform,
        "source-date-epoch": lock.source_date_epoch,
        "inputs": _plain(lock.inputs),
    }
    if lock.constraints is not None:
        head["constraints"] = _plain(lock.constraints)
    head["given-up"] = [_plain(one) for one in lock.given_up]
    head["uv"] = _plain(lock.uv)
    head["shared-libraries"] = dict(lock.shared_libraries)
    for key, rows in (("python", lock.python), ("build-requires", lock.build_requires)):
        head[key] = [_plain(row) for row in rows]
    for key, packages in (("runtime", lock.runtime), ("build", lock.build)):
        head[key] = [_plain(row) for row in packages]
    return HEADER + "\n" + tomli_w.dumps({key: value for key, value in head.items() if value not in ([], {})})


def _plain(value: Inputs | Constraints | GivenUp | Distribution | DebianPackage) -> dict[str, Any]:
    """A dataclass as a TOML table: dashes in keys, None and empty defaults left out."""
    table: dict[str, Any] = {}
    for field in fields(value):
        content = getattr(value, field.name)
        if content is None or (content == () and field.name == "dependencies"):
            continue
        table[field.name.replace("_", "-")] = list(content) if isinstance(content, tuple) else content
    return table


def _keys(kind: type) -> tuple[str, ...]:
    return tuple(field.name.replace("_", "-") for field in fields(kind))


def _lock(root: Table) -> Lock:
    libraries = root.table("shared-libraries", optional=True)
    platform = root.text("platform")
    if platform not in MACHINES:
        raise root.broken("platform", f"is {platform!r}, not one of {', '.join(MACHINES)}")
    fitting = ("all", MACHINES[platform][1])
    return Lock(
        platform=platform,
        inputs=_inputs(root.table("inputs")),
        constraints=_constraints(root),
        given_up=tuple(_given_up(row) for row in root.rows("given-up")),
        source_date_epoch=root.integer("source-date-epoch", NEWEST_EPOCH),
        uv=_distribution(root.table("uv")),
        python=tuple(_distribution(row) for row in root.rows("python")),
        build_requires=tuple(_distribution(row) for row in root.rows("build-requires")),
        shared_libraries=tuple((key, libraries.text(key)) for key in libraries.keys()),  # noqa: SIM118 - no mapping
        runtime=tuple(_package(row, fitting) for row in root.rows("runtime")),
        build=tuple(_package(row, fitting) for row in root.rows("build")),
    )


def _inputs(table: Table) -> Inputs:
    table.only(*_keys(Inputs))
    return Inputs(
        airflow=table.text("airflow"),
        extras=table.texts("extras"),
        python=table.text("python"),
        requirements=table.texts("requirements"),
        constraints=table.text("constraints"),
        debian=table.text("debian"),
        apt_runtime=table.texts("apt-runtime"),
        apt_build=table.texts("apt-build"),
    )


def _constraints(root: Table) -> Constraints | None:
    if not root.has("constraints"):
        return None
    table = root.table("constraints")
    table.only(*_keys(Constraints))
    return Constraints(table.text("version"), table.sha256("sha256"))


def _given_up(table: Table) -> GivenUp:
    table.only(*_keys(GivenUp))
    return GivenUp(table.text("name"), table.text("constrained"), table.text("locked"), table.text("forced-by"))


def _distribution(table: Table) -> Distribution:
    table.only(*_keys(Distribution))
    kind = table.text("kind")
    if kind not in ("wheel", "sdist"):
        raise table.broken("kind", f"is {kind!r}, neither wheel nor sdist")
    return Distribution(
        name=table.distribution_name("name"),
        version=table.distribution_version("version"),
        kind=cast("Any", kind),
        sha256=table.sha256("sha256"),
        size=table.integer("size") if table.has("size") else None,
        dependencies=table.requirements("dependencies") if table.has("dependencies") else (),
    )


def _package(table: Table, fitting: tuple[str, ...]) -> DebianPackage:
    """``fitting`` are the Debian architectures that the platform of the lock can run."""
    architecture = table.debian_name("architecture")
    if architecture not in fitting:
        raise table.broken(
            "architecture", f"is {architecture!r}; the platform of this lock runs {' and '.join(fitting)}"
        )
    table.only(*_keys(DebianPackage))
    return DebianPackage(
        name=table.debian_name("name"),
        version=table.debian_version("version"),
        architecture=architecture,
        sha256=table.sha256("sha256"),
        size=table.integer("size"),
    )
