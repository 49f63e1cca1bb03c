"""What the script of a context makes beside itself from Debian packages, as data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builder.image.render.model import BuildContext


@dataclass(frozen=True)
class BaseRecipe:
    """``script`` reads ``inputs`` (itself among them) and makes ``products``, files or folders."""

    name: str
    """Of its folder in the cache."""
    script: str
    inputs: tuple[str, ...]
    products: tuple[str, ...]
    task: str
    """What a person sees while it runs."""
    tool: str
    """What it runs that a machine may lack, with ``tool_hint``."""
    tool_hint: str

    @property
    def vanished_mark(self) -> str:
        """Begins what the script says of a version that the mirror no longer has."""
        return f"{self.script}: gone from the mirror: "


_LISTS = ("base.env", "runtime.packages", "builder.packages")
ADDED_LIST = "added.packages"
"""Of a context, what lies in a layer of its own above the standard packages; empty where nothing does."""
ROOTS = BaseRecipe(
    "base",
    "base.sh",
    ("base.sh", *_LISTS, ADDED_LIST),
    ("base.tar", "builder.tar"),
    "base: Debian packages to root file systems",
    "mmdebstrap",
    "apt-get install mmdebstrap (Debian, Ubuntu); see optbuild doctor",
)
"""For a base of our own."""
DIVIDED_ROOTS = replace(ROOTS, products=("base.tar", "added.tar", "builder.tar"))
"""The same in two layers."""
DEBS = BaseRecipe(
    "debs",
    "debs.sh",
    ("debs.sh", *_LISTS),
    ("debs", "builder-debs"),
    "debs: Debian packages for what the base image lacks",
    "apt-get",
    "run it on Debian, or where docker can pull an image of the base's release; see optbuild doctor",
)
"""For an image that stands on somebody else's."""


def find_recipe(context: BuildContext) -> BaseRecipe:
    """The one whose script the context has."""
    names = {file.path for file in context.files}
    if DEBS.script in names:
        return DEBS
    return DIVIDED_ROOTS if context.find_file(ADDED_LIST).data else ROOTS
