"""`.dockerignore`, by the examples of the Dockerfile reference and of moby's own tests."""

from __future__ import annotations

import pytest

from builder.dockerfile.dockerignore import parse_dockerignore


@pytest.mark.parametrize(
    ("text", "path", "out"),
    [
        ("", "a", False),
        ("# a\n\n  \n", "a", False),
        ("a", "a", True),
        ("/a/", "a/b/c", True),
        ("a", "b/a", False),
        ("**/a", "b/a", True),
        ("**/a", "a", True),
        ("*/temp*", "one/temporary.txt", True),
        ("*/temp*", "one/two/temporary.txt", False),
        ("temp?", "tempa", True),
        ("temp?", "temp", False),
        ("**/*.pyc", "x/y.pyc", True),
        ("*.md\n!README.md", "README.md", False),
        ("*.md\n!README.md", "other.md", True),
        ("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", True),
        ("*\n!dags", "dags/a.py", False),
        ("*\n!dags", "other", True),
        ("dags\n!dags/keep.py", "dags/keep.py", False),
        (".", "a", False),
        ("[a-c]x", "bx", True),
        ("[^a]x", "ax", False),
        ("\\*", "*", True),
        ("\\*", "a", False),
        ("a.b", "axb", False),
        ("docs/**", "docs/a/b", True),
    ],
)
def test_what_a_build_does_not_see(text: str, path: str, out: bool) -> None:
    assert parse_dockerignore(text).excludes(path) is out
