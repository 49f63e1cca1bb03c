"""The files that a project consists of. Against the real Compose: tests/integration/compose."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from builder.compose.load.source_files import MAX_BYTES, index_named_files, walk_sources
from builder.compose.model import ProjectFiles
from builder.core.errors import ComposeError, RemoteFileError, Where

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def project(folder: Path, files: dict[str, str], *main: str) -> ProjectFiles:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return ProjectFiles(folder, tuple(folder / name for name in main or ("compose.yaml",)))


def read_sources(files: ProjectFiles, env: Mapping[str, str]) -> dict[Path, bytes]:
    return {source.path: source.data for source in walk_sources(files, env, {})}


def sources(files: ProjectFiles, **env: str) -> list[str]:
    return sorted(str(path.relative_to(files.directory.parent)) for path in read_sources(files, env))


def test_paths_of_an_included_file_start_in_its_project_directory(tmp_path: Path) -> None:
    files = project(
        tmp_path / "p",
        {
            "compose.yaml": "include: [a/one.yml, {path: [b/two.yml, b/over.yml], project_directory: .}]",
            "a/one.yml": "include: [more.yml]",
            "a/more.yml": "",
            "b/two.yml": "include: [c/three.yml]",
            "b/over.yml": "services: {x: {extends: {file: b/base.yml}}}",
            "b/base.yml": "services: {x: {extends: {file: below.yml}}}",
            "b/below.yml": "include: [no/source.yml]",
            "c/three.yml": "",
            "b/c/three.yml": "not this one",
            "no/source.yml": "",
            "b/no/source.yml": "",
        },
    )
    names = ("a/more", "a/one", "b/base", "b/below", "b/over", "b/two", "c/three")
    assert sources(files) == [*(f"p/{name}.yml" for name in names), "p/compose.yaml"]


def test_variables_of_paths(tmp_path: Path) -> None:
    """Those of the including file: the included file's own .env is for what is in it."""
    files = project(
        tmp_path / "p",
        {
            "compose.yaml": "include: ['${DIR:-a}/x.yml', '${FROM_ENV}.yml', '$SET.yml']",
            ".env": "FROM_ENV=dot\nSET=dot-too",
            "a/x.yml": "include: ['${INNER}.yml']",
            "a/.env": "INNER=inner\nFROM_ENV=unused",
            "a/inner.yml": "",
            "dot.yml": "",
            "given.yml": "",
        },
    )
    assert sources(files, SET="given") == [
        "p/a/inner.yml",
        "p/a/x.yml",
        "p/compose.yaml",
        "p/dot.yml",
        "p/given.yml",
    ]


def test_a_file_is_reached_with_each_set_of_variables(tmp_path: Path) -> None:
    include = "include: [{path: a.yml, env_file: 1.env}, {path: a.yml, env_file: 2.env}, {path: a.yml}]"
    files = project(
        tmp_path, {"compose.yaml": include, "a.yml": "", "1.env": "V=1", "2.env": "V=2\nW=2", ".env": "W=3"}
    )
    found = [source.variables for source in walk_sources(files, {}, {}) if source.path.name == "a.yml"]
    assert found == [{"V": "1", "W": "3"}, {"V": "2", "W": "3"}, {"W": "3"}]


def test_files_that_are_reached_in_too_many_ways_are_refused(tmp_path: Path) -> None:
    """Each step doubles them."""
    texts = {"compose.yaml": "include: [0.yml]"}
    for n in range(12):
        texts |= {f"{n}a.env": f"A{n}=1", f"{n}b.env": f"B{n}=1"}
        texts[f"{n}.yml"] = (
            f"include: [{{path: {n + 1}.yml, env_file: {n}a.env}}, {{path: {n + 1}.yml, env_file: {n}b.env}}]"
        )
    with pytest.raises(ComposeError, match="in more than 2000 ways"):
        read_sources(project(tmp_path, texts), {})


