"""The catalog of what can be found: a rule per code. Codes are stable; the text of one may get better."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Severity(IntEnum):
    """In rising order, so that ``--fail-level warning`` means this one and what is above."""

    INFO = 1
    WARNING = 2
    ERROR = 3

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True)
class Rule:
    """One code of the catalog. ``name`` is kebab-case; ``title`` one line; ``why`` the reason, in a sentence or two."""

    code: str
    name: str
    severity: Severity
    title: str
    why: str
    is_remark: bool = False
    """It explains what is right as it is: nobody can mend it, so it fails no check."""


_I, _W, _E = Severity.INFO, Severity.WARNING, Severity.ERROR

_RULES = (
    Rule(
        "OB101",
        "duplicate-build",
        _W,
        "several services build the same image",
        "Compose builds once per service: each gets an image, an export and an ID of its own, and any build that does "
        "not find the others' cache (--no-cache, another day, another machine) makes its layers differ for good.",
    ),
    Rule(
        "OB102",
        "same-tag-built-twice",
        _E,
        "several services build the same tag",
        "Newer Compose passes one target per service to bake, which exports them in parallel to one name; the second "
        "export fails with `already exists`. Older Compose overwrites the tag with whatever was built last.",
    ),
    Rule(
        "OB103",
        "nearly-the-same-build",
        _I,
        "nearly the same build",
        "Builds that differ in an argument, a target or a line share few layers or none, though most of what they "
        "hold is equal; a common base would share it.",
    ),
    Rule(
        "OB104",
        "other-product",
        _I,
        "another product: it stays apart",
        "Services may share an image when they are one program with several start commands. A program with its own "
        "code, life cycle or data needs its own image.",
        is_remark=True,
    ),
    Rule(
        "OB105",
        "already-shared",
        _I,
        "already shared",
        "These services use one image, and at most one builds it.",
        is_remark=True,
    ),
    Rule(
        "OB106",
        "starts-before-its-image",
        _W,
        "a service can start before its image exists",
        "On a fresh engine, `up SERVICE` starts what the service depends on and nothing else; if the service that "
        "builds the image is not among that, the image is missing.",
    ),
    Rule(
        "OB107",
        "two-products-in-one-image",
        _E,
        "two products in one image",
        "A server in another's image is upgraded, restarted and scaled with it, and its data is lost when the "
        "container is removed.",
    ),
    Rule(
        "OB201",
        "start-command",
        _W,
        "a start command that does not fit this Airflow version",
        "Deprecated subcommands go away with the next major version, removed ones end the container at once, and an "
        "Airflow image without a command prints its help and ends.",
    ),
    Rule(
        "OB202",
        "no-health-check",
        _I,
        "a service without health check",
        "Without one, `depends_on` cannot wait for it, and nobody notices a scheduler that hangs.",
    ),
    Rule(
        "OB203",
        "floating-tag",
        _W,
        "a floating tag",
        "When the tag moves, the same file starts another program.",
    ),
    Rule(
        "OB204",
        "database-without-volume",
        _W,
        "a database whose data is on no volume",
        "The data is lost when the container is removed (`compose down`, or a changed setting).",
    ),
    Rule(
        "OB205",
        "obsolete-version",
        _I,
        "the key `version` is obsolete",
        "Compose has ignored it since 1.27 and warns about it since 2.25.",
    ),
    Rule(
        "OB206",
        "tag-not-promoted",
        _W,
        "a tag that is no longer the promoted image",
        "What starts under this name was not proven: a build or a pull moved the tag since.",
    ),
    Rule(
        "OB207",
        "no-database-connection",
        _W,
        "Airflow without a database connection",
        "Without AIRFLOW__DATABASE__SQL_ALCHEMY_CONN each container writes to a SQLite file of its own: the webserver "
        "never sees what the scheduler does, and everything is gone with the container.",
    ),
    Rule(
        "OB301",
        "compiler-left-in",
        _W,
        "the Dockerfile leaves a compiler in the image",
        "A compiler is some 250 MB that only the build needs, and a tool for an attacker.",
    ),
    Rule(
        "OB302",
        "pip-cache-kept",
        _I,
        "the Dockerfile keeps pip's cache",
        "Every wheel is in the layer twice: installed, and in the cache.",
    ),
    Rule(
        "OB303",
        "airflow-not-pinned-again",
        _W,
        "pip may replace Airflow",
        "An install that does not name apache-airflow at its version lets the resolver up- or downgrade it unasked.",
    ),
    Rule(
        "OB304",
        "ends-as-root",
        _W,
        "the image ends as root",
        "Every container of it runs as root unless each service says otherwise.",
    ),
    Rule(
        "OB305",
        "recursive-chown",
        _W,
        "a layer that changes owner or mode of a whole folder",
        "The layer holds every touched file once more, with all its bytes.",
    ),
    Rule(
        "OB306",
        "package-lists-kept",
        _I,
        "the Dockerfile keeps apt's package lists",
        "Some 20 MB per layer that nothing reads.",
    ),
    Rule(
        "OB401",
        "written-again",
        _W,
        "files written again with the same bytes",
        "A layer cannot say that a file has another owner or mode: it holds the whole file once more.",
    ),
    Rule(
        "OB402",
        "replaced-later",
        _I,
        "files that a later layer replaces",
        "The first version stays in its layer, is pulled and stored, and nobody can read it.",
    ),
    Rule(
        "OB403",
        "deleted-later",
        _W,
        "files that a later layer deletes",
        "Deleting only hides the file: the layer that has it keeps all its bytes.",
    ),
    Rule(
        "OB404",
        "secret-only-hidden",
        _E,
        "what looks like a secret, and is only hidden",
        "Anyone who has the image can unpack the layer below and read it.",
    ),
    Rule(
        "OB405",
        "installer-cache-in-image",
        _W,
        "the cache of a package installer",
        "It makes the installer's next run faster; in an image there is no next run.",
    ),
    Rule(
        "OB406",
        "system-lists-in-image",
        _W,
        "lists and caches of the system's packages",
        "They are out of date a day later, and nothing reads them but the next `apt-get install`.",
    ),
    Rule(
        "OB407",
        "compiler-in-image",
        _W,
        "compilers, linkers and headers",
        "Only a build needs them, and they are tools for an attacker.",
    ),
    Rule(
        "OB408",
        "cuda-without-gpu",
        _W,
        "libraries for a GPU that is not there",
        "The wheels for CUDA bring gigabytes that a machine without a GPU never loads.",
    ),
    Rule(
        "OB409",
        "tests-in-image",
        _I,
        "tests of installed packages",
        "Their authors run them before a release; a running program hardly ever opens one.",
    ),
    Rule(
        "OB410",
        "source-maps-in-image",
        _I,
        "source maps",
        "Only a browser's debugger asks for them.",
    ),
    Rule(
        "OB411",
        "bytecode-twice",
        _I,
        "bytecode that no interpreter here loads",
        "One compiled form of each module is enough; those of other interpreters and other levels are never loaded.",
    ),
    Rule(
        "OB412",
        "stored-twice",
        _W,
        "the same content at several paths",
        "Layers share nothing inside an image: each path with its own bytes is stored and pulled.",
    ),
    Rule(
        "OB413",
        "symbols-in-image",
        _I,
        "symbols that only a debugger reads",
        "The loader skips them; what it needs to run the library is elsewhere in the file.",
    ),
    Rule(
        "OB414",
        "unasked-package",
        _I,
        "a package that nobody asked for",
        "Something else needs it, or nothing does: both are worth a look when it is large.",
    ),
)

CATALOG: dict[str, Rule] = {rule.code: rule for rule in _RULES}
