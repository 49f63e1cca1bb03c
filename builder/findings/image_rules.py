"""OB401 and on: what the layers of an image show."""

from __future__ import annotations

from builder.findings.rule import Rule, Severity

_I, _W, _E = Severity.INFO, Severity.WARNING, Severity.ERROR

IMAGE_RULES = (
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
        "a secret that is only hidden",
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
    Rule(
        "OB415",
        "secret-in-image",
        _E,
        "a secret that every container can read",
        "Everybody who may pull the image, or reads a backup of it, has it; it cannot be called back.",
    ),
    Rule(
        "OB416",
        "repository-in-image",
        _W,
        "the history of a repository",
        "It holds every version of every file, also of those that were deleted, and no program that runs reads it.",
    ),
    Rule(
        "OB417",
        "foreign-environment",
        _W,
        "a virtual environment that cannot run here",
        "Its interpreter and the paths in its programs are those of another machine; it is only carried along.",
    ),
    Rule(
        "OB418",
        "core-dump-in-image",
        _W,
        "a core dump",
        "It is the memory of a program that crashed in the build: large, of no use, and with all of its secrets.",
    ),
    Rule(
        "OB419",
        "database-in-image",
        _W,
        "the files of a database",
        "Every container starts with the same old copy, writes into its own, and loses that when it is removed.",
    ),
)