def test_what_a_path_in_a_file_means(tmp_path: Path) -> None:
    files = project(
        tmp_path,
        {
            "compose.yml": "include: ['${F}.yml', {path: in/a.yml, project_directory: deep}, gone.yml]",
            "base.yml": "services: {a: {extends: {file: './lib/../lib/$G.yml', service: a}}}",
            "lib/one.yml": "",
            "in/a.yml": "include: [b.yml]",
            "in/b.yml": "",
            "deep/b.yml": "",
            ".env": "F: base\nG=one\n",
        },
        "compose.yml",
    )
    assert {
        (path.name, text): str(to.relative_to(tmp_path))
        for (path, text), to in index_named_files(walk_sources(files, {}, {})).items()
    } == {
        ("compose.yml", "${F}.yml"): "base.yml",
        ("compose.yml", "in/a.yml"): "in/a.yml",
        ("base.yml", "./lib/../lib/$G.yml"): "lib/one.yml",
        ("a.yml", "b.yml"): "deep/b.yml",
    }


def test_a_path_that_means_several_files_means_none(tmp_path: Path) -> None:
    text = "include: [{path: a.yml, env_file: 1.env}, {path: a.yml, env_file: 2.env}]"
    texts = {
        "compose.yaml": text,
        "a.yml": "include: ['$V.yml']",
        "1.env": "V=1",
        "2.env": "V=2",
        "1.yml": "",
        "2.yml": "",
    }
    assert [name for _, name in index_named_files(walk_sources(project(tmp_path, texts), {}, {}))] == ["a.yml"]


def test_circles_remote_and_missing_files_are_left_to_compose(tmp_path: Path) -> None:
    files = project(
        tmp_path / "p",
        {
            "compose.yaml": "include: [b.yml, none.yml, 'https://example.com/x.git', 'oci://x/y', '.', 'a\\0b']",
            "b.yml": "include: [compose.yaml, b.yml]\nservices: {a: {extends: {file: b.yml, service: a}}}",
        },
    )
    assert sources(replace(files, remote=True)) == ["p/b.yml", "p/compose.yaml"]


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com/x.git",
        "http://example.com/x.git#main:sub",
        "oci://example.com/x/y:1",
        "git@example.com:x/y.git",
        "deploy@example.com:x/y",
        "git://example.com/x",
        "ssh://git@example.com/x",
        "github.com/x/y",
        "${WHERE}/x.git",
    ],
)
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# a comment\ninclude:\n  - '{}'\n", 3),
        ("include:\n  - path:\n      - '{}'\n", 3),
        ("services:\n  a:\n    extends:\n      file: '{}'\n      service: b\n", 4),
        ("x-base: &base\n  file: '{}'\n  service: b\nservices:\n  a:\n    extends: *base\n", 2),
    ],
    ids=["include", "include with a path", "extends", "extends by an anchor"],
)
def test_what_is_on_another_machine_is_refused_with_its_line_unless_it_may_be_fetched(
    tmp_path: Path, address: str, text: str, line: int
) -> None:
    files = project(tmp_path / "p", {"compose.yaml": text.format(address)})
    env = {"WHERE": "https://example.com"}
    with pytest.raises(RemoteFileError) as caught:
        list(walk_sources(files, env, {}))
    assert address in caught.value.message
    assert caught.value.where == Where(str(tmp_path / "p/compose.yaml"), line)
    assert "--remote" in str(caught.value.hint)
    assert [source.path.name for source in walk_sources(replace(files, remote=True), env, {})] == ["compose.yaml"]


@pytest.mark.parametrize("name", ["github.com.yml", "a@b.yml", "https/x.yml", "./git@x:y.yml", "oci.yml"])
def test_a_file_here_is_not_taken_for_one_elsewhere(tmp_path: Path, name: str) -> None:
    files = project(tmp_path / "p", {"compose.yaml": f"include: ['{name}']", name: ""})
    assert len(list(walk_sources(files, {}, {}))) == 2


