"""The build's own scripts beside elf.py, as a builder stage has them, with an environment that they work on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from builder.core import elf
from builder.core.resources import find_template_folder

DRIVER = """\
import json, os, sys
from pathlib import Path
folder, workers, step, prelude = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
exec(prelude)
sys.path.insert(0, str(folder / "scripts"))
import finish, placement
finish.CACHE, finish.NOTES = folder / "cache", folder / "notes"
os.sched_getaffinity = lambda _: range(workers)
base = folder / "venv"
names = tuple(placement.find_records(base))
groups = placement.list_groups(base, (placement.Layer("all", 0, names),))
finish.run_all([finish.make_job(group, placement.find_site(base), base) for group in groups[::step]])
"""


class ScriptStage:
    """Below ``folder``; ``rules`` are those of ``[slim]`` that are on."""

    def __init__(self, folder: Path, rules: list[str]) -> None:
        self.folder, self.scripts, self.base = folder, folder / "scripts", folder / "venv"
        self.site = self.base / "lib/python3.11/site-packages"
        for path in (self.scripts, self.site):
            path.mkdir(parents=True)
        for script in (find_template_folder() / "scripts").glob("*.py"):
            (self.scripts / script.name).write_bytes(script.read_bytes())
        (self.scripts / "elf.py").write_bytes(Path(elf.__file__).read_bytes())
        (self.scripts / "slim.json").write_text(json.dumps(rules))

    def install(self, name: str, files: dict[str, str]) -> None:
        """A distribution, as the installer leaves it. ``files``: path below site-packages → text."""
        record = self.site / f"{name}-1.dist-info/RECORD"
        for path, text in files.items():
            (self.site / path).parent.mkdir(parents=True, exist_ok=True)
            (self.site / path).write_text(text, encoding="utf-8")
        record.parent.mkdir()
        record.write_text("".join(f"{path},,\n" for path in files) + f"{name}-1.dist-info/RECORD,,\n")

    def finish(
        self, *, workers: int = 2, step: int = 1, prelude: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """All that is installed, in the order of names or, with a ``step`` of -1, from the last. ``prelude``: what the
        process does before."""
        command = [sys.executable, "-c", DRIVER, str(self.folder), str(workers), str(step), prelude]
        return self._run(command, environment)

    def run(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run([sys.executable, str(self.scripts / script), *arguments], {})

    def check(self) -> subprocess.CompletedProcess[str]:
        return self.run("finish.py", "check", str(self.folder / "notes"))

    def _run(self, command: list[str], more: dict[str, str]) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", **more}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
