"""Requirements files are read as pip reads them."""

from __future__ import annotations

import codecs

import pytest

from builder.dockerfile.requirements import decode_requirements, iterate_entries

TEXT = "apache-airflow==2.8.1\r\npandas==2.0.3  # Zürich\r\n"


@pytest.mark.parametrize(
    ("mark", "codec"),
    [
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        (codecs.BOM_UTF8, "utf-8"),
        (b"", "utf-8"),
    ],
)
def test_encodings(mark: bytes, codec: str) -> None:
    assert decode_requirements(mark + TEXT.encode(codec)) == TEXT


@pytest.mark.parametrize("head", ["# -*- coding: latin-1 -*-\n", "# a list\n# vim: set fileencoding=latin-1 :\n"])
def test_an_encoding_that_the_file_names(head: str) -> None:
    assert decode_requirements((head + TEXT).encode("latin-1")) == head + TEXT


@pytest.mark.parametrize(
    "head", ["# coding: no-such-codec\n", "pandas\npandas\n# coding: latin-1\n", "coding: latin-1\n"]
)
def test_what_names_no_encoding(head: str) -> None:
    assert decode_requirements((head + TEXT).encode()) == head + TEXT


def test_comments_and_continued_lines() -> None:
    text = "# none\na==1 # one\n\nb \\\n  ==2\nc#d\n-r x.txt\ne==3 \\\n    --hash=sha256:0\nf \\\n# cut\n"
    assert list(iterate_entries(text)) == ["a==1", "b   ==2", "c#d", "-r x.txt", "e==3     --hash=sha256:0", "f"]
