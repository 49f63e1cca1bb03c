"""Templates of a project's own: blocks filled one by one, in a sandbox, every mistake with the template's line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from own_templates import list_blocks, refuse, with_template

from builder.image.render.context import render_context, render_dockerfile
from builder.image.render.templates import SHIPPED

if TYPE_CHECKING:
    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec

ROOT = Path(__file__).parents[4]
EXTENDS = f'{{% extends "{SHIPPED}debian.Dockerfile.j2" %}}\n'
BLOCKS = list_blocks("debian.Dockerfile.j2")


def find_example() -> str:
    section = (ROOT / "docs/how-to/templates.md").read_text()
    found = re.search(r"```jinja\n(.*?)```", section, re.DOTALL)
    assert found
    return found[1]


def test_the_example_of_the_docs_adds_a_stage_a_file_and_a_label(spec: Spec, lock: Lock, tmp_path: Path) -> None:
    before, after = (
        render_dockerfile(spec, lock),
        render_dockerfile(with_template(spec, tmp_path, find_example()), lock),
    )
    added = [line for line in after.splitlines() if line and line not in before.splitlines()]
    assert [line.split()[0] for line in added if line[0].isupper()] == ["FROM", "RUN", "COPY", "LABEL"]
    assert [line for line in before.splitlines() if line not in after.splitlines()] == []


def test_a_template_that_adds_nothing_gives_the_same_context(spec: Spec, lock: Lock, tmp_path: Path) -> None:
    assert render_context(with_template(spec, tmp_path, EXTENDS), lock) == render_context(spec, lock)


def test_the_content_tag_covers_the_template(spec: Spec, lock: Lock, tmp_path: Path) -> None:
    label = EXTENDS + "{% block labels %}{{ super() }}\n\nLABEL owner=OWNER\n{% endblock %}"
    digests = {
        render_context(with_template(spec, tmp_path, label.replace("OWNER", owner)), lock).compute_digest()
        for owner in ("ml", "web")
    }
    assert len({*digests, render_context(spec, lock).compute_digest()}) == 3


@pytest.mark.parametrize("block", [name for name in BLOCKS if name not in ("stages", "files")])
def test_no_block_may_be_emptied(block: str, spec: Spec, lock: Lock, tmp_path: Path) -> None:
    text = f"{EXTENDS}{{% block {block} %}}\n# nothing\n{{% endblock %}}\n"
    assert "is missing: " in str(refuse(with_template(spec, tmp_path, text), lock))


ADDED = [
    ("labels", "USER 0", "USER may not be added"),
    ("labels", "RUN id", "RUN may not be added"),
    ("files", "RUN id", "RUN may not be added"),
    ("files", "ADD https://host.example/x /", "ADD may not be added"),
    ("files", 'ENTRYPOINT ["sh"]', "ENTRYPOINT may not be added"),
    ("files", "ONBUILD RUN id", "ONBUILD may not be added"),
    ("files", "HEALTHCHECK CMD id", "HEALTHCHECK may not be added"),
    ("files", "COPY scripts /", "names no stage"),
    ("files", "COPY --from=debian:12 / /", "COPY --from=debian:12"),
    ("files", "COPY --from=$X / /", "COPY --from"),
    ("files", "COPY <<EOF /x\nroot\nEOF", "names no stage"),
    ("files", "FROM scratch", "begins with no stage"),
    ("files", "FROM builder AS more\nRUN id", "is missing: "),
    ("base", "ENV A=1", "ENV may not be added in this stage"),
    ("builder", "RUN id", "RUN may not be added in this stage"),
    ("stages", "FROM debian AS more", "begins with no stage"),
    ("stages", f"FROM debian@sha256:{'0' * 64} AS more", "begins with no stage"),
    ("stages", "FROM scratch AS more\nADD builder.tar /", "ADD may not be added"),
    ("files", "ADD base.tar /", "ADD may not be added"),
    ("files", "ADD added.tar /", "ADD may not be added"),
    ("stages", "FROM builder AS check", "begins with no stage"),
    ("stages", "FROM builder AS more\nADD base.tar /", "ADD may not be added"),
    ("stages", "FROM builder AS more\nARG A", "ARG may not be added"),
    ("stages", "FROM builder AS more\nRUN --mount=type=secret,id=netrc cat", "RUN --mount=type=secret"),
    ("stages", "FROM builder AS more\nRUN --mount=id=ca,Type=ssh ls", "RUN --mount"),
    ("stages", "FROM builder AS more\nRUN --mount=from=alpine,target=/a ls", "RUN --mount"),
    ("stages", "FROM builder AS more\nRUN --mount=type=cache,id=optbuild-pip,target=/a ls", "RUN --mount"),
    ("stages", 'FROM builder AS more\nRUN --mount="type=secret" ls', "RUN --mount"),
    ("stages", "FROM builder AS more\nRUN --security=insecure id", "RUN --security"),
    ("stages", "FROM builder AS more\nRUN --network=host id", "RUN --network"),
    ("labels", "ENV DB_PASSWORD=hunter2hunter2", "looks like a secret"),
    ("labels", "ENV DB=postgresql://me:hunter2hunter2@db/x", "looks like a secret"),
    ("labels", "ENV PATH=/evil", "PATH cannot be changed"),
    ("labels", "ENV LANG=C", "LANG is set already"),
    ("labels", "ENV A=$PATH", "has a meaning in a Dockerfile"),
    ("labels", "LABEL optbuild.project=x", "set by optbuild itself"),
    ("labels", "EXPOSE $X", "is not a port"),
    ("labels", "# syntax=host.example/frontend", "is a directive"),
    ("labels", "#  Escape = `", "is a directive"),
    ("labels", "LABEL a=b\rUSER 0", "USER may not be added"),  # as Jinja reads it
    ("labels", "LABEL a=b\u2028USER 0", "cannot be seen"),
    ("labels", "LABEL a=\u202eb", "cannot be seen"),
    ("labels", "LABEL a=\x00b", "cannot be seen"),
    ("labels", "{{ nothing }}", "'nothing' is undefined"),
    ("labels", "{{ 1 / 0 }}", "division by zero"),
    ("labels", "{% if %}", "not a template"),
    ("labels", "{{ 'a' * 1000000000 }}", "a sandbox forbids"),
    ("labels", "{{ '%1000000000d' % 1 }}", "a sandbox forbids"),
    ("labels", "{% for i in range(1000000000) %}{% endfor %}", "Range too big"),
    ("labels", "{{ cycler.__init__.__globals__ }}", "a sandbox forbids"),
    ("labels", "{{ environment.append(1) }}", "a sandbox forbids"),
    ("labels", '{% include "../optbuild.toml" %}', "is not the name of a template"),
    ("labels", '{% include "/etc/passwd" %}', "is not the name of a template"),
    ("labels", '{% include "optbuild/../Makefile" %}', "there is no template"),
    ("labels", '{% include "link.j2" %}', "leads out of the folder"),
    ("labels", '{% include "outside/spec.toml" %}', "leads out of the folder"),
    ("labels", '{% include "nowhere.j2" %}', "does not exist"),
]


@pytest.mark.parametrize(
    ("block", "added", "words"), ADDED, ids=[f"{block}:{added[:40]!a}" for block, added, _ in ADDED]
)
def test_what_may_not_be_added_is_refused_with_the_line(
    block: str, added: str, words: str, *, spec: Spec, lock: Lock, tmp_path: Path
) -> None:
    (tmp_path / "secret.txt").write_text("LABEL secret=1\n")
    changed = with_template(
        spec, tmp_path, f"{EXTENDS}{{% block {block} %}}\n{{{{ super() }}}}\n\n{added}\n\n{{% endblock %}}"
    )
    (tmp_path / "own/link.j2").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "own/outside").symlink_to(tmp_path)
    error = refuse(changed, lock)
    assert words in str(error)
    assert error.where
    assert error.where.file == "own/debian.Dockerfile.j2"
    assert error.where.line is not None
    assert 5 <= error.where.line <= 9, "the line of what was added, or of what is missing behind it"
    assert error.message.isprintable()


def test_the_line_is_that_of_the_file_that_wrote_it(spec: Spec, lock: Lock, tmp_path: Path) -> None:
    text = f'{EXTENDS}{{% block files %}}{{% include "files.j2" %}}{{% endblock %}}'
    changed = with_template(
        with_template(spec, tmp_path, text), tmp_path, "\nCOPY --from=base /a /b\nUSER 0\n", "files.j2"
    )
    where = refuse(changed, lock).where
    assert where
    assert (where.file, where.line) == ("own/files.j2", 3)


def test_a_folder_without_the_template_of_the_base_is_refused(spec: Spec, lock: Lock, tmp_path: Path) -> None:
    changed = with_template(spec, tmp_path, "", "other.j2")
    assert "put debian.Dockerfile.j2 there" in str(refuse(changed, lock))


def test_not_utf_8_is_refused_with_its_line(spec: Spec, lock: Lock, tmp_path: Path) -> None:
    where = refuse(with_template(spec, tmp_path, b"{# #}\n\xff"), lock).where
    assert where
    assert where.line == 2


def test_a_huge_template_is_refused(spec: Spec, lock: Lock, tmp_path: Path) -> None:
    assert "more than 5 MB" in str(refuse(with_template(spec, tmp_path, b"#" * 6_000_000), lock))
    assert "characters" in str(
        refuse(with_template(spec, tmp_path, EXTENDS + "{% block files %}" + "#\n" * 600_000 + "{% endblock %}"), lock)
    )


def test_a_link_in_place_of_the_folder_is_not_followed_outside(spec: Spec, lock: Lock, tmp_path: Path) -> None:
    outside, project = tmp_path / "outside", tmp_path / "project"
    project.mkdir()
    outside.mkdir()
    (outside / "debian.Dockerfile.j2").write_text(EXTENDS)
    (project / "own").symlink_to(outside)
    render = spec.render.model_copy(update={"templates": "own"})
    changed = spec.model_copy(update={"folder": project, "render": render})
    assert "leads out of the folder" in str(refuse(changed, lock))
