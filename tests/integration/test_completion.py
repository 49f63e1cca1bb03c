"""`optbuild completion` in real shells: what they offer after the first letters, with no optbuild running meanwhile."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

TOOLS = Path(sys.executable).parent
CASES = {
    "a command": ("optbuild roll", {"rollback"}),
    "a command of several": ("optbuild re", {"render", "restore"}),
    "an option": ("optbuild plan --expl", {"--explain"}),
    "a choice": ("optbuild plan --format s", {"sarif"}),
    "a choice of an enumeration": ("optbuild plan --fail-level wa", {"warning"}),
    "a shell": ("optbuild completion z", {"zsh"}),
    "an image": ("optbuild inspect demo-", {"demo-airflow:latest", "demo-base:1"}),
    "an image, up to its tag": ("optbuild inspect demo-airflow:l", {"demo-airflow:latest"}),
    "an image as a value": ("optbuild inspect x --base demo-b", {"demo-base:1"}),
    "a service": ("optbuild plan --builder-service airflow-s", {"airflow-scheduler"}),
    "a folder": ("optbuild build da", {"dags/"}),
}
DOCKER = """\
#!/bin/sh
case "$*" in
  "image ls"*) printf '%s\\n' demo-airflow:latest demo-base:1 postgres:13 ;;
  "compose config --services") printf '%s\\n' airflow-scheduler airflow-webserver postgres ;;
esac
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a folder to complete, a `docker` that answers, and an `optbuild` that must not be asked."""
    made = tmp_path_factory.mktemp("completion")
    (made / "dags").mkdir()
    (made / "bin").mkdir()
    for name, text in (("docker", DOCKER), ("optbuild", "#!/bin/sh\necho optbuild-ran\n")):
        (made / "bin" / name).write_text(text)
        (made / "bin" / name).chmod(0o755)
    for shell in ("bash", "zsh", "fish"):
        script = subprocess.run((TOOLS / "optbuild", "completion", shell), check=True, capture_output=True).stdout
        (made / f"completion.{shell}").write_bytes(script)
    return made


def environment(folder: Path) -> dict[str, str]:
    return {"PATH": f"{folder}/bin:{os.environ['PATH']}", "HOME": str(folder), "TERM": "xterm", "LC_ALL": "C.UTF-8"}


def find_shell(name: str) -> str:
    """Installs it where that is allowed, as the tests of pages do with their browser."""
    if shutil.which(name) is None and os.geteuid() == 0 and shutil.which("apt-get"):
        waits = ("-o", "DPkg::Lock::Timeout=300")  # for another test that installs something
        words = ("apt-get", "-qq", *waits, "install", "--no-install-recommends", name)
        subprocess.run(words, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, check=False, capture_output=True)
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"there is no {name}, and it cannot be installed")
    return found


@pytest.mark.parametrize(("line", "wanted"), CASES.values(), ids=CASES)
def test_bash(folder: Path, line: str, wanted: set[str]) -> None:
    program = (
        'source completion.bash; COMP_LINE=$1 COMP_POINT=${#1}; _optbuild; printf "%s\\n" "${COMPREPLY[@]}"; '
        "complete -p optbuild >&2"
    )
    done = subprocess.run(
        ("bash", "--norc", "-c", program, "bash", line),
        check=False,
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
    )
    before = line.rpartition(" ")[2].rpartition(":")[0]  # bash has taken it for a word of its own
    offered = {f"{before}:{word}" if before else word for word in done.stdout.split()}
    assert offered == {word.rstrip("/") for word in wanted}
    assert "-F _optbuild optbuild" in done.stderr


@pytest.mark.parametrize(("line", "wanted"), CASES.values(), ids=CASES)
def test_fish(folder: Path, line: str, wanted: set[str]) -> None:
    program = f"source completion.fish; complete -C '{line}'"
    done = subprocess.run(
        (find_shell("fish"), "--no-config", "-c", program),
        check=False,
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
    )
    assert {row.partition("\t")[0] for row in done.stdout.splitlines()} == wanted


class ZshTerminal:
    """A zsh on a terminal of its own."""

    def __init__(self, folder: Path) -> None:
        self._terminal, theirs = pty.openpty()
        words = (find_shell("zsh"), "-f", "-i")
        self._shell = subprocess.Popen(
            words,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env=environment(folder),
            start_new_session=True,
        )
        os.close(theirs)
        self.ask("PS1=; autoload -Uz compinit; compinit -u; source ./completion.zsh; echo rea''dy\n", {"ready"})

    def ask(self, keys: str, wanted: set[str], seconds: float = 20) -> str:
        """What the terminal shows after those keys, until all that is wanted is there."""
        os.write(self._terminal, keys.encode())
        text, end = "", time.monotonic() + seconds
        while time.monotonic() < end and not all(word in text for word in wanted):
            if select.select([self._terminal], [], [], 0.1)[0]:
                text += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]", "", os.read(self._terminal, 65536).decode())
        return text

    def close(self) -> None:
        self._shell.kill()
        self._shell.wait()
        os.close(self._terminal)


@pytest.fixture(scope="module")
def zsh(folder: Path) -> Iterator[ZshTerminal]:
    terminal = ZshTerminal(folder)
    yield terminal
    terminal.close()


@pytest.mark.parametrize(("line", "wanted"), CASES.values(), ids=CASES)
def test_zsh(zsh: ZshTerminal, line: str, wanted: set[str]) -> None:
    """A Tab completes the word, or lists what it may be; then the line is thrown away."""
    text = zsh.ask(f"{line}\t", wanted)
    zsh.ask("\x15echo do''ne\n", {"done"})
    assert [word for word in wanted if word not in text] == [], text
