"""The bill of materials: complete, valid by CycloneDX's own schema, and the same each time."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given, settings
from hypothesis import strategies as st
from image_factories import PYTHON_FOLDER, Image, Owned, file

from builder.image.lock.model import DebianPackage, Distribution, Lock, LockInputs
from builder.inspect.sbom.cyclonedx_document import format_cyclonedx

EXAMPLES = 2000 if os.environ.get("OPTBUILD_SOAK") else 40
VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)
METADATA = f"{PYTHON_FOLDER}/numpy-1.24.3.dist-info/METADATA"
OS_RELEASE = b"""PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME='Debian GNU/Linux'
VERSION_ID="12"
# a comment = of somebody
ID=debian
BROKEN="
"""
IMAGE = Image(
    [
        ("ADD base.tar /", [file("/bin/sh", 100), file("/lib/libc.so.6", 900)]),
        (
            "COPY --link /venv /",
            [
                file(f"{PYTHON_FOLDER}/numpy/core.so", 5000),
                file(f"{PYTHON_FOLDER}/pandas/x.py", 3000),
                file(METADATA, 60),
                file("/usr/lib/os-release", 40),
            ],
        ),
    ],
    [
        Owned("python", "pandas", "2.0.3", f"{PYTHON_FOLDER}/pandas", requires=("numpy",), asked_for=True),
        Owned("python", "numpy", "1.24.3", f"{PYTHON_FOLDER}/numpy"),
        Owned("debian", "dash", "0.5.12-2", "/bin", "amd64", requires=("libc6",)),
        Owned("debian", "libc6", "1:2.36-9+deb12u9", "/lib", "amd64", requires=("libc6",)),
    ],
    texts={
        METADATA: b"Metadata-Version: 2.1\nName: NumPy\nVersion: 1.24.3\nLicense: bsd-3-clause\n",
        "/usr/lib/os-release": OS_RELEASE,
    },
    labels={"org.opencontainers.image.title": "shop"},
)
LOCK = Lock(
    platform="linux/amd64",
    inputs=LockInputs("2.8.1", (), "3.11", (), "none", "bookworm", (), ()),
    constraints=None,
    given_up=(),
    source_date_epoch=0,
    uv=Distribution("uv", "0.9", "wheel", "0" * 64, 1),
    python=(
        Distribution("numpy", "1.24.3", "wheel", "a" * 64, 1),
        Distribution("pandas", "2.0.3", "sdist", "b" * 64, 1),
    ),
    build_requires=(),
    shared_libraries=(),
    runtime=(
        DebianPackage("dash", "0.5.12-2", "amd64", "c" * 64, 1),
        DebianPackage("libc6", "1:2.36-9+deb12u8", "amd64", "d" * 64, 1),
    ),
    build=(),
)


def made(image: Image = IMAGE, lock: Lock | None = LOCK, **more: Any) -> str:
    return format_cyclonedx(image.inspected(), lock, version="1.2.3", **more)


def component(document: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one for one in document["components"] if one["name"] == name]
    return dict(found)


@pytest.mark.parametrize(
    ("image", "lock"),
    [
        pytest.param(IMAGE, LOCK, id="with a lock"),
        pytest.param(IMAGE, None, id="without"),
        pytest.param(replace(IMAGE, packages=()), None, id="without packages"),
        pytest.param(replace(IMAGE, created=None, references=(), labels={}), None, id="an image that says nothing"),
        pytest.param(Image([]), None, id="empty"),
    ],
)
def test_it_is_valid(image: Image, lock: Lock | None) -> None:
    errors = VALIDATOR.validate_str(made(image, lock))
    assert errors is None, str(errors)


def test_the_validator_finds_what_is_wrong() -> None:
    assert VALIDATOR.validate_str(made().replace('"library"', '"nonsense"')) is not None


def test_every_package_with_version_and_package_url() -> None:
    document = json.loads(made())
    found = {(one["name"], one["version"], one.get("purl")) for one in document["components"]}
    assert found == {
        ("numpy", "1.24.3", "pkg:pypi/numpy@1.24.3"),
        ("pandas", "2.0.3", "pkg:pypi/pandas@2.0.3"),
        ("dash", "0.5.12-2", "pkg:deb/debian/dash@0.5.12-2?arch=amd64&distro=debian-12"),
        ("libc6", "1:2.36-9+deb12u9", "pkg:deb/debian/libc6@1:2.36-9%2Bdeb12u9?arch=amd64&distro=debian-12"),
        ("debian", "12", None),
    }
    assert document["metadata"]["component"]["name"] == "shop"
    assert {"name": "optbuild:bytes", "value": "5000"} in component(document, "numpy")["properties"]


def test_hashes_are_those_of_the_same_version_in_the_lock() -> None:
    document = json.loads(made())
    assert component(document, "numpy")["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    assert component(document, "dash")["hashes"] == [{"alg": "SHA-256", "content": "c" * 64}]
    assert "hashes" not in component(document, "libc6"), "the lock has another version"
    pandas = component(document, "pandas")
    assert "hashes" not in pandas, "what is installed was made from the sdist, and is not it"
    assert pandas["externalReferences"] == [
        {
            "type": "source-distribution",
            "url": "pkg:pypi/pandas@2.0.3",
            "hashes": [{"alg": "SHA-256", "content": "b" * 64}],
        }
    ]


def test_the_graph_begins_at_the_image_and_has_every_component() -> None:
    document = json.loads(made())
    edges = {one["ref"]: one.get("dependsOn", []) for one in document["dependencies"]}
    pandas, numpy, dash, libc = (component(document, name)["bom-ref"] for name in ("pandas", "numpy", "dash", "libc6"))
    assert edges[document["metadata"]["component"]["bom-ref"]] == sorted([pandas, dash, "os:debian@12"])
    assert (edges[pandas], edges[numpy], edges[dash], edges[libc]) == ([numpy], [], [libc], [])


def test_a_circle_is_reached_too() -> None:
    circle = [
        Owned("python", "one", "1", f"{PYTHON_FOLDER}/one", requires=("two",)),
        Owned("python", "two", "1", f"{PYTHON_FOLDER}/two", requires=("one",)),
    ]
    document = json.loads(made(replace(IMAGE, packages=circle, texts={})))
    edges = {one["ref"]: one.get("dependsOn", []) for one in document["dependencies"]}
    assert len(edges[document["metadata"]["component"]["bom-ref"]]) == 1


def test_one_distribution_twice_has_two_references() -> None:
    twice = [*IMAGE.packages, Owned("python", "numpy", "1.24.3", "/opt/lib/numpy")]
    document = json.loads(made(replace(IMAGE, packages=twice)))
    references = [one["bom-ref"] for one in document["components"] if one["name"] == "numpy"]
    assert references[0] != references[1]
    edges = {one["ref"]: one.get("dependsOn", []) for one in document["dependencies"]}
    assert edges["pkg:pypi/pandas@2.0.3"] == ["pkg:pypi/numpy@1.24.3"], "the one in the same folder"


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12) | st.sampled_from(
    [" ", "/", "..", "a/b", "A.b+c"]
)


@settings(max_examples=EXAMPLES)
@given(
    st.lists(
        st.builds(
            lambda kind, name, version, folder, requires: Owned(
                kind, name, version, f"/{folder}/{name}", "amd64", requires=(requires,)
            ),
            st.sampled_from(["python", "debian"]),
            names,
            names | st.just(""),
            st.sampled_from(["a", "b c", "\udc80"]),
            names,
        ),
        max_size=6,
    ),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace")),
)
def test_whatever_an_image_says_of_itself_is_valid(packages: list[Owned], text: bytes) -> None:
    """Names and versions come out of an image, which may be hostile; twice the same ones, too."""
    image = Image(
        [("RUN x", [file(METADATA), file("/etc/os-release")])],
        [*packages, *packages],
        texts={METADATA: b"Name: x\nVersion: " + text, "/etc/os-release": b"ID=" + text},
        labels={"org.opencontainers.image.title": text.decode()},
    )
    made_text = made(image, None)
    made_text.encode()
    assert VALIDATOR.validate_str(made_text) is None
    references = [one["bom-ref"] for one in json.loads(made_text)["components"]]
    assert len(set(references)) == len(references)


def test_what_a_package_carries_inside_is_inside_its_component() -> None:
    carried = f"{PYTHON_FOLDER}/numpy/_vendor/Zipp-3.1.dist-info/METADATA"
    stray = "/opt/x/left-1.0.dist-info/METADATA"
    layers = [*IMAGE.layers, ("RUN x", [file(carried), file(stray)])]
    texts = {carried: b"Name: Zipp\nVersion: 3.1\nLicense-Expression: MIT\n", stray: b"Name: left\nVersion: 1.0\n"}
    text = made(replace(IMAGE, layers=layers, texts=texts))
    assert VALIDATOR.validate_str(text) is None
    document = json.loads(text)
    (inside,) = component(document, "numpy")["components"]
    assert (inside["name"], inside["version"], inside["purl"]) == ("zipp", "3.1", "pkg:pypi/zipp@3.1")
    assert inside["licenses"][0]["license"]["id"] == "MIT"
    edges = {one["ref"]: one.get("dependsOn", []) for one in document["dependencies"]}
    assert edges[component(document, "numpy")["bom-ref"]] == ["pkg:pypi/zipp@3.1"]
    assert component(document, "left")["version"] == "1.0"


def test_the_same_image_gives_the_same_bytes() -> None:
    text = made()
    assert made() == text
    assert made(replace(IMAGE, references=("moved:tag",))) == text
    assert made(replace(IMAGE, packages=IMAGE.packages[::-1])) == text
    document = json.loads(text)
    assert document["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
    assert document["serialNumber"] != json.loads(made(lock=None))["serialNumber"]
    assert json.loads(made(epoch=0))["metadata"]["timestamp"] == "1970-01-01T00:00:00+00:00"
    assert "timestamp" not in json.loads(made(replace(IMAGE, created=None)))["metadata"]


def test_a_licence_is_what_the_metadata_says() -> None:
    document = json.loads(made())
    assert component(document, "numpy")["licenses"] == [
        {"license": {"id": "BSD-3-Clause", "acknowledgement": "declared"}}
    ]
    assert "licenses" not in component(document, "pandas")


def test_metadata_that_a_later_layer_deleted_says_nothing() -> None:
    layers = [*IMAGE.layers[:1], ("RUN x", [one for one in IMAGE.layers[1][1] if one.path != METADATA])]
    assert "licenses" not in component(json.loads(made(replace(IMAGE, layers=layers))), "numpy")


@pytest.mark.parametrize(
    ("references", "name"),
    [(("host:5000/a/shop:1",), "host:5000/a/shop"), (("shop",), "shop"), ((), "image"), (("b/x@sha256:0",), "b/x")],
)
def test_an_image_without_a_title_is_called_by_its_repository(references: tuple[str, ...], name: str) -> None:
    document = json.loads(made(replace(IMAGE, references=references, labels={})))
    assert document["metadata"]["component"]["name"] == name
