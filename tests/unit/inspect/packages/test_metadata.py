"""What the metadata of a distribution says."""

from __future__ import annotations

from email.message import Message

import pytest

from builder.inspect.packages.metadata import find_license


@pytest.mark.parametrize(
    ("headers", "licence"),
    [
        pytest.param([("License-Expression", "MIT OR Apache-2.0")], "MIT OR Apache-2.0", id="expression"),
        pytest.param([("License-Expression", "MIT"), ("License", "GPL-3.0-only")], "MIT", id="the newer field first"),
        pytest.param([("License", "mit")], "MIT", id="SPDX does not care for case"),
        pytest.param([("License", "BSD")], None, id="which one?"),
        pytest.param([("License", "UNKNOWN")], None, id="unknown"),
        pytest.param([("License", "Copyright (c)\n MIT")], None, id="a whole text"),
        pytest.param([("Classifier", "License :: OSI Approved :: MIT License")], "MIT", id="classifier"),
        pytest.param([("Classifier", "License :: OSI Approved :: BSD License")], None, id="classifier of several"),
        pytest.param(
            [
                ("Classifier", "License :: OSI Approved :: MIT License"),
                ("Classifier", "License :: OSI Approved :: ISC License (ISCL)"),
            ],
            None,
            id="and or or?",
        ),
        pytest.param(
            [("License", "The best"), ("Classifier", "License :: OSI Approved :: ISC License (ISCL)")],
            "ISC",
            id="classifier after a useless field",
        ),
        pytest.param([], None, id="nothing"),
        pytest.param([("License", "((((")], None, id="nonsense"),
    ],
)
def test_a_licence_is_told_only_in_the_words_of_spdx(headers: list[tuple[str, str]], licence: str | None) -> None:
    metadata = Message()
    for key, value in headers:
        metadata[key] = value
    assert find_license(metadata) == licence
