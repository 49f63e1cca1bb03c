"""Compose files in all styles that people write them in, drawn by hypothesis, with what must not change in them.

Comments carry a number, so that a lost one is noticed, and hold what would confuse a reader of YAML.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from text_strategies import Author, Written

from builder.compose.model import ImageOrigin, Project, ProjectFiles, SharedTarget

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path("/project")
MAIN, OVERRIDE = "compose.yml", "compose.override.yml"
SERVICES = ("init", "web", "scheduler", "worker", "flower")
CONTEXTS = ("./", "./airflow", "./a b")


@dataclass(frozen=True)
class Composed:
    files: dict[str, bytes]
    targets: tuple[SharedTarget, ...]
    fixed: dict[str, list[str]]
    comments: tuple[str, ...]
    may_refuse: bool
    """It takes over a mapping that holds the builder's own build, which plain YAML cannot say, or lacks an image."""

    def project(self, folder: Path = FOLDER) -> Project:
        main = tuple(folder / name for name in self.files)
        sources = {folder / name: data for name, data in self.files.items()}
        return Project(ProjectFiles(folder, main), "project", {}, sources, None, None)

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """As hypothesis shows it."""
        texts = "".join(f"\n--- {name}\n{data.decode()}" for name, data in self.files.items())
        printer.text(f"Composed({self.targets}){texts}")


@st.composite
def composed(draw: st.DrawFn) -> Composed:
    """One or two groups of services in one layout each, other services between them, maybe an override file."""
    author = Author(draw)
    main = author.file()
    groups = [_Group(author, number) for number in range(author.pick(1, 1, 2))]
    if author.maybe(3):
        main.line(0, "name: shop")
    for group in groups:
        group.shared(main)
    author.comment_lines(main, 0)
    main.line(0, "services:" + author.trailing())
    for group in groups:
        group.services(main)
        author.other_service(main, group.number)
    if author.maybe():
        main.line(0, "volumes:")
        main.line(1, "db: {}" + author.trailing())
    author.comment_lines(main, 0)
    files = {MAIN: main}
    overrides = [pair for group in groups for pair in group.overrides()] if author.maybe(3) else []
    if overrides:
        files[OVERRIDE] = override = author.file()
        override.line(0, "services:")
        for name, key in overrides:
            override.line(1, f"{name}:" + author.trailing())
            override.line(2, key + author.trailing(), fixed=key.startswith("user"))
    targets = tuple(group.target() for group in groups)
    return Composed(
        {name: author.encoded(file) for name, file in files.items()},
        targets,
        {name: file.fixed for name, file in files.items()},
        tuple(author.comments),
        any(group.layout in {"extends", "taken over"} for group in groups) or any(one.keeps_name for one in targets),
    )


