"""Image names: one image has one name, however it is written.

Names, results and refusals are those of distribution/reference's own tests: ``reference_test.go`` (TestReferenceParse)
and ``normalize_test.go`` (TestValidateReferenceName, TestValidateRemoteName, TestParseRepositoryInfo,
TestNormalizedSplitHostname, TestParseAnyReference), https://github.com/distribution/reference.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.core.image_reference import (
    ImageReference,
    ImageReferenceError,
    add_default_tag,
    extract_last_component,
    extract_repository,
    find_image_reference,
    has_registry,
    is_taggable,
    list_prefixes,
    normalize_image_name,
    parse_image_reference,
    split_image_name,
)

DIGEST = f"sha256:{'f' * 64}"
LONG_DIGEST = f"sha512:{'f' * 128}"
HUB = "docker.io"

PARTS = {
    "foo": (HUB, "library/foo", "", ""),
    "foo:1": (HUB, "library/foo", "1", ""),
    "library/foo:1": (HUB, "library/foo", "1", ""),
    "docker.io/foo:1": (HUB, "library/foo", "1", ""),
    "docker.io/library/foo:1": (HUB, "library/foo", "1", ""),
    "index.docker.io/foo:1": (HUB, "library/foo", "1", ""),
    "index.docker.io/library/foo:1": (HUB, "library/foo", "1", ""),
    "registry-1.docker.io/library/foo:1": ("registry-1.docker.io", "library/foo", "1", ""),
    "library/foo/bar": (HUB, "library/foo/bar", "", ""),
    "docker.io/library/foo/bar": (HUB, "library/foo/bar", "", ""),
    "other/library": (HUB, "other/library", "", ""),
    "team/app": (HUB, "team/app", "", ""),
    "index.docker.io/team/app": (HUB, "team/app", "", ""),
    "test_com/foo": (HUB, "test_com/foo", "", ""),
    "test.com/foo": ("test.com", "foo", "", ""),
    "test.com/library/foo": ("test.com", "library/foo", "", ""),
    "test.com:tag": (HUB, "library/test.com", "tag", ""),
    "test.com:5000": (HUB, "library/test.com", "5000", ""),
    "test:5000/repo": ("test:5000", "repo", "", ""),
    "test:5000/repo:tag": ("test:5000", "repo", "tag", ""),
    f"test:5000/repo@{DIGEST}": ("test:5000", "repo", "", DIGEST),
    f"test:5000/repo:tag@{DIGEST}": ("test:5000", "repo", "tag", DIGEST),
    f"foo:latest@{DIGEST}": (HUB, "library/foo", "latest", DIGEST),
    f"xn--7o8h.com/myimage:xn--7o8h.com@{LONG_DIGEST}": ("xn--7o8h.com", "myimage", "xn--7o8h.com", LONG_DIGEST),
    "b.gcr.io/test.example.com/my-app:test.example.com": (
        "b.gcr.io",
        "test.example.com/my-app",
        "test.example.com",
        "",
    ),
    "foo/foo_bar.com:8080": (HUB, "foo/foo_bar.com", "8080", ""),
    "lowercase:Uppercase": (HUB, "library/lowercase", "Uppercase", ""),
    "localhost/foo": ("localhost", "foo", "", ""),
    "localhost": (HUB, "library/localhost", "", ""),
    "localhost:5000": (HUB, "library/localhost", "5000", ""),
    "localhost:5000/foo:1": ("localhost:5000", "foo", "1", ""),
    "127.0.0.1:5000/library/debian": ("127.0.0.1:5000", "library/debian", "", ""),
    "192.168.0.1:80": (HUB, "library/192.168.0.1", "80", ""),
    "192.168.1.1:5000/repo:5050": ("192.168.1.1:5000", "repo", "5050", ""),
    "[2001:db8::1]/repo": ("[2001:db8::1]", "repo", "", ""),
    "[2001:db8::1]:5000/repo:tag": ("[2001:db8::1]:5000", "repo", "tag", ""),
    f"[::1]:5000/repo@{DIGEST}": ("[::1]:5000", "repo", "", DIGEST),
    "Docker/docker": ("Docker", "docker", "", ""),
    "DOCKER/docker": ("DOCKER", "docker", "", ""),
    "docker---rules/docker": (HUB, "docker---rules/docker", "", ""),
    "dock__er/docker": (HUB, "dock__er/docker", "", ""),
    "d/docker": (HUB, "d/docker", "", ""),
    "thisisthesongthatneverendsitgoesonandonandonthisisthesongthatnev": (
        HUB,
        "library/thisisthesongthatneverendsitgoesonandonandonthisisthesongthatnev",
        "",
        "",
    ),
    f"docker.io/{'1a3f' * 16}": (HUB, f"library/{'1a3f' * 16}", "", ""),
    "1a3f" * 15: (HUB, f"library/{'1a3f' * 15}", "", ""),
    "foo:" + "t" * 128: (HUB, "library/foo", "t" * 128, ""),
    "a/" * 127 + "a:tag-puts-this-over-max": (HUB, "a/" * 127 + "a", "tag-puts-this-over-max", ""),
    f"long.example/{'a/' * 127}a": ("long.example", "a/" * 127 + "a", "", ""),
}

WRONG = {
    "": "empty",
    "1a3f" * 16: "ID",
    ":justtag": "part of an image name",
    f"@{DIGEST}": "part of an image name",
    "repo@sha256:" + "f" * 34: "digest",
    "repo@sha256:" + "F" * 64: "digest",
    f"repo@{DIGEST}f": "digest",
    "validname@invaliddigest:" + "f" * 64: "digest",
    "repo@": "digest",
    f"repo@{DIGEST}@{DIGEST}": "digest",
    "Uppercase:tag": "lower case",
    "docker/Docker": "lower case",
    "docker.io/docker/Docker": "lower case",
    "test:5000/Uppercase/lowercase:tag": "lower case",
    "a/" * 128 + "a:tag": "257 characters",
    "a" * 256: "264 characters",
    "aa/asdf$$^/aa": "part of an image name",
    "https://github.com/docker/docker": "part of an image name",
    "docker///docker": "part of an image name",
    "docker/": "part of an image name",
    "/docker": "part of an image name",
    "-docker": "part of an image name",
    "docker-/docker": "part of an image name",
    "____/____": "part of an image name",
    "_docker/_docker": "part of an image name",
    "team/dock..er": "part of an image name",
    "team/dock_.er": "part of an image name",
    "dock..er/docker": "registry",
    "dock_.er/docker": "registry",
    "dock___er/docker": "part of an image name",
    "-docker.io/docker/docker": "registry",
    "docker-.io/docker": "registry",
    "docker..io/docker": "registry",
    "docker.io:port/docker": "registry",
    "fc00::1:5000/debian": "registry",
    "[fe80::1%eth0]:5000/debian": "registry",
    "[2001:db8:3:4::192.0.2.33]:5000/debian": "registry",
    "[fc00::1]": "part of an image name",
    "[fc00::1]:5000": "part of an image name",
    "foo:": "tag",
    "foo:-x": "tag",
    "foo:" + "t" * 129: "tag",
    "foo:1\n": "tag",
    "foo\n": "part of an image name",
    "foo bar": "part of an image name",
    "foo:${TAG}": "tag",
    "${IMAGE}": "lower case",
    "föö": "part of an image name",
}


@pytest.mark.parametrize("text", PARTS)
def test_a_name_has_these_parts(text: str) -> None:
    found = parse_image_reference(text)
    assert (found.domain, found.path, found.tag, found.digest) == PARTS[text]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_not_a_name_is_said(text: str) -> None:
    with pytest.raises(ImageReferenceError, match=WRONG[text]):
        parse_image_reference(text)
    assert find_image_reference(text) is None


SAME = {
    "redis:latest": ("redis", "library/redis", "docker.io/redis", "index.docker.io/library/redis:latest"),
    "foo:1": ("foo:1", "library/foo:1", "docker.io/library/foo:1", "index.docker.io/foo:1"),
    "team/app:1": ("team/app:1", "docker.io/team/app:1", "index.docker.io/team/app:1"),
    "library/foo/bar:1": ("library/foo/bar:1", "docker.io/library/foo/bar:1"),
    f"foo@{DIGEST}": (f"foo@{DIGEST}", f"library/foo:1@{DIGEST}", f"docker.io/library/foo:2@{DIGEST}"),
    "localhost/foo:latest": ("localhost/foo",),
    "localhost:5000/foo:1": ("localhost:5000/foo:1",),
    "example.com/library/foo:latest": ("example.com/library/foo",),
    "registry-1.docker.io/library/foo:1": ("registry-1.docker.io/library/foo:1",),
    "Foo/bar:latest": ("Foo/bar", "Foo/bar:latest"),
}
"""How an engine lists an image → ways to write it."""


@pytest.mark.parametrize(("listed", "written"), [(listed, text) for listed, texts in SAME.items() for text in texts])
def test_one_name_for_each_image(listed: str, written: str) -> None:
    assert normalize_image_name(written) == listed


def test_names_of_different_images_stay_different() -> None:
    assert len({normalize_image_name(text) for texts in SAME.values() for text in texts}) == len(SAME)


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("redis", "docker.io/library/redis"),
        ("index.docker.io/team/app:1", "docker.io/team/app:1"),
        (f"busybox:latest@{DIGEST}", f"docker.io/library/busybox:latest@{DIGEST}"),
        ("127.0.0.1:8000/private/moonbase", "127.0.0.1:8000/private/moonbase"),
    ],
)
def test_a_name_in_full(text: str, full: str) -> None:
    assert parse_image_reference(text).normalized == full
    assert parse_image_reference(full) == parse_image_reference(text)


@pytest.mark.parametrize("identity", [f"sha256:{'1a3f' * 16}", "1a3f" * 16, "sha256:1a3f5e7d9c1b", ""])
def test_an_id_stays_as_it_is(identity: str) -> None:
    assert normalize_image_name(identity) == identity


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("docker.io/library/foo:${TAG}", "foo:${TAG}"),
        ("library/foo:${TAG:-1}", "foo:${TAG:-1}"),
        ("${IMAGE}", "${IMAGE}:latest"),
        ("${REGISTRY}/foo", "${REGISTRY}/foo:latest"),
        ("${IMAGE:-foo@sha256:1}", "${IMAGE:-foo@sha256:1}"),
        ("Foo:1", "Foo:1"),
    ],
)
def test_what_is_not_a_name_yet_keeps_its_text(text: str, same: str) -> None:
    assert normalize_image_name(text) == same


def test_what_may_stand_before_a_name() -> None:
    hub = ("", "docker.io/", "index.docker.io/")
    assert set(list_prefixes("foo:1")) == {*hub, "library/", "docker.io/library/", "index.docker.io/library/"}
    assert list_prefixes("team/foo:1") == list_prefixes("library/foo/bar:1") == hub
    assert list_prefixes("localhost:5000/foo:1") == list_prefixes("<none>:<none>") == ("",)


@pytest.mark.parametrize(
    ("text", "before", "tag", "repository", "last"),
    [
        ("docker.io/library/Postgres:13", "docker.io/library/Postgres", "13", "Postgres", "postgres"),
        (
            "r.example:5000/team/postgres",
            "r.example:5000/team/postgres",
            "",
            "r.example:5000/team/postgres",
            "postgres",
        ),
        (f"library/postgres:13@{DIGEST}", "library/postgres", "13", "postgres", "postgres"),
        ("apache/airflow:${VERSION:-2.8.1}", "apache/airflow", "${VERSION:-2.8.1}", "apache/airflow", "airflow"),
        ("*/postgres:*", "*/postgres", "*", "*/postgres", "postgres"),
    ],
)
def test_any_text_can_be_taken_apart(text: str, before: str, tag: str, repository: str, last: str) -> None:
    assert split_image_name(text) == (before, tag)
    assert extract_repository(text) == repository
    assert extract_last_component(text) == last


@pytest.mark.parametrize(
    ("text", "tagged"),
    [
        ("docker.io/library/foo", "docker.io/library/foo:latest"),
        ("host:5000/x", "host:5000/x:latest"),
        ("x:1", "x:1"),
        (f"x@{DIGEST}", f"x@{DIGEST}"),
    ],
)
def test_the_tag_that_docker_assumes(text: str, tagged: str) -> None:
    assert add_default_tag(text) == tagged


@pytest.mark.parametrize(
    ("text", "registry"),
    [
        ("a", False),
        ("a.b", False),
        ("a:5000", False),
        ("team/a", False),
        ("localhost/a", True),
        ("r.example/a", True),
        ("r:5000/a", True),
        ("docker.io/library/a", True),
        ("Team/a", True),
        ("[::1]/a", True),
    ],
)
def test_which_names_carry_a_registry(text: str, registry: bool) -> None:
    assert has_registry(text) is registry


@pytest.mark.parametrize(
    ("text", "taggable"),
    [("a", True), ("a/b:1", True), ("host:5000/a", True), ("A", False), (f"a@{DIGEST}", False), ("a:${TAG}", False)],
)
def test_names_that_an_image_can_be_given(text: str, taggable: bool) -> None:
    assert is_taggable(text) is taggable


WORD = st.from_regex(r"[a-z0-9]+([._-][a-z0-9]+)?", fullmatch=True)


@given(
    st.sampled_from(["", "docker.io", "index.docker.io", "localhost", "r.example:5000", "[::1]:80", "Host"]),
    st.lists(WORD, min_size=1, max_size=3),
    st.sampled_from(["", "1", "v2.0_x-"]),
    st.sampled_from(["", DIGEST]),
)
def test_every_spelling_means_the_same_image(domain: str, words: list[str], tag: str, digest: str) -> None:
    written = "/".join([domain, *words] if domain else words)
    written += (tag and f":{tag}") + (digest and f"@{digest}")
    found = find_image_reference(written)
    if found is None:  # 64 hexadecimal digits
        return
    assert isinstance(found, ImageReference)
    assert parse_image_reference(found.normalized) == found
    named = {prefix + found.engine_name for prefix in found.prefixes}
    assert {normalize_image_name(text) for text in named} == {normalize_image_name(written)}
