"""Tags move together, only to what was proven; what they left is remembered; a registry gets what was promoted."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from builder.core.errors import EngineFailedError
from builder.core.progress import SilentProgress
from builder.image.build.push import push_images

if TYPE_CHECKING:
    from builder.engine.client import Engine

MANIFEST = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}


def ids(engine: Engine, tiny: Any) -> set[str | None]:
    return {engine.find_image_id(reference) for reference in tiny.references}


def test_every_name_has_the_one_id(tiny: Any, engine: Engine) -> None:
    done = tiny.run().json
    assert ids(engine, tiny) == {done["id"]}
    assert dict(tiny.project(engine).references) == dict.fromkeys(tiny.references, done["id"])


def test_a_failed_check_leaves_the_old_tags_and_says_where_the_candidate_is(
    tiny: Any, engine: Engine, images: Any
) -> None:
    good = tiny.run("--content", "good").json
    bad = tiny.run("--content", "bad", "--failing")
    assert bad.code == 1
    assert ids(engine, tiny) == {good["id"]}
    (candidate,) = set(images(tiny.name)) - {good["id"]}
    image = engine.inspect_image(candidate)
    assert image is not None
    assert candidate in bad.err
    assert image.references[0] in bad.err
    assert "docker run" in bad.err
    assert tiny.run("--content", "bad", "--failing").code == 1  # failing once does not make it proven


def test_without_verify_no_tag_moves(tiny: Any, engine: Engine) -> None:
    good = tiny.run("--content", "good").json
    tiny.run("--content", "new", "--no-verify")
    assert ids(engine, tiny) == {good["id"]}


def test_the_last_two_are_kept_for_a_rollback(tiny: Any, engine: Engine, images: Any) -> None:
    made = [tiny.run("--content", str(number)).json["id"] for number in range(4)]
    project = tiny.project(engine)
    assert [former.image_id for former in project.superseded] == made[:3]
    assert project.kept == (made[1], made[2])
    assert set(images(tiny.name)) == set(made)  # nothing was deleted


def test_a_deleted_tag_comes_back_without_a_build(tiny: Any, engine: Engine) -> None:
    done = tiny.run().json
    engine.untag(tiny.references[-1])
    again = tiny.run()
    assert again.json["cached"] is True
    assert ids(engine, tiny) == {done["id"]}


def test_a_push_brings_the_image_to_its_registry(tiny: Any, engine: Engine, registry: Any) -> None:
    done = tiny.run("--no-verify").json
    references = (f"{registry.address}/team/{tiny.name}:latest", f"{registry.address}/team/{tiny.name}-web:latest")
    for reference in references:
        engine.tag(done["id"], reference)
    pushed = push_images(engine, references, SilentProgress())
    assert pushed.references == references
    manifest = urllib.request.Request(
        f"http://{registry.address}/v2/team/{tiny.name}/manifests/latest",
        headers=MANIFEST,
    )
    with urllib.request.urlopen(manifest, timeout=10) as answer:
        assert answer.headers["Docker-Content-Digest"] == pushed.digest
        assert json.load(answer)["config"]["digest"] == done["id"]


def test_a_push_that_fails_says_so(tiny: Any, engine: Engine) -> None:
    done = tiny.run("--no-verify").json
    reference = f"127.0.0.1:1/{tiny.name}:latest"
    engine.tag(done["id"], reference)
    with pytest.raises(EngineFailedError, match="docker login"):
        push_images(engine, (reference,), SilentProgress())


def test_optbuild_pushes_its_candidate(optbuild: Any, engine: Engine, name: str, registry: Any) -> None:
    """The whole command, with the real image; without --verify what is pushed is the content tag."""
    project = f"{registry.address}/team/{name}"
    spec = optbuild.folder / "optbuild.toml"
    spec.write_text(spec.read_text().replace(f'"{name}"', f'"{project}"'))
    metadata = optbuild.folder / "metadata.json"
    done = optbuild.run("build", "--push", "--format", "json", "--metadata-file", str(metadata))
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert result["promoted"] == []
    assert (
        json.loads(metadata.read_text())["image_id"] == result["image_id"] == engine.find_image_id(result["reference"])
    )
    url = f"http://{registry.address}/v2/team/{name}/manifests/{result['content_tag']}"
    with urllib.request.urlopen(urllib.request.Request(url, headers=MANIFEST), timeout=10) as answer:
        assert [answer.headers["Docker-Content-Digest"]] == result["pushed"]


def test_an_image_over_its_budget_stays_a_candidate(optbuild: Any, engine: Engine, name: str, images: Any) -> None:
    """The whole command, with the real image: refused with both figures, before minutes of verification."""
    spec = optbuild.folder / "optbuild.toml"
    spec.write_text(spec.read_text(encoding="utf-8") + '\n[budget]\nimage-bytes = "100MB"\n', encoding="utf-8")
    done = optbuild.run("build", "--verify")
    assert done.code == 1, done.err
    (image_id,) = images(name)
    image = engine.inspect_image(image_id)
    assert image is not None
    (reference,) = image.references  # no tag but the candidate's
    assert f"{image.unpacked:,} bytes" in done.err
    assert "100,000,000 bytes" in done.err
    assert f"The candidate is {reference} ({image_id})" in done.err
    assert "docker history" in done.err
