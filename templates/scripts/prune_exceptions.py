"""What a rule would take and must not, and modules that may lose an import.

Found by reading the imports of the three images and of some 700 distributions that people use with them, in the way of
imports.py. Whatever else a rule breaks fails the build, see check.py.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import NamedTuple


class Kept(NamedTuple):
    """Files that stay. ``distribution``: a pattern of normalized names. ``folder``: relative to site-packages."""

    distribution: str
    rule: str
    folder: str
    reason: str


class DeadImporter(NamedTuple):
    """A module, or a package with all in it, that loses an import and that nothing else imports."""

    distribution: str
    module: str
    reason: str


KEPT = (
    # A package's tests that its own modules import need no entry: they are found, see prune.py.
    Kept("django", "tests", "django/test", "documented, for tests of other projects; hypothesis and debugpy import it"),
    Kept("twisted", "tests", "twisted/test", "twisted.test.proto_helpers is documented, for tests of other projects"),
    Kept("gensim", "tests", "gensim/test", "gensim.test.utils and its data are what the documentation's examples use"),
    Kept("jedi", "type-stubs", "jedi/third_party", "jedi's knowledge of the standard library and of Django"),
    Kept("mypy", "type-stubs", "mypy", "mypy's knowledge of the standard library"),
    Kept("bokeh", "web-sources", "bokeh/server/static", "`bokeh build` compiles extensions against them"),
    Kept("jupyterlab", "web-sources", "jupyterlab", "`jupyter lab build` starts from jupyterlab/staging"),
    Kept("reflex*", "web-sources", "reflex*", "templates of the pages that reflex writes"),
    Kept("grpcio-tools", "protobuf-sources", "grpc_tools", "its compiler includes them"),
    # numpy 1 and 2. A module that lies beside its documentation reads them when it is imported.
    Kept("numpy", "compiler-sources", "numpy/core/include/numpy/random", "numpy tells users of cffi to read them"),
    Kept("numpy", "compiler-sources", "numpy/_core/include/numpy/random", "numpy tells users of cffi to read them"),
    # Headers for compilers that come with the distribution itself, NVRTC or Clang, at run time.
    Kept("cupy*", "compiler-sources", "cupy", "NVRTC compiles against them"),
    Kept("nvidia-*", "compiler-sources", "nvidia", "NVRTC compiles against them, for CuPy and Numba"),
    Kept("numba*", "compiler-sources", "numba*", "NVRTC compiles against them"),
    Kept("warp-lang", "compiler-sources", "warp", "its own Clang and NVRTC compile them"),
    Kept("cppyy*", "compiler-sources", "cppyy*", "its own Clang reads them"),
    Kept("pyopencl", "compiler-sources", "pyopencl/cl", "the OpenCL driver compiles them"),
)

DEAD_IMPORTERS = (
    DeadImporter("scipy", "scipy.special._precompute", "scripts that computed scipy's tables"),
    DeadImporter("jsonschema", "jsonschema.benchmarks", "measures jsonschema with its own test suite"),
)


def is_kept(distribution: str, rule: str, path: str) -> bool:
    """Whether the list keeps ``path`` (relative to site-packages) of a distribution from the rule."""
    return any(
        one.rule == rule
        and fnmatchcase(distribution, one.distribution)
        and (fnmatchcase(path, f"{one.folder}/*") or path == one.folder)
        for one in KEPT
    )


def is_dead_importer(distribution: str, module: str) -> bool:
    """Whether the module is known to lose an import."""
    return any(one.distribution == distribution and f"{module}.".startswith(f"{one.module}.") for one in DEAD_IMPORTERS)
