"""Spec and lock to context: the same bytes each time, no engine and no network; of the project, only the files that
[files] and [build] name are read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from builder.core import elf, slim_rules
from builder.core.debian import RELEASE_EPOCH
from builder.core.resources import list_template_names, read_template
from builder.image.lock.layers.debian_layers import list_added_packages
from builder.image.render.model import BuildContext, ContextFile
from builder.image.render.own_dockerfile import check_own_dockerfile
from builder.image.render.plan import check_rendered
from builder.image.render.plans.choose import make_plan, plan_wheels
from builder.image.render.project_files import FOLDER, read_project_files, read_run_files
from builder.image.render.stages import format_requirements, iterate_stage_files
from builder.image.render.templates import OwnTemplate, render_shipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.image.lock.model import DebianPackage, Lock
    from builder.image.spec.model import Spec

FILES_SCRIPT = "scripts/place_files.py"
"""Lays the files of [files] out."""
RUN_SCRIPT = "scripts/run_scripts.py"
"""Runs the scripts of [build] run. It lies beside what it needs, so that no stage of packages has another input."""
START_SCRIPT = "scripts/start_script.py"
"""Rewrites the ``airflow`` script; install.sh calls it where it is there."""


def render_context(spec: Spec, lock: Lock) -> BuildContext:
    """Everything that ``docker build`` needs, but Debian's packages, which the context's base.sh or debs.sh gets."""
    files = [
        ContextFile("Dockerfile", render_dockerfile(spec, lock).encode()),
        *_iterate_base_files(lock, spec.slim.read_flags()),
        *_iterate_requirement_files(lock),
        *iterate_stage_files(lock),
        *_iterate_script_files(spec, lock),
        *_iterate_project_files(spec),
        *_iterate_run_files(spec, lock),
    ]
    return BuildContext(tuple(sorted(files, key=lambda file: file.path)), lock.platform, lock.source_date_epoch)


def render_wheels_context(lock: Lock) -> BuildContext:
    """What builds nothing but the wheels of the lock's sources, in the builder stage that its image would have.

    What it stands on is made by the context's base.sh or debs.sh.
    """
    dockerfile = render_shipped(*plan_wheels(lock))
    files = [
        ContextFile("Dockerfile", dockerfile.encode()),
        *_iterate_base_files(lock, {}),
        *_iterate_requirement_files(lock),
        *(ContextFile(name, read_template(name)) for name in ("scripts/fetch.py", "scripts/install.sh")),
        *(ContextFile(name, read_template(name)) for name in list_template_names("foundation") if lock.foundation),
    ]
    return BuildContext(tuple(sorted(files, key=lambda file: file.path)), lock.platform, lock.source_date_epoch)


def render_dockerfile(spec: Spec, lock: Lock) -> str:
    """The Dockerfile's text, parsed again and found to say what was planned; :class:`RenderMismatchError` otherwise.

    A template of the project's own adds to that: :class:`OwnTemplateError` where it may not.
    """
    plan = make_plan(spec, lock)
    text = render_shipped(plan.template, plan.variables)
    check_rendered(text, plan)
    if spec.render.templates is None:
        return text
    template = OwnTemplate(spec, plan.template, plan.variables)
    own = template.render()
    check_own_dockerfile(own, text, template)
    return own


def _iterate_project_files(spec: Spec) -> Iterable[ContextFile]:
    """Those of [files], and where each entry lies in the image."""
    if spec.files:
        targets = {str(number): target for number, target in enumerate(spec.files.values(), 1)}
        yield ContextFile(f"{FOLDER}/targets.json", f"{json.dumps(targets)}\n".encode())
        yield from read_project_files(spec)


def _iterate_run_files(spec: Spec, lock: Lock) -> Iterable[ContextFile]:
    """The scripts of [build] run with what they read, and what runs them."""
    if not spec.build.run:
        return
    epoch = {"SOURCE_DATE_EPOCH": str(RELEASE_EPOCH[lock.release])}
    settings = {
        "scripts": spec.build.run,
        "folders": spec.build.run_folders,
        "network": spec.build.run_network,
        "environment": {**make_plan(spec, lock).environment, **epoch},
    }
    yield ContextFile("run/settings.json", f"{json.dumps(settings, indent=1)}\n".encode())
    for name in (RUN_SCRIPT, FILES_SCRIPT):
        yield ContextFile(f"run/{Path(name).name}", read_template(name))
    yield from read_run_files(spec)


def _iterate_base_files(lock: Lock, slim: dict[str, bool]) -> Iterable[ContextFile]:
    """The script that gets Debian's packages, and what it reads."""
    settings = {
        "release": lock.release,
        # Debian and Docker use the same words for the architectures that we know: amd64, arm64
        "architecture": lock.platform.removeprefix("linux/"),
    }
    if lock.foundation is None:
        yield ContextFile("base.sh", read_template("base.sh"), executable=True)
        # also where it is empty: a render into the same folder removes no file
        yield ContextFile("added.packages", _format_package_list(list_added_packages(lock)))
        settings["source_date_epoch"] = str(RELEASE_EPOCH[lock.release])
        settings["pruned"] = " ".join(slim_rules.list_pruned(slim, slim_rules.Scope.BASE))
    else:
        yield ContextFile("debs.sh", read_template("debs.sh"), executable=True)
    yield ContextFile("base.env", "".join(f"{key}={value}\n" for key, value in settings.items()).encode())
    yield ContextFile("runtime.packages", _format_package_list(lock.runtime))
    yield ContextFile("builder.packages", _format_package_list(lock.build))


def _format_package_list(packages: tuple[DebianPackage, ...]) -> bytes:
    lines = (f"{package.name} {package.version} {package.architecture} {package.sha256}\n" for package in packages)
    return "".join(lines).encode()


def _iterate_requirement_files(lock: Lock) -> Iterable[ContextFile]:
    sdists = [distribution for distribution in lock.python if distribution.kind == "sdist"]
    for name, distributions in (
        ("sdists", sdists),
        ("build-requires", lock.build_requires),
        ("uv", [lock.uv]),
    ):
        yield ContextFile(f"requirements/{name}.txt", format_requirements(distributions))


def _iterate_script_files(spec: Spec, lock: Lock) -> Iterable[ContextFile]:
    """What runs in the build. A base of our own that is built in several stages is never changed by a RUN."""
    changes_base = lock.foundation is not None or not spec.build.multi_stage
    wanted = {START_SCRIPT: spec.build.pause_gc_at_start, FILES_SCRIPT: bool(spec.files), RUN_SCRIPT: False}
    for folder in ("scripts", "rootfs", *(("foundation",) if changes_base else ())):
        for name in list_template_names(folder):
            if wanted.get(name, True):
                yield ContextFile(name, read_template(name))
    # one ELF reader, used twice: the lock walks wheels with it, the build checks what strip left
    yield ContextFile("scripts/elf.py", Path(elf.__file__).read_bytes())
    flags = spec.slim.read_flags()
    yield _make_rule_file("scripts/slim.json", flags, slim_rules.Scope.PYTHON)
    if lock.foundation is not None:
        yield _make_rule_file("foundation/slim.json", flags, slim_rules.Scope.BASE)


def _make_rule_file(path: str, flags: dict[str, bool], scope: slim_rules.Scope) -> ContextFile:
    """The names of the rules that are carried out."""
    return ContextFile(path, f"{json.dumps(slim_rules.list_pruned(flags, scope))}\n".encode())