class _Group:
    """Services with one build."""

    def __init__(self, author: Author, number: int) -> None:
        self.author, self.number = author, number
        self.layout = author.pick("own", "own", "common", "common", "extends", "taken over")
        self.names = [f"{name}{number}" for name in SERVICES[: author.pick(2, 3, 4)]]
        self.context = f"{author.pick(*CONTEXTS)}{number}"
        self.builder = author.pick(None, *self.names)
        self.image = author.pick(None, None, "old:1", "${IMAGE:-old}", '"quoted:1"')
        self.pull_policy = author.pick(None, None, None, "build", "always")
        self.list = ""
        self.outsider = f"arm{number}" if self.layout == "common" and author.maybe(3) else None
        self.anchors: list[tuple[str, str]] = []
        """Key and anchor of what others may take over."""
        self.other = f"side{number}" if self.layout == "common" and author.maybe(4) else None

    def target(self) -> SharedTarget:
        pick = self.author.pick
        builder = self.builder
        return SharedTarget(
            tuple(sorted(self.names)),
            pick("shop-airflow:latest", f"registry.example/shop:{self.number}.0"),
            ImageOrigin.BUILDER if builder else ImageOrigin.IMAGE_ONLY,
            builder,
            pull_policy=pick("never", "never", None),
            keeps_name=self.image is not None and pick(False, False, True),
            note=pick(None, "made by optbuild"),
        )

    def _keys(self, file: Written, depth: int, anchor: str = "") -> None:
        """The build, and maybe image and pull policy, in any order."""
        author, image = self.author, self.image
        if image and not self.anchors and author.maybe(3):
            self.anchors.append(("image", f"image{self.number}"))
            image = f"&image{self.number} {image}"
        if not anchor and not any(key == "build" for key, _ in self.anchors) and author.maybe(4):
            self.anchors.append(("build", f"made{self.number}"))
            anchor = f"&made{self.number} "
        first = author.maybe()
        if image and first:
            file.line(depth, f"image: {image}" + author.trailing(), fixed=False)
        author.build(file, depth, self.context, anchor)
        author.comment_lines(file, depth)
        if image and not first:
            file.line(depth, f"image: {image}" + author.trailing(), fixed=False)
        if self.pull_policy:
            file.line(depth, f"pull_policy: {self.pull_policy}" + author.trailing(), fixed=False)

    def shared(self, file: Written) -> None:
        """The extension that its services merge."""
        author = self.author
        if self.layout != "common":
            return
        key, anchor = f"x-common{self.number}", f"&common{self.number}"
        match author.pick("", "", "", "before", "below", "beside"):
            case "before":  # the build lies in what the extension merges
                file.line(0, f"x-base{self.number}: &base{self.number}" + author.trailing())
                self._keys(file, 1)
                file.line(0, f"{key}: {anchor}")
                file.line(1, f"<<: *base{self.number}" + author.trailing())
                author.extras(file, 1)
                return
            case "below":  # a build that another hides
                file.line(0, f"x-base{self.number}: &base{self.number} {{build: ./hidden, image: hidden}}", fixed=False)
                file.line(0, f"{key}: {anchor}")
                file.line(1, f"<<: *base{self.number}" + author.trailing())
                self._keys(file, 1)
                return
            case "beside":
                file.line(0, f"x-more{self.number}: &more{self.number}" + author.trailing())
                author.build(file, 1, "./more")
                self.list = f", *more{self.number}"
        if author.maybe(5):
            file.line(0, f"{key}: {anchor} {{build: {self.context}, user: me}}" + author.trailing(), fixed=False)
            return
        if author.maybe():
            file.line(0, f"{key}: {anchor}" + author.trailing())
        else:
            file.line(0, f"{key}:" + author.trailing())
            file.line(1, anchor + author.trailing())
        author.comment_lines(file, 1)
        if author.maybe():
            file.line(1, "user: me")
        self._keys(file, 1)
        author.extras(file, 1)

    def services(self, file: Written) -> None:
        shares = self.layout == "own" and self.author.maybe(3)
        for place, name in enumerate(self.names):
            self.author.comment_lines(file, 1)
            match self.layout:
                case "common":
                    self._merging(file, name)
                case "own" if shares:
                    self._own(file, name, self._build_anchor(place))
                case "own":
                    self._own(file, name)
                case _ if place == 0:
                    self._own(file, name, owner=f" &taken{self.number}" if self.layout == "taken over" else "")
                case _:
                    self._following(file, name)
        self._others(file)

    def _others(self, file: Written) -> None:
        """Services that are no sharers, and take over something of theirs."""
        author = self.author
        if self.outsider:
            file.line(1, f"{self.outsider}:" + author.trailing())
            file.line(2, f"<<: *common{self.number}")
            file.line(2, "platform: linux/arm64")
        for key, anchor in self.anchors:
            if author.maybe():
                file.line(1, f"user-of-{anchor}:" + author.trailing())
                file.line(2, f"{key}: *{anchor}" + author.trailing(), fixed=False)
            if author.maybe(3):
                file.line(1, f"{anchor}-again: {{{key}: *{anchor} , user: me}}" + author.trailing(), fixed=False)
        if self.builder and author.maybe(4):
            file.line(1, f"docs{self.number}:" + author.trailing())
            file.line(2, f"build: {{context: ./docs, additional_contexts: {{made: 'service:{self.builder}'}}}}")
        if self.other:
            file.line(1, f"{self.other}: {{<<: *common{self.number}, build: ./side}}" + self.author.trailing())

    def _build_anchor(self, place: int) -> str:
        return f"&build{self.number} " if place == 0 else f"*build{self.number}"

    def _own(self, file: Written, name: str, build: str = "", owner: str = "") -> None:
        author = self.author
        if build.startswith("*"):
            if author.maybe(3):
                file.line(1, f"{name}: {{build: {build} }}" + author.trailing(), fixed=False)
                return
            file.line(1, f"{name}:" + author.trailing())
            file.line(2, f"build: {build}" + author.trailing(), fixed=False)
        elif not build and not owner and author.maybe(6):
            file.line(1, f"{name}: {{build: {self.context}, user: me}}" + author.trailing(), fixed=False)
            return
        else:
            file.line(1, f"{name}:{owner}" + author.trailing())
            self._keys(file, 2, build)
        author.extras(file, 2)

    def _merging(self, file: Written, name: str) -> None:
        author, alias = self.author, f"*common{self.number}"
        match author.pick("block", "block", "block", "list", "tagged", "alias", "flow"):
            case "alias" if author.maybe(3):
                file.line(1, f"{name}:" + author.trailing())
                file.line(2, alias + author.trailing(), fixed=False)
            case "alias":
                file.line(1, f"{name}: {alias}" + author.trailing(), fixed=False)
            case "flow":
                file.line(1, f"{name}: {{<<: {alias}, user: you}}" + author.trailing(), fixed=False)
            case how:
                key = "!!merge <<" if how == "tagged" else "<<"
                file.line(1, f"{name}:" + author.trailing())
                if author.maybe(4):
                    author.extras(file, 2)
                file.line(2, f"{key}: " + (f"[{alias}{self.list}]" if how == "list" else alias) + author.trailing())
                if author.maybe(5):
                    file.line(2, "image: own:1" + author.trailing(), fixed=False)
                file.line(2, "user: you")

    def _following(self, file: Written, name: str) -> None:
        author, first = self.author, self.names[0]
        file.line(1, f"{name}:" + author.trailing())
        if self.layout == "taken over":
            file.line(2, f"<<: *taken{self.number}" + author.trailing())
        elif author.maybe():
            file.line(2, f"extends: {first}" + author.trailing())
        else:
            file.line(2, "extends:")
            file.line(3, f"service: {first}")
        file.line(2, "user: you")

    def overrides(self) -> Iterator[tuple[str, str]]:
        """Services and a key that the override file has for them."""
        for name in self.names:
            key = self.author.pick("", "", "image: dev:1", "pull_policy: always", "build: {args: {C: d}}", "user: root")
            if key:
                yield name, key
