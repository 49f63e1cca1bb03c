"""The advice about Dockerfiles, applied: a real shell gives pip the words that it gave it before, and those that are
meant; the fixed file builds on a stand-in of its base."""

from __future__ import annotations

import os
import shutil
import textwrap
import uuid
from typing import TYPE_CHECKING

import pytest
from edited_text import apply_edits

from builder.compose.model import Build
from builder.core.process import Command, LocalRunner
from builder.dockerfile.analysis import analyze_dockerfile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from builder.dockerfile.facts import Advice

TEST_LABEL = "optbuild.test"
FILES = {
    "r.txt": "numpy\n",
    "more.txt": "pandas\nscipy\n",
    "c.txt": "flask==3.0.0\n",
    "dist/a.whl": "",
    "dist/b.whl": "",
}


def find_advice(text: str) -> tuple[Advice, ...]:
    return analyze_dockerfile(text, Build("/project"), FILES.get).advice


def apply_advice(text: str, *codes: str) -> str:
    return apply_edits(text, (edit for one in find_advice(text) if one.code in codes for edit in one.edits))


COMMANDS = (
    "pip install dist/*.whl flask",
    "pip install ./{a,b}.whl flask",
    "pip install $(cat more.txt) flask",
    "pip install $UNSET flask",
    'pip install "$WORDS" $WORDS',
    "pip install ~/x.whl `cat more.txt`",
    "pip install flask 'pandas>=2' \"numpy<2\" a\\ b > out 2>&1; cat out",
    "PIP_CONSTRAINT=c.txt pip install flask",
    "set -eu && if true; then pip install --user -U flask; fi",
    "pip install flask # a comment",
    "pip install \\\n    # ours\n    flask \\\n\n    numpy && echo done",
    "sh -c 'pip install \"$WORDS\" flask'",
    'bash -c "cd dist && pip install *.whl"',
    "<<EOF\nset -e\npip install flask \\\n  numpy\nEOF",
    "env A=1 pip install -r r.txt",
    'P="pip install"; $P flask',
)
INSTALL = """\
#!/bin/bash
printf '%s|' "${PIP_CONSTRAINT-}" "$@"
echo
"""


@pytest.mark.parametrize("command", COMMANDS)
def test_a_shell_gives_pip_the_words_that_it_gave_it_before(command: str, tmp_path: Path) -> None:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/pip").write_text(INSTALL)
    (tmp_path / "bin/pip").chmod(0o755)
    text = f"FROM bitnami/airflow:2.8.1\nCOPY . /\nRUN {command}\n"
    fixed = apply_advice(text, "OB302", "OB303")
    before, after = (run_shell(one, tmp_path) for one in (text, fixed))
    assert before != after
    for new in ("--no-cache-dir|", "apache-airflow==2.8.1|"):
        after = after.replace(new, "")
    assert after == before
    assert "install|" in before


def run_shell(text: str, folder: Path) -> str:
    """What the RUN prints where pip prints its words; the shell is given what Docker would give it."""
    run = text.partition("\nRUN ")[2]
    if run.startswith("<<EOF\n"):
        script = run.removeprefix("<<EOF\n").removesuffix("EOF\n")
    else:
        lines = [line for line in run.split("\n") if line.strip() and not line.lstrip().startswith("#")]
        script = "\n".join(lines).replace("\\\n", "")
    env = {"PATH": f"{folder}/bin:{os.environ['PATH']}", "HOME": "/home/me", "WORDS": "one two"}
    done = LocalRunner().run(Command(("bash", "-c", script), cwd=folder, env=env, timeout=20))
    assert done.ok, done.err
    return done.out


@pytest.fixture(scope="module")
def stand_in(
    busybox: Path, tmp_path_factory: pytest.TempPathFactory, orphans_removed: object
) -> Iterator[Callable[[str, str], str]]:
    """Makes a base of busybox under the name of a published image, as a copy in a registry that there is not."""
    made, mark = [], f"{os.getpid()}-{uuid.uuid4().hex}"

    def make(name: str, environment: str) -> str:
        folder = tmp_path_factory.mktemp("base")
        shutil.copy(busybox, folder / "busybox")
        (folder / "record").write_text(RECORD)
        (folder / "passwd").write_text(PASSWD)
        (folder / "group").write_text("root:x:0:\nastro:x:50000:\n")
        (folder / "Dockerfile").write_text(BASE.format(environment=environment))
        reference = f"{uuid.uuid4().hex[:12]}.invalid/{name}"
        words = ("docker", "build", "--quiet", f"--label={TEST_LABEL}={mark}", f"--tag={reference}", str(folder))
        done = LocalRunner().run(Command(words, timeout=120))
        assert done.ok, done.err
        made.append(reference)
        return reference

    yield make
    for reference in made:
        LocalRunner().run(Command(("docker", "rmi", "--force", reference), timeout=60))


