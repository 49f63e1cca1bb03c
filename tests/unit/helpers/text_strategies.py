"""How a person writes a compose file, drawn by hypothesis: line breaks, steps, comments, shapes of a build.

Comments carry a number, so that a lost one is noticed, and hold what would confuse a reader of YAML.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from hypothesis import strategies as st

REMARKS = (
    "plain",
    "tab\there",
    "é 日本",
    "build: . image: x",
    '"open',
    "*a &b <<: {[",
    "$$HOME ${X:-y}",
    "# twice",
    "it's",
)

T = TypeVar("T")


@dataclass
class Written:
    """One file while it is written. ``fixed``: the lines that no rewrite may touch."""

    newline: str
    step: int
    lines: list[str] = field(default_factory=list)
    fixed: list[str] = field(default_factory=list)

    def line(self, depth: int, text: str, *, fixed: bool = True) -> None:
        whole = " " * (self.step * depth) + text if text else ""
        self.lines.append(whole)
        if fixed:
            self.fixed.append(whole)


class Author:
    """Draws how things are written."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.comments: list[str] = []
        self.newline = self.pick("\n", "\n", "\r\n")
        self.step = self.pick(2, 2, 4)

    def pick(self, *choices: T) -> T:
        return self.draw(st.sampled_from(choices))

    def maybe(self, of: int = 2) -> bool:
        return self.draw(st.integers(0, of - 1)) == 0

    def file(self) -> Written:
        file = Written(self.newline, self.step)
        self.comment_lines(file, 0)
        return file

    def encoded(self, file: Written) -> bytes:
        text = self.newline.join(file.lines).rstrip("\r\n") + (self.newline if self.maybe() else "")
        return (("\ufeff" if self.maybe(4) else "") + text).encode()

    def comment(self) -> str:
        text = f"# {self.draw(st.sampled_from(REMARKS))} {len(self.comments)}."
        self.comments.append(text)
        return text

    def trailing(self) -> str:
        return self.pick("  ", " ", "\t") + self.comment() if self.maybe(3) else ""

    def comment_lines(self, file: Written, depth: int, *, fixed: bool = True) -> None:
        if self.maybe(4):
            file.line(depth, self.comment(), fixed=fixed)
        if self.maybe(6):
            file.line(0, "", fixed=fixed)

    def extras(self, file: Written, depth: int) -> None:
        """Keys that stay."""
        if self.maybe():
            file.line(depth, "environment:" + self.trailing())
            file.line(depth + 1, f"A: {self.pick('b', '${X:-y}', '1')}" + self.trailing())
            self.comment_lines(file, depth + 1)
        if self.maybe(3):
            file.line(depth, "command: |" + self.trailing())
            file.line(depth + 1, "echo $$HOME # no comment")
            file.line(0, "")
            file.line(depth + 1, "build: .")
        if self.maybe(4):
            file.line(depth, 'ports: ["80:80",' + self.trailing())
            file.line(depth + 1, '"81:81"]')
        if self.maybe(6):
            file.line(depth, f"profiles: [{self.pick('a', 'b')}]")
        if self.maybe(6):
            file.line(depth, "develop:" + self.trailing())
            file.line(depth + 1, "watch:" + self.trailing())
            file.line(depth + 2, "- {action: sync, path: ./dags, target: /dags}" + self.trailing())

    def other_service(self, file: Written, number: int) -> None:
        if self.maybe():
            file.line(1, f"db{number}:" + self.trailing())
            file.line(2, "image: postgres:13" + self.trailing())
            self.extras(file, 2)
        if self.maybe(4):
            file.line(1, f"other{number}: {{image: x, build: ./other}}" + self.trailing())

    def build(self, file: Written, depth: int, context: str, anchor: str = "") -> None:
        """A build in block style: one of all shapes."""
        match self.pick("short", "flow", "flow lines", "long", "inline"):
            case "short":
                file.line(depth, f"build: {anchor}{context}" + self.trailing(), fixed=False)
            case "flow":
                text = f'build: {anchor}{{context: "{context}", args: {{A: "1", B: [x]}}}}'
                file.line(depth, text.replace("[x]", "x") + self.trailing(), fixed=False)
            case "flow lines":
                file.line(depth, f"build: {anchor}{{" + self.trailing(), fixed=False)
                file.line(depth + 1, f"context: {context}," + self.trailing(), fixed=False)
                file.line(depth, "}" + self.trailing(), fixed=False)
            case shape:
                self._long_build(file, depth, context, anchor, inline=shape == "inline")

    def _long_build(self, file: Written, depth: int, context: str, anchor: str, *, inline: bool) -> None:
        file.line(depth, f"build: {anchor}".rstrip() + self.trailing(), fixed=False)
        self.comment_lines(file, depth + 1, fixed=False)
        file.line(depth + 1, f"context: {context}" + self.trailing(), fixed=False)
        self.comment_lines(file, depth + 2, fixed=False)
        if self.maybe():
            file.line(depth + 1, "args:" + self.trailing(), fixed=False)
            self.comment_lines(file, 0, fixed=False)
            file.line(depth + 2, "A: ${X:-y}" + self.trailing(), fixed=False)
        if inline:
            file.line(depth + 1, f"dockerfile_inline: {self.pick('|', '>-', '|2')}" + self.trailing(), fixed=False)
            for text in ("FROM x", 'RUN echo "$$A" # no comment', "", "  RUN é"):
                file.line(depth + 1, "  " + text if text else "", fixed=False)
