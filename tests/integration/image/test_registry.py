"""From a builder to a registry: what is sent, how it is compressed, under which names; and caches that go the same way.

The builder is an engine of its own with containerd's store, which buildx reaches as `remote`; all figures are the
registry's.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from builder.core.errors import BuildFailedError, BuildRefusedError, EngineFailedError
from builder.core.process import LocalRunner
from builder.engine.client import connect_engine
from builder.engine.compression import Compression, parse_compression
from builder.engine.registry import query_manifest
from builder.image.build.build import build_candidate
from builder.image.build.push import push_candidate

LAYERS = {"gzip": ".tar.gzip", "zstd": ".tar+zstd"}


def read_layer_types(builder: Any, reference: str) -> set[str]:
    manifest = query_manifest(LocalRunner(), builder.env, builder.name, reference)
    return {layer["mediaType"] for layer in manifest["layers"]}


@pytest.mark.parametrize("asked", ["gzip", "zstd", "zstd:10"])
def test_an_unverified_image_goes_straight_to_its_registry_under_its_content_tag(
    small: Any, name: str, registry: Any, fresh_builder: Any, asked: str
) -> None:
    """And when it is built anew, on a builder that has nothing, not a byte is sent again."""
    where, compression = f"{registry.address}/team/{name}", parse_compression(asked)
    job = small.make(
        where,
        env=fresh_builder.env,
        builder=fresh_builder.name,
        push=True,
        compression=compression,
        push_directly=True,
    )
    candidate = build_candidate(job)
    pushed = push_candidate(job, candidate, ())
    assert pushed.references == (candidate.reference,) == (f"{where}:{job.content_tag}",)
    assert candidate.bytes is None
    assert small.engine.find_image_id(candidate.reference) is None, "it did not come here"
    (kind,) = read_layer_types(fresh_builder, f"{where}@{pushed.digest}")
    assert kind.endswith(LAYERS[compression.kind])
    assert registry.has_manifest(candidate.reference)
    assert not registry.has_manifest(f"{where}:latest")

    before = registry.count_uploaded_bytes()
    assert before > 0
    again = replace(job, options=replace(job.options, no_cache=True))
    assert build_candidate(again).pushed == pushed
    assert registry.count_uploaded_bytes() == before


def test_what_was_verified_is_pushed_with_zstd_under_all_its_names(
    small: Any, engine: Any, name: str, registry: Any, fresh_builder: Any
) -> None:
    """The same image: its configuration is that of the image on the engine."""
    where = f"{registry.address}/team/{name}"
    zstd = Compression("zstd", 3)
    job = small.make(where, env=fresh_builder.env, builder=fresh_builder.name, push=True, compression=zstd)
    candidate = build_candidate(job)
    names = (f"{where}:latest", f"{where}-web:latest")
    pushed = push_candidate(job, candidate, names)
    assert pushed.references == names
    for reference in names:
        manifest = query_manifest(LocalRunner(), fresh_builder.env, fresh_builder.name, reference)
        assert manifest["config"]["digest"] == candidate.image_id == engine.find_image_id(candidate.reference)
        assert {layer["mediaType"] for layer in manifest["layers"]} == {"application/vnd.oci.image.layer.v1.tar+zstd"}


@pytest.mark.parametrize("verified", [False, True])
def test_an_engine_with_containerd_s_store_needs_no_other_builder(
    small: Any, name: str, registry: Any, fresh_builder: Any, *, verified: bool
) -> None:
    """Its IDs are those of manifests, so that an image and its push are compared by their configuration."""
    where = f"{registry.address}/team/{name}"
    env = {**os.environ, "DOCKER_HOST": fresh_builder.engine}
    with connect_engine(env) as engine:
        assert engine.info.containerd_store
        here = replace(small, engine=engine)
        zstd = Compression("zstd")
        job = here.make(where, env=env, push=True, compression=zstd, push_directly=not verified)
        candidate = build_candidate(job)
        assert (engine.find_image_id(candidate.reference) == candidate.image_id) is verified
        pushed = push_candidate(job, candidate, (f"{where}:latest",) if verified else ())
        manifest = query_manifest(LocalRunner(), env, "default", f"{where}@{pushed.digest}")
    assert manifest["config"]["digest"] == candidate.config_digest
    assert {layer["mediaType"] for layer in manifest["layers"]} == {"application/vnd.oci.image.layer.v1.tar+zstd"}
    assert registry.has_manifest(f"{where}:latest") is verified


def test_an_image_that_is_not_the_verified_one_moves_no_name(
    small: Any, name: str, registry: Any, fresh_builder: Any
) -> None:
    where = f"{registry.address}/team/{name}"
    zstd = Compression("zstd")
    job = small.make(where, env=fresh_builder.env, builder=fresh_builder.name, push=True, compression=zstd)
    verified = replace(build_candidate(job), metadata='{"containerimage.config.digest": "sha256:other"}')
    with pytest.raises(EngineFailedError, match=r"sha256:other was verified\. No other name was pushed"):
        push_candidate(job, verified, (f"{where}:latest",))
    assert not registry.has_manifest(f"{where}:latest")


def test_a_builder_that_passes_over_the_compression_is_found_out(
    small: Any, name: str, registry: Any, fresh_builder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = f"{registry.address}/team/{name}"
    zstd = Compression("zstd")
    job = small.make(
        where, env=fresh_builder.env, builder=fresh_builder.name, push=True, compression=zstd, push_directly=True
    )
    monkeypatch.setattr(Compression, "list_output_attributes", lambda _self: ())
    with pytest.raises(EngineFailedError, match=r"but not with zstd: the registry has layers of .*gzip"):
        build_candidate(job)


def test_a_registry_that_does_not_answer_is_named(small: Any, name: str, fresh_builder: Any) -> None:
    job = small.make(
        f"127.0.0.1:1/{name}", env=fresh_builder.env, builder=fresh_builder.name, push=True, push_directly=True
    )
    with pytest.raises(BuildFailedError, match=r"failed to push 127\.0\.0\.1:1/") as caught:
        build_candidate(job)
    assert "docker login" in str(caught.value.hint)


def test_the_engine_s_classic_store_is_refused_before_anything_is_built(
    small: Any, engine: Any, name: str, registry: Any
) -> None:
    if engine.info.containerd_store:
        pytest.fail("this machine's engine has containerd's store: the refusal cannot be seen here")
    job = small.make(f"{registry.address}/team/{name}", push=True, compression=Compression("zstd"))
    with pytest.raises(BuildRefusedError, match="always pushes with gzip"):
        build_candidate(job)
    assert "building" not in " ".join(small.notes.notes)


def test_an_identical_image_sends_nothing_again_from_the_engine_either(
    small: Any, engine: Any, name: str, registry: Any
) -> None:
    job = small.make(f"{registry.address}/team/{name}", push=True, no_cache=True)
    first = push_candidate(job, build_candidate(job), ())
    before = registry.count_uploaded_bytes()
    assert before > 0
    assert push_candidate(job, build_candidate(job), ()) == first
    assert registry.count_uploaded_bytes() == before


def count_steps(notes: list[str], tasks: list[str]) -> tuple[int, int]:
    """RUN steps that came from a cache, and those that ran."""
    cached = [note for note in notes if "] RUN" in note and note.endswith(": cached")]
    ran = [note for note in [*notes, *tasks] if "] RUN" in note and not note.endswith(": cached")]
    return len(cached), len(ran)


def test_a_builder_that_has_nothing_runs_no_step_with_a_cache_from_a_registry(
    small: Any, name: str, registry: Any, fresh_builder: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cache = f"type=registry,ref={registry.address}/team/{name}-cache"
    job = small.make(name, env=fresh_builder.env, builder=fresh_builder.name, cache_to=(f"{cache},mode=max",))
    first = build_candidate(job)
    assert count_steps(small.notes.notes, small.notes.tasks) == (0, 1)
    small.notes.notes.clear()
    small.notes.tasks.clear()

    here = small.make(name, cache_from=(cache,))  # this machine's own builder, which never saw these steps
    second = build_candidate(here)
    assert count_steps(small.notes.notes, small.notes.tasks) == (1, 0)
    assert second.image_id == first.image_id
