"""What an image says of itself is input: whatever it says, there is an answer, in bounded time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from layer_factories import SITE, distribution, file, inspected, layer

PATHS = (
    f"{SITE}/a-1.dist-info/METADATA",
    f"{SITE}/a-1.dist-info/RECORD",
    f"{SITE}/b-1.dist-info/METADATA",
    f"{SITE}/c.egg-info/PKG-INFO",
    f"{SITE}/c.egg-info/installed-files.txt",
    "/var/lib/dpkg/status",
    "/var/lib/dpkg/status.d/x",
    "/var/lib/dpkg/status.d/x.md5sums",
    "/var/lib/dpkg/info/bash.list",
    "/var/lib/dpkg/diversions",
    "/var/lib/apt/extended_states",
)
WORDS = st.sampled_from(
    [
        *(b"Name: a\n", b"Version: 1\n", b"Requires-Dist: b; (", b"Requires-Dist: a[x]; extra == 'x'\n"),
        *(b"Package: bash\n", b"Status: install ok installed\n", b"Depends: a | b,\n", b"Provides: c (= 1)\n"),
        *(b'"', b",", b"\n", b"\r", b"\x00", b"\xff", b"../", b"/", b":", b"\n\n", b"/.\n", b"/usr/bin/bash\n"),
        b"x" * 200_000,
    ]
)
TEXTS = st.lists(WORDS | st.binary(max_size=8), max_size=12).map(b"".join)


@given(st.dictionaries(st.sampled_from(PATHS), TEXTS, max_size=6))
def test_no_text_makes_the_analysis_fail(texts: dict[str, bytes]) -> None:
    found = inspected(layer(*texts.items(), file("/usr/bin/bash")))
    assert found.unowned.bytes + sum(one.bytes for one in found.packages) == found.visible_bytes


@pytest.mark.parametrize(
    "marker", ["(" * 10_000, '(python_version > "3") or ' * 5000 + '(os_name == "nt")', "'" * 9999]
)
def test_a_monstrous_marker_is_taken_as_true(marker: str) -> None:
    found = inspected(layer(distribution("a", requires=[f"b; {marker}"]), distribution("b")))
    assert next(one.requires for one in found.packages if one.key.name == "a") == ("b",)


def test_a_chain_of_a_thousand_requirements_takes_no_time_and_no_recursion() -> None:
    parts = [distribution(f"p{number}", requires=[f"p{number + 1}"]) for number in range(1000)]
    deepest = distribution("p1000", file(f"{SITE}/deep.so", 2_000_000))
    (one,) = inspected(layer(*parts, deepest), asked_for=["p0"]).waste
    assert one.message.endswith(": p0 -> p1 -> p2 -> ... -> p998 -> p999 -> p1000")
