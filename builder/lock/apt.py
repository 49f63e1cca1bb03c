"""apt-get with a root of its own: it reads the machine's sources for one release and changes nothing of the machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.errors import LockError, ToolFailedError
from builder.lock.model import DebianPackage
from builder.process import Command, Result, Runner

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_INSTALLED = re.compile(r"Inst (?P<name>\S+) (?:\[[^\]]*\] )?\((?P<version>\S+) .*\[(?P<architecture>\S+)\]\)")
"""A line of ``apt-get --simulate install``."""


@dataclass(frozen=True)
class Apt:
    """``root`` holds apt's state; ``architecture`` as Debian names it.

    ``prefix`` is put before each command: nothing on a Debian machine, ``docker run ...`` where apt is in a container.
    """

    root: Path
    architecture: str
    runner: Runner
    env: Mapping[str, str]
    prefix: tuple[str, ...] = ()

    def prepare(self, sources: Mapping[str, str]) -> None:
        """Write the folders and settings; ``sources`` are file name → content for ``sources.list.d``."""
        for name in ("etc/sources.list.d", "state/lists/partial", "cache/archives/partial", "log"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        for old in (self.root / "etc/sources.list.d").iterdir():
            old.unlink()
        for name, content in sources.items():
            (self.root / "etc/sources.list.d" / name).write_text(content)
        (self.root / "status").write_text("")
        (self.root / "apt.conf").write_text(settings(self.root, self.architecture))
        self.prefer({})

    def prefer(self, versions: Mapping[str, str]) -> None:
        """Keep these versions (name → version) as long as the release offers them."""
        pins = [f"Package: {name}\nPin: version {versions[name]}\nPin-Priority: 1001\n" for name in sorted(versions)]
        (self.root / "preferences").write_text("\n".join(pins))

    def update(self) -> None:
        """Fetch the release's package lists; cheap when they did not change."""
        result = self._run("apt-get", "update", "--error-on=any", "-qq")
        if not result.ok:
            hint = "check the Debian sources and the network of this machine"
            raise ToolFailedError("apt-get update", result.code, result.err, hint=hint)

    def available(self) -> str:
        """One stanza (RFC 822 style) per package that the release offers, the preferred version of each."""
        return self._checked("apt-cache", "dumpavail").out

    def simulate(self, names: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """(name, version) of all that would be installed for ``names`` into an empty system, sorted."""
        command = ("--simulate", "--no-install-recommends", "--yes", "install", *sorted(names))
        result = self._run("apt-get", *command)
        if not result.ok:
            hint = "change [apt] in the spec, or move everything: optbuild lock --upgrade"
            raise LockError(f"the Debian packages do not fit together:\n{_tail(result)}", hint=hint)
        return parse_simulation(result.out)

    def show(self, packages: Iterable[tuple[str, str]]) -> tuple[DebianPackage, ...]:
        """Exactly these versions, with architecture, sha256 and size."""
        wanted = [f"{name}={version}" for name, version in packages]
        return packages_of(self._checked("apt-cache", "show", "--no-all-versions", *wanted).out)

    def _checked(self, tool: str, *argv: str) -> Result:
        result = self._run(tool, *argv)
        if not result.ok:
            raise ToolFailedError(tool, result.code, result.err)
        return result

    def _run(self, tool: str, *argv: str) -> Result:
        env = {**self.env, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
        argv = (*self.prefix, tool, "--config-file", str(self.root / "apt.conf"), *argv)
        return self.runner.run(Command(argv, env=env, install_hint="use a Debian machine, or one with a Docker engine"))


def settings(root: Path, architecture: str) -> str:
    """apt.conf, read after the machine's own, whose proxy and certificates stay in force."""
    places = {
        "Dir::State": root / "state",
        "Dir::State::status": root / "status",
        "Dir::Cache": root / "cache",
        "Dir::Cache::pkgcache": "pkgcache.bin",  # official Debian images switch both off, which costs 1 s per call
        "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
        "Dir::Log": root / "log",
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": root / "etc/sources.list.d",
        "Dir::Etc::preferences": root / "preferences",
        "Dir::Etc::preferencesparts": "/dev/null",
    }
    lines = [f'{key} "{value}";' for key, value in places.items()]
    cleared = ("APT::Update::Pre-Invoke", "APT::Update::Post-Invoke", "APT::Update::Post-Invoke-Success", "DPkg")
    lines += [f"#clear {key};" for key in (*cleared, "APT::Default-Release", "APT::Architectures")]
    lines += [
        f'APT::Architecture "{architecture}";',
        f'APT::Architectures {{ "{architecture}"; }};',
        'APT::Install-Recommends "false";',
        'APT::Install-Suggests "false";',
        'APT::Get::AllowUnauthenticated "false";',
        'APT::Sandbox::User "root";',  # the lists lie in the user's cache, which apt's own user may not enter
        'Acquire::Languages "none";',
        'Acquire::Retries "2";',
        'Acquire::http::Timeout "30";',  # seconds: Ctrl-C waits for apt to end by itself
        'Acquire::https::Timeout "30";',
        'Acquire::AllowInsecureRepositories "false";',
    ]
    return "\n".join(lines) + "\n"


def parse_simulation(text: str) -> tuple[tuple[str, str], ...]:
    matches = (_INSTALLED.match(line) for line in text.splitlines())
    return tuple(sorted((match["name"].split(":")[0], match["version"]) for match in matches if match))


def stanzas(text: str) -> Iterable[dict[str, str]]:
    """The fields of each stanza, continuation lines left out."""
    for block in text.split("\n\n"):
        fields = (line.partition(": ") for line in block.splitlines() if line[:1] not in ("", " "))
        found = {name: value for name, _, value in fields}
        if "Package" in found:
            yield found


def packages_of(text: str) -> tuple[DebianPackage, ...]:
    """The packages of ``apt-cache show``, sorted by name."""
    found = {
        fields["Package"]: DebianPackage(
            fields["Package"], fields["Version"], fields["Architecture"], fields["SHA256"], int(fields["Size"])
        )
        for fields in stanzas(text)
    }
    return tuple(found[name] for name in sorted(found))


def _tail(result: Result) -> str:
    text = (result.out + result.err).strip().splitlines()[-15:]
    return "\n".join(f"    {line}" for line in text)
