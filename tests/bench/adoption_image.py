"""Whether an image has what the original of a project gives: asked of a container of it, without network."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from builder.image.render.project_files import list_project_files, read_dockerignore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from adoption import Sample

_ASK = """
import hashlib, importlib.metadata, json, pathlib, subprocess, sys
names, targets = json.loads(sys.argv[1])
found = {}
for target in targets:
    path = pathlib.Path(target)
    files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
    found |= {str(one): hashlib.sha256(one.read_bytes()).hexdigest() for one in files if "__pycache__" not in str(one)}
ask = ("dpkg-query", "--show", "--showformat=${binary:Package} ${db:Status-Status}\\n", *names)
said = subprocess.run(ask, capture_output=True, text=True).stdout if names else ""
packages = [line.split()[0].partition(":")[0] for line in said.splitlines() if line.endswith(" installed")]
versions = {one.metadata["Name"]: one.version for one in importlib.metadata.distributions()}
print(json.dumps({"files": found, "packages": packages, "versions": versions}))
"""


def compare_image(sample: Sample, folder: Path, reference: str) -> list[str]:
    """What of the original the image does not have."""
    expected = sample.expected
    files = expected.get("files", {})
    question = json.dumps([expected.get("apt", []), list(files.values())])
    answer = json.loads(run_container(reference, _ASK, question))
    config = json.loads(run_docker("inspect", "--format={{json .Config}}", reference))
    return [
        *_compare_versions(expected, answer["versions"]),
        *(f"package {name}" for name in sorted(set(expected.get("apt", ())) - set(answer["packages"]))),
        *_compare_files(folder, files, answer["files"]),
        *_compare_pairs("variable", expected.get("env", {}), dict(one.split("=", 1) for one in config["Env"])),
        *_compare_pairs("label", expected.get("labels", {}), config["Labels"]),
    ]


def _compare_versions(expected: Mapping[str, Any], versions: Mapping[str, str]) -> Iterator[str]:
    found = {canonicalize_name(name): version for name, version in versions.items()}
    for text in (*expected.get("pins", ()), f"apache-airflow=={expected['airflow']}"):
        pin = Requirement(text)
        version = found.get(canonicalize_name(pin.name))
        if version is None or not pin.specifier.contains(version, prereleases=True):
            yield f"pin {text}, found {version}"


def _compare_files(folder: Path, files: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    ignore = read_dockerignore(folder)
    for source, target in files.items():
        for one in list_project_files(folder, source, target, ignore):
            if found.get(one.target) != hashlib.sha256(one.path.read_bytes()).hexdigest():
                yield f"file {one.target}"


def _compare_pairs(what: str, wanted: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    yield from (
        f"{what} {key}={value}, found {found.get(key)}" for key, value in wanted.items() if found.get(key) != value
    )


def run_container(reference: str, script: str, word: str) -> str:
    return run_docker(
        "run", "--rm", "--network=none", "--pull=never", "--entrypoint=python", reference, "-c", script, word
    )


def run_docker(*words: str) -> str:
    done = subprocess.run(("docker", *words), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(re.sub(r"\s+", " ", f"docker {words[0]}: {done.stderr}")[-500:])
    return done.stdout
