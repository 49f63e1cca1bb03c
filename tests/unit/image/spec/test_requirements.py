"""Requirements of the spec and of its requirements files, as one normalised list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.core.errors import InvalidSpecError, SpecError
from builder.image.spec.reader import parse_spec, read_spec
from builder.image.spec.requirements import iterate_logical_lines, read_requirements

if TYPE_CHECKING:
    from pathlib import Path

SPEC = """\
[image]
name = "a"
[base]
debian = "bookworm"
[airflow]
version = "2.8.1"
[python]
version = "3.11"
requirements = {own}
requirements-files = {files}
"""


def read(folder: Path, *texts: str, own: str = "[]") -> tuple[str, ...]:
    """What is read from a spec whose requirements files have these texts."""
    names = [f"r{number}.txt" for number in range(len(texts))]
    for name, text in zip(names, texts, strict=True):
        (folder / name).write_text(text, encoding="utf-8", newline="")
    files = "[" + ", ".join(f'"{name}"' for name in names) + "]"
    return read_requirements(parse_spec(SPEC.format(own=own, files=files), "optbuild.toml", folder))


def test_own_and_those_of_all_files_normalised_sorted_and_once(tmp_path: Path) -> None:
    own = '["Scikit_Learn==1.3.0", "tomli >=2 ;python_version<\'3.11\'"]'
    texts = ("# data\nscikit-learn == 1.3.0\nuvicorn[standard,Extra_B]>=1,<2 # web\n\n", "pandas==2.0.3\n")
    assert read(tmp_path, *texts, own=own) == (
        "pandas==2.0.3",
        "scikit-learn==1.3.0",
        'tomli>=2 ; python_version < "3.11"',
        "uvicorn[extra-b,standard]<2,>=1",
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a==1 \\\n    --hash=sha256:00aa \\\n    --hash=sha256:11bb\n    # via b\n", id="pip-compile"),
        pytest.param("a==1 \\\r\n    --hash=sha256:00aa\r\n", id="uv export with CRLF"),
        pytest.param("a==1 --hash=sha256:00aa --hash=sha384:11bb\n", id="one line"),
        pytest.param("a==1 --hash sha256:00aa # why\n", id="pip's other spelling"),
    ],
)
def test_the_hashes_that_other_tools_export_are_read_over(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == ("a==1",)


def test_a_marker_before_the_hashes_stays(tmp_path: Path) -> None:
    """As `poetry export` writes it."""
    line = 'a==1 ; python_version >= "3.8" and python_version < "4.0" \\\n    --hash=sha256:00aa\n'
    assert read(tmp_path, line) == ('a==1 ; python_version >= "3.8" and python_version < "4.0"',)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\nb", [(1, "a"), (2, "b")]),
        ("a\r\n\r\n# x\r\nb\r\n", [(1, "a"), (4, "b")]),
        ("a==1 \\\n  ; python_version > '3' # why\nb\n", [(1, "a==1    ; python_version > '3'"), (3, "b")]),
        ("# comment \\\na\n", [(2, "a")]),
        ("a#b\n", [(1, "a#b")]),
        ("a \\\n", [(1, "a")]),
        ("   \n\t\n", []),
    ],
    ids=["plain", "windows", "continued", "comment is not continued", "no white space", "last line", "blank"],
)
def test_lines_are_read_as_pip_reads_them(text: str, lines: list[tuple[int, str]]) -> None:
    assert list(iterate_logical_lines(text)) == lines


REFUSED = {
    "other file": ("a\n-r other.txt\n", 2, "option '-r'", "python.requirements-files"),
    "other file, glued": ("-rother.txt\n", 1, "option '-r'", "python.requirements-files"),
    "constraints": ("--constraint=c.txt\n", 1, "option '--constraint'", "airflow.constraints"),
    "editable": ("-e .\n", 1, "option '-e'", "index"),
    "index": (
        "# x\n\n--index-url https://u:p@example.org/simple\n",
        3,
        "option '--index-url'",
        "in UV_DEFAULT_INDEX or",
    ),
    "extra index": ("--extra-index-url https://example.org\n", 1, "option '--extra-index-url'", "in UV_INDEX or"),
    "extra index, =": ("--extra-index-url=https://example.org\n", 1, "option '--extra-index-url'", "in UV_INDEX or"),
    "index, short": ("-i https://example.org\n", 1, "option '-i'", "in UV_DEFAULT_INDEX or"),
    "sources only": ("--no-binary :all:\n", 1, "option '--no-binary'", "a wheel is taken where there is one"),
    "wheels only": ("--only-binary=:all:\n", 1, "option '--only-binary'", "a wheel is taken where there is one"),
    "wheels first": ("--prefer-binary\n", 1, "option '--prefer-binary'", "a wheel is taken where there is one"),
    "pre-releases": ("--pre\n", 1, "option '--pre'", "write the version that you want"),
    "hashes": ("--require-hashes\n", 1, "option '--require-hashes'", "the lock has the hash of every file"),
    "links": ("-f https://example.org\n", 1, "option '-f'", "publish those files to an index"),
    "no option of pip's": ("--nonsense\n", 1, "option '--nonsense'", "only requirements are read"),
    "option behind": (
        "a==1 \\\n  --global-option=x\n",
        1,
        "options behind a requirement",
        "the lock has the hashes",
    ),
    "hash before an option": (
        "a==1 --hash=sha256:00 --global-option=x\n",
        1,
        "options behind a requirement",
        "the lock has the hashes",
    ),
    "not a hash": ("a==1 --hash=sha256:xyz\n", 1, "options behind a requirement", "the lock has the hashes"),
    "URL": ("git+https://example.org/a.git\n", 1, "URL or a path", "index"),
    "direct": ("a @ https://example.org/a.whl\n", 1, "URL or a path", "index"),
    "wheel": ("./a-1-py3-none-any.whl\n", 1, "URL or a path", "index"),
    "nonsense": ("a==1\na b\n", 2, "not a requirement", "pandas==2.0.3"),
    "variable": ("a==${V}\n", 1, "not a requirement", "pandas==2.0.3"),
    "escape": ("a\x1b[2J\n", 1, "U+001B", "seen"),
    "other Airflow": ("apache-airflow==2.9.0\n", 1, "does not admit airflow.version 2.8.1", "remove it"),
}


@pytest.mark.parametrize(("text", "line", "message", "hint"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_names_file_line_and_reason(
    tmp_path: Path, text: str, line: int, message: str, hint: str
) -> None:
    with pytest.raises(SpecError) as caught:
        read(tmp_path, text)
    error = caught.value
    assert error.where is not None
    assert (error.where.file, error.where.line) == ("r0.txt", line)
    assert message in error.message
    assert hint in (error.hint or "")
    assert "u:p@" not in str(error)


def test_the_spec_s_own_airflow_is_fine(tmp_path: Path) -> None:
    assert read(tmp_path, "apache-airflow[celery]==2.8.1\n") == ("apache-airflow[celery]==2.8.1",)


def test_contradicting_pins_are_reported_with_both_places(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"r1\.txt:2: numpy==2 contradicts NumPy==1 at r0\.txt:1"):
        read(tmp_path, "NumPy==1\n", "\nnumpy==2\n")


def test_a_file_against_the_spec(tmp_path: Path) -> None:
    expected = r"r0\.txt:1: numpy<1\.20 contradicts numpy==1\.24\.3 at optbuild\.toml: python\.requirements\[1\]"
    with pytest.raises(SpecError, match=expected):
        read(tmp_path, "numpy<1.20\n", own='["a", "numpy==1.24.3"]')


@pytest.mark.parametrize(
    "pair",
    ["numpy>=1\nnumpy==1.24.3\n", "a==1; python_version<'3.9'\na==2; python_version>='3.9'\n", "a==1.*\na==1.2\n"],
)
def test_what_does_not_contradict_stays(tmp_path: Path, pair: str) -> None:
    assert len(read(tmp_path, pair)) == 2


def test_the_spec_s_own_list_has_lines_and_comes_first(tmp_path: Path) -> None:
    (tmp_path / "z.txt").write_text("b c\nnumpy==3\n")
    (tmp_path / "a.txt").write_text("-e .\n")
    file = tmp_path / "optbuild.toml"
    file.write_text(SPEC.format(own='[\n  "numpy==1",\n  "pandas",\n]', files='["z.txt", "a.txt"]'))
    with pytest.raises(InvalidSpecError) as caught:
        read_requirements(read_spec(tmp_path))
    places = [(error.where.file, error.where.line) for error in caught.value.problems if error.where]
    assert places == [("z.txt", 1), ("z.txt", 2), ("a.txt", 1)]
    assert f"contradicts numpy==1 at {file}:10: python.requirements[0]" in str(caught.value)


def test_all_problems_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpecError) as caught:
        read(tmp_path, "-e .\nb c\n")
    assert [error.where.line for error in caught.value.problems if error.where] == [1, 2]


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    spec = parse_spec(SPEC.format(own="[]", files='["r.txt"]'), "optbuild.toml", tmp_path)
    (tmp_path / "r.txt").write_bytes(b"a\n\xff\n")
    with pytest.raises(SpecError, match=r"r\.txt:2: not UTF-8"):
        read_requirements(spec)


def test_a_missing_file_is_named_with_its_key(tmp_path: Path) -> None:
    spec = parse_spec(SPEC.format(own="[]", files='["r.txt"]'), "optbuild.toml", tmp_path)
    with pytest.raises(SpecError, match=r"optbuild\.toml: python\.requirements-files: 'r\.txt' does not exist"):
        read_requirements(spec)