def test_files_that_include_each_other_over_hundreds_of_levels(tmp_path: Path) -> None:
    texts = {"compose.yaml": "include: [f0.yml]"} | {f"f{n}.yml": f"include: [f{n + 1}.yml]" for n in range(1500)}
    with pytest.raises(ComposeError, match=r"hundreds of levels|more than 2000 ways"):
        list(walk_sources(project(tmp_path / "p", texts), {}, {}))


def test_what_aliases_multiply_is_refused_with_its_line(tmp_path: Path) -> None:
    lines = ["x-a0: &a0 [v]", *(f"x-a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 21))]
    files = project(tmp_path / "p", {"compose.yaml": "include: [b.yml]", "b.yml": "\n".join(lines)})
    with pytest.raises(ComposeError, match="Compose would copy") as caught:
        list(walk_sources(files, {}, {}))
    assert caught.value.where == Where(str(tmp_path / "p/b.yml"), 21)


def test_the_way_to_a_file_tells_whether_it_is_absolute(tmp_path: Path) -> None:
    files = project(
        tmp_path / "p",
        {
            "compose.yaml": f"include: [a.yml, '{tmp_path}/p/b.yml']",
            "a.yml": "",
            "b.yml": "include: [c.yml]",
            "c.yml": "",
        },
    )
    found = {source.path.name: source.by_absolute_path for source in walk_sources(files, {}, {})}
    assert found == {"compose.yaml": False, "a.yml": False, "b.yml": True, "c.yml": True}


def test_an_overlay_is_read_instead(tmp_path: Path) -> None:
    files = project(tmp_path / "p", {"compose.yaml": "", "a.yml": "", "b.yml": "include: [c.yml]", "c.yml": ""})
    overlay = {files.files[0]: b"include: [b.yml]", tmp_path / "p/b.yml": b""}
    found = [(source.path.name, source.data) for source in walk_sources(files, {}, overlay)]
    assert found == [("compose.yaml", b"include: [b.yml]"), ("b.yml", b"")]


def test_a_link_is_a_source_by_its_own_name(tmp_path: Path) -> None:
    files = project(tmp_path / "p", {"real/x.yml": "services: {}"})
    (tmp_path / "p/compose.yaml").symlink_to("real/x.yml")
    assert read_sources(files, {}) == {tmp_path / "p/compose.yaml": b"services: {}"}


def test_bytes_that_are_no_utf_8_are_refused_with_their_line(tmp_path: Path) -> None:
    files = project(tmp_path, {"compose.yaml": ""})
    (tmp_path / "compose.yaml").write_bytes(b"services:\n  # caf\xe9\n")
    with pytest.raises(ComposeError, match="not UTF-8: byte 0xe9") as caught:
        read_sources(files, {})
    assert caught.value.where is not None
    assert (caught.value.where.file, caught.value.where.line) == (str(tmp_path / "compose.yaml"), 2)


def test_a_file_of_unlikely_size_is_refused(tmp_path: Path) -> None:
    files = project(tmp_path, {"compose.yaml": "#" * (MAX_BYTES + 1)})
    with pytest.raises(ComposeError, match="larger than 5 MB"):
        read_sources(files, {})


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = project(tmp_path, {"compose.yaml": ""})

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(type(tmp_path), "read_bytes", refuse)
    with pytest.raises(ComposeError, match="cannot be read: Permission denied"):
        read_sources(files, {})


def test_a_file_that_is_nested_too_deep_is_refused_by_its_name(tmp_path: Path) -> None:
    """Compose takes ten thousand levels."""
    deep = "include: [none.yml]\nx-deep: " + "[" * 2000 + "]" * 2000
    files = project(tmp_path, {"compose.yaml": "services: {a: {extends: {file: b.yml}}}", "b.yml": deep})
    with pytest.raises(ComposeError, match="nested too deep") as caught:
        read_sources(files, {})
    assert caught.value.where is not None
    assert caught.value.where.file == str(tmp_path / "b.yml")