PASSWD = "root:x:0:0::/:/bin/sh\nairflow:x:50000:0::/tmp:/bin/sh\nastro:x:50000:50000::/tmp:/bin/sh\n"
RECORD = textwrap.dedent("""\
    #!/bin/sh
    if [ "$1" = wheel ]; then mkdir -p /tmp/wheels && echo "$*" > /tmp/wheels/called; fi
    if [ -e /wheels/called ]; then cat /wheels/called >> /recorded/wheels; fi
    { printf '%s|' "${0##*/}" "${PIP_CONSTRAINT-}" "$@"; echo; } >> /recorded/calls
    """)
BASE = """\
FROM scratch
COPY busybox /bin/busybox
COPY passwd group /etc/
SHELL ["/bin/busybox", "sh", "-c"]
RUN /bin/busybox mkdir -p /recorded /usr/local/bin /var/lib/apt/lists /app && /bin/busybox --install -s /bin \\
    && busybox chmod 1777 /recorded && mkdir -m 1777 /tmp && : > /recorded/calls && chmod 666 /recorded/calls
COPY --chmod=755 record /usr/local/bin/pip
COPY --chmod=755 record /usr/local/bin/apt-get
SHELL ["/bin/sh", "-c"]
ENV PATH=/usr/local/bin:/bin {environment}
"""
DOCKERFILE = """\
FROM {base}
USER root
RUN apt-get update && apt-get install -y --no-install-recommends \\
    gcc \\
    libpq-dev
COPY src /app/src
RUN chown -R {user} /app/src
USER {user}
WORKDIR /tmp
COPY r.txt more.txt c.txt ./
RUN PIP_CONSTRAINT=c.txt pip install --user $(cat more.txt) 'pandas>=2' && true
RUN pip install \\
    # ours
    -r r.txt --no-deps > log 2>&1
USER root
"""


@pytest.mark.parametrize(
    ("base", "user", "pin"),
    [
        (("apache/airflow:2.8.1", "AIRFLOW_VERSION=2.8.1"), "airflow", "apache-airflow==2.8.1|"),
        (("bitnami/airflow:2.8.1", "APP_VERSION=2.8.1"), "1001", "apache-airflow==2.8.1|"),
        (("astronomer/astro-runtime:12.9.0", "ASTRONOMER_USER=astro"), "astro", ""),
    ],
)
def test_the_fixed_file_builds_on_its_base(
    base: tuple[str, str], user: str, pin: str, stand_in: Callable[[str, str], str], tmp_path: Path
) -> None:
    text = DOCKERFILE.format(base=stand_in(*base), user=user)
    advice = find_advice(text)
    assert {"OB301", "OB302", "OB304", "OB305", "OB306"} <= {one.code for one in advice if one.edits}
    fixed = apply_edits(text, (edit for one in advice for edit in one.edits))
    assert fixed.rstrip("\n").endswith(f"USER {user}")
    before, after = (build_and_export(one, tmp_path / label) for one, label in ((text, "a"), (fixed, "b")))
    calls = (before / "recorded/calls").read_text().splitlines()
    fixed_calls = (after / "recorded/calls").read_text().splitlines()
    installs = [one for one in calls if one.startswith("pip|")]
    assert [forget(one, pin) for one in fixed_calls if one.startswith("pip|")] == installs
    assert all(new in one for one in fixed_calls[-2:] for new in ("--no-cache-dir|", "--find-links=/wheels|"))
    assert "apt-get||install|-y|--no-install-recommends|libpq5|" in fixed_calls
    assert "wheel --wheel-dir /tmp/wheels -r r.txt --no-deps" in (after / "recorded/wheels").read_text()
    assert (after / "app/src/x").read_text() == "x"


def forget(call: str, pin: str) -> str:
    for new in ("--no-cache-dir|", "--find-links=/wheels|", pin):
        call = call.replace(new, "", 1)
    return call


def build_and_export(text: str, folder: Path) -> Path:
    """The files of the image; no image is made."""
    (folder / "src").mkdir(parents=True)
    (folder / "src/x").write_text("x")
    for name, content in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    (folder / "Dockerfile").write_text(text)
    out = folder / "out"
    words = ("docker", "build", f"--output=type=local,dest={out}", str(folder))
    done = LocalRunner().run(Command(words, timeout=120))
    assert done.ok, f"{text}\n{done.err}"
    return out
