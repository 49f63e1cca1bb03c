"""Whole files before and after, one for each way in which people write compose files."""

from __future__ import annotations

import json

import pytest
from project_files import FOLDER, IMAGE, project_of, rewritten, target, text

from builder.compose.model import ProjectFiles, SharedTarget
from builder.compose.rewrite.arrange import arrange_keys
from builder.compose.rewrite.resolve import find_key_sources
from builder.compose.rewrite.rewrite import rewrite_files
from builder.core.errors import ComposeError


def test_own_builds_become_the_image_and_the_builder_keeps_its_own() -> None:
    project = project_of("""\
        services:
          init:
            build: .  # why
            command: db migrate
          web:
            build:
              context: .

            # ours
            ports: ["8080:8080"]
          db:
            image: postgres:13
        """)
    assert rewritten(project, target("init", "web", builder="init")) == {
        "compose.yml": text("""\
            services:
              init:
                image: shop-airflow:latest
                pull_policy: never
                build: .  # why
                command: db migrate
              web:
                image: shop-airflow:latest
                pull_policy: never

                # ours
                ports: ["8080:8080"]
              db:
                image: postgres:13
            """)
    }


def test_a_merged_build_leaves_the_extension_and_the_builder_gets_it_with_its_comments() -> None:
    project = project_of("""\
        x-airflow-common:
          &airflow-common
          # our image
          build:   # built here
            context: .
            # for the proxy
            args:
              CA: "1"  # one
          environment: &env
            A: b
        services:
          web:
            <<: *airflow-common
            command: webserver
          init:
            <<: *airflow-common   # all of it
            environment:
              <<: *env
        """)
    assert rewritten(project, target("web", "init", builder="init")) == {
        "compose.yml": text("""\
            x-airflow-common:
              &airflow-common
              # our image
              image: shop-airflow:latest
              pull_policy: never
              environment: &env
                A: b
            services:
              web:
                <<: *airflow-common
                command: webserver
              init:
                <<: *airflow-common   # all of it
                build:   # built here
                  context: .
                  # for the proxy
                  args:
                    CA: "1"  # one
                environment:
                  <<: *env
            """)
    }


def test_without_a_builder_the_comments_stay_where_they_were_and_the_note_says_how() -> None:
    project = project_of("""\
        x-common: &common
          build:   # first
            context: .  # second
            # third
            args: {A: b}  # fourth
        services:
          web: {<<: *common}
          init: *common
        """)
    assert rewritten(project, target("web", "init", note="built by optbuild")) == {
        "compose.yml": text("""\
            x-common: &common
              # first
              # second
              # third
              # built by optbuild
              image: shop-airflow:latest  # fourth
              pull_policy: never
            services:
              web: {<<: *common}
              init: *common
            """)
    }


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("web: {build: .}", "web: {image: shop-airflow:latest, pull_policy: never}"),
        ("web: {user: me, build: .}", "web: {user: me, image: shop-airflow:latest, pull_policy: never}"),
        ("web: {image: old, build: .}", "web: {image: shop-airflow:latest, pull_policy: never}"),
        ("web: {build: ., image: 'old'}", "web: {image: 'shop-airflow:latest', pull_policy: never}"),
        (
            'web: {"build": {"context": "."}, user: me}',
            "web: {image: shop-airflow:latest, pull_policy: never, user: me}",
        ),
        ("web:\n    image: old # c\n    build: .", "web:\n    image: shop-airflow:latest # c\n    pull_policy: never"),
        ("web:\n    build: .\n    image:", "web:\n    image: shop-airflow:latest\n    pull_policy: never"),
        (
            "web:\n    build: .\n    image: >-\n      old",
            "web:\n    image: shop-airflow:latest\n    pull_policy: never",
        ),
        (
            "web:\n    pull_policy: build # c\n    build: .",
            "web:\n    pull_policy: never # c\n    image: shop-airflow:latest",
        ),
        (
            "web:\n    build: . # lost?\n    image: old",
            "web:\n    # lost?\n    image: shop-airflow:latest\n    pull_policy: never",
        ),
        (
            "web:\n    image: ${IMAGE:-old}\n    build: .\n    pull_policy: always",
            "web:\n    image: shop-airflow:latest\n    pull_policy: never",
        ),
    ],
)
def test_the_style_of_a_service_is_kept(before: str, now: str) -> None:
    project = project_of(f"services:\n  {before}\n  db: {{image: x}}\n")
    assert rewritten(project, target("web")) == {"compose.yml": f"services:\n  {now}\n  db: {{image: x}}\n"}


@pytest.mark.parametrize(("newline", "end"), [("\n", "\n"), ("\n", ""), ("\r\n", "\r\n"), ("\r\n", "")])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_marks_line_breaks_and_the_end_of_the_file_stay(mark: str, newline: str, end: str) -> None:
    before = ["services:", "    web:", "        image: old", "        build: ."]
    now = ["services:", "    web:", "        image: shop-airflow:latest", "        pull_policy: never"]
    project = project_of(mark + newline.join(before) + end)
    assert rewritten(project, target("web")) == {"compose.yml": mark + newline.join(now) + end}


def test_a_file_in_json_stays_json() -> None:
    project = project_of('{"services": {"web": {"build": ".", "user": "me"}, "db": {"image": "x"}}}\n')
    now = rewritten(project, target("web"))["compose.yml"]
    assert json.loads(now)["services"]["web"] == {"image": IMAGE, "pull_policy": "never", "user": "me"}


def test_an_inline_dockerfile_moves_with_all_its_lines() -> None:
    project = project_of("""\
        x-common: &common
            build:
                dockerfile_inline: |
                    FROM x
                    RUN echo $$A # no comment

                      RUN é
            # behind
        services:
            web: *common
            init:
                <<: *common
                user: me
        """)
    now = rewritten(project, target("web", "init", builder="web"))
    assert now == {
        "compose.yml": text("""\
            x-common: &common
                image: shop-airflow:latest
                pull_policy: never
                # behind
            services:
                web:
                    <<: *common
                    build:
                        dockerfile_inline: |
                            FROM x
                            RUN echo $$A # no comment

                              RUN é
                init:
                    <<: *common
                    user: me
            """)
    }


def test_who_is_no_sharer_keeps_build_and_image() -> None:
    """`arm` has another platform, `side` another build: neither may get the image through the extension."""
    project = project_of("""\
        x-common: &common
          build: .
        services:
          web: {<<: *common}
          init:
            <<: *common
          arm:
            <<: *common
            platform: linux/arm64
          side:
            <<: *common
            build: ./side
        """)
    assert rewritten(project, target("web", "init")) == {
        "compose.yml": text("""\
            x-common: &common
              {}
            services:
              web: {<<: *common, image: shop-airflow:latest, pull_policy: never}
              init:
                <<: *common
                image: shop-airflow:latest
                pull_policy: never
              arm:
                <<: *common
                build: .
                platform: linux/arm64
              side:
                <<: *common
                build: ./side
            """)
    }


def test_anchors_in_what_goes_move_to_the_first_alias_that_stays() -> None:
    project = project_of("""\
        services:
          init:
            image: &image old
            build: &build
              context: .
              args: &args
                A: b
          web:
            build: *build
          scheduler: {build: *build }
          other:
            build:
              context: ./other
              args: *args
          proxy:
            image: *image
          cache:
            image: *image
        """)
    assert rewritten(project, target("init", "web", "scheduler", builder="scheduler")) == {
        "compose.yml": text("""\
            services:
              init:
                image: shop-airflow:latest
                pull_policy: never
              web:
                image: shop-airflow:latest
                pull_policy: never
              scheduler: {image: shop-airflow:latest, pull_policy: never, build: &build {context: ., args: {A: b}} }
              other:
                build:
                  context: ./other
                  args: &args {A: b}
              proxy:
                image: &image old
              cache:
                image: *image
            """)
    }


def test_an_alias_in_a_copy_that_means_nothing_there_becomes_what_it_meant() -> None:
    """The copy stands before the anchor; and an anchor that goes leaves no alias behind."""
    project = project_of("""\
        services:
          init:
            extends: base
          other:
            image: x
            environment: &args {A: b}
          base:
            build:
              context: .
              args: *args
        """)
    assert "      args: {A: b}\n" in rewritten(project, target("init", "base", builder="init"))["compose.yml"]
    project = project_of("""\
        services:
          web:
            build: &build {context: .}
          base: &base
            build: *build
          init:
            <<: *base
        """)
    now = rewritten(project, target("web", "base", "init", builder="init"))["compose.yml"]
    assert "    <<: *base\n    build: {context: .}\n" in now


def test_an_alias_in_a_copy_stays_unless_its_name_means_another_anchor_there() -> None:
    written = """\
        x-args: &args {A: b}
        x-common: &common
          build: {context: ., args: *args }
        %s
        services:
          init:
            <<: *common
          web: *common
        """
    now = rewritten(project_of(written % "x-more: {A: c}"), target("web", "init", builder="init"))["compose.yml"]
    assert "    build: {context: ., args: *args }\n" in now
    now = rewritten(project_of(written % "x-more: &args {A: c}"), target("web", "init", builder="init"))["compose.yml"]
    assert "    build: {context: ., args: {A: b} }\n" in now


def test_a_build_behind_another_in_a_merge_list_goes_too() -> None:
    project = project_of("""\
        x-a: &a
          build: .
        x-b: &b
          build: ./b  # b
        services:
          web:
            <<: [*a, *b]
          other:
            <<: *b
        """)
    assert rewritten(project, target("web")) == {
        "compose.yml": text("""\
            x-a: &a
              image: shop-airflow:latest
              pull_policy: never
            x-b: &b
              {}
            services:
              web:
                <<: [*a, *b]
              other:
                <<: *b
                build: ./b  # b
            """)
    }


def test_an_extended_service_hands_the_image_on() -> None:
    project = project_of("""\
        services:
          web:
            build: .
          worker:
            extends: web
          init:
            extends:
              service: worker
        """)
    assert rewritten(project, target("web", "worker", "init", builder="init")) == {
        "compose.yml": text("""\
            services:
              web:
                image: shop-airflow:latest
                pull_policy: never
              worker:
                extends: web
              init:
                build: .
                extends:
                  service: worker
            """)
    }


def test_who_extends_the_builder_resets_its_build() -> None:
    project = project_of("services:\n  init:\n    build: .\n  web:\n    extends: init\n")
    assert rewritten(project, target("web", "init", builder="init")) == {
        "compose.yml": text("""\
            services:
              init:
                image: shop-airflow:latest
                pull_policy: never
                build: .
              web:
                build: !reset null
                extends: init
            """)
    }


def test_between_two_that_do_not_build_one_can() -> None:
    project = project_of("services:\n  base:\n    build: .\n  web:\n    extends: base\n  last:\n    extends: web\n")
    assert rewritten(project, target("base", "web", "last", builder="web")) == {
        "compose.yml": text("""\
            services:
              base:
                image: shop-airflow:latest
                pull_policy: never
              web:
                build: .
                extends: base
              last:
                build: !reset null
                extends: web
            """)
    }


def test_who_takes_over_a_sharer_but_is_none_keeps_what_he_had() -> None:
    project = project_of("""\
        services:
          web:
            build: .
          arm:
            extends: web
            platform: linux/arm64
        """)
    assert rewritten(project, target("web")) == {
        "compose.yml": text("""\
            services:
              web:
                image: shop-airflow:latest
                pull_policy: never
              arm:
                build: .
                image: !reset null
                pull_policy: !reset null
                extends: web
                platform: linux/arm64
            """)
    }
    project = project_of("""\
        services:
          web: &web
            image: old  # ours
            build: .
          side:
            <<: *web
            build: ./side
        """)
    assert rewritten(project, target("web", image="registry.example/shop:1", pull_policy=None)) == {
        "compose.yml": text("""\
            services:
              web: &web
                image: registry.example/shop:1  # ours
              side:
                <<: *web
                image: old  # ours
                build: ./side
            """)
    }


def test_a_build_in_an_extended_file_is_edited_there_and_its_copy_means_the_same_folder() -> None:
    project = project_of(
        """\
        services:
          web:
            extends: {file: lib/base.yml, service: base}
          init:
            extends:
              file: lib/base.yml
              service: base
        """,
        lib__base="services:\n  base:\n    build:\n      context: ../airflow\n      dockerfile: D\n",
    )
    assert rewritten(project, target("web", "init", builder="init")) == {
        "compose.yml": text("""\
            services:
              web:
                extends: {file: lib/base.yml, service: base}
              init:
                build:
                  context: ./airflow
                  dockerfile: D
                extends:
                  file: lib/base.yml
                  service: base
            """),
        "lib/base.yml": "services:\n  base:\n    image: shop-airflow:latest\n    pull_policy: never\n",
    }


def test_included_files_are_edited() -> None:
    project = project_of(
        "include:\n  - more/a.yml\nservices:\n  web: {build: .}\n", more__a="services:\n  init:\n    build: ..\n"
    )
    now = rewritten(project, target("web", "init"))
    assert now["more/a.yml"] == "services:\n  init:\n    image: shop-airflow:latest\n    pull_policy: never\n"
    assert "web: {image: shop-airflow:latest, pull_policy: never}" in now["compose.yml"]


def test_where_the_override_file_builds_it_is_edited_and_the_base_left_alone() -> None:
    base = "services:\n  web:\n    image: shop/prod\n  init:\n    image: shop/prod\n"
    override = "services:\n  web:\n    build: .\n  init:\n    build: .\n"
    assert rewritten(project_of(base, override), target("web", "init")) == {
        "compose.override.yml": text("""\
            services:
              web:
                image: shop-airflow:latest
                pull_policy: never
              init:
                image: shop-airflow:latest
                pull_policy: never
            """)
    }


def test_what_an_override_file_says_otherwise_is_said_anew() -> None:
    base = "services:\n  web:\n    build: .\n"
    override = "services:\n  web:\n    image: dev  # c\n    pull_policy: build\n    build: {args: {A: b}}\n"
    assert rewritten(project_of(base, override), target("web")) == {
        "compose.yml": "services:\n  web:\n    image: shop-airflow:latest\n    pull_policy: never\n",
        "compose.override.yml": "services:\n  web:\n    image: shop-airflow:latest  # c\n    pull_policy: never\n",
    }


def test_a_base_file_whose_hidden_build_goes_can_still_be_used_alone() -> None:
    """web merges the build that init keeps only in the override file."""
    base = "services:\n  init: &i\n    build: .\n  web:\n    <<: *i\n    user: me\n"
    own = "    build: !override\n      context: ./dev\n"
    override = f"services:\n  web:\n{own}  init:\n{own}"
    now = rewritten(project_of(base, override), target("web", "init", builder="init"))
    assert now["compose.yml"] == text("""\
        services:
          init: &i
            image: shop-airflow:latest
            pull_policy: never
          web:
            <<: *i
            user: me
        """)


def test_two_groups_in_one_file_do_not_meet() -> None:
    project = project_of("""\
        services:
          a: {build: .}
          b: {build: .}
          c: {build: ./other}
          d: {build: ./other}
        """)
    now = rewritten(project, target("a", "b"), target("c", "d", image="other:1", builder="d"))
    assert now["compose.yml"] == text("""\
        services:
          a: {image: shop-airflow:latest, pull_policy: never}
          b: {image: shop-airflow:latest, pull_policy: never}
          c: {image: other:1, pull_policy: never}
          d: {image: other:1, pull_policy: never, build: ./other}
        """)


def test_a_name_that_is_right_stays_as_it_is_written() -> None:
    project = project_of("services:\n  a:\n    image: ${X:-y}\n    build: .\n  b:\n    build: .\n    image: ${X:-y}\n")
    assert rewritten(project, target("a", "b", keeps_name=True, note="made elsewhere")) == {
        "compose.yml": text("""\
            services:
              a:
                image: ${X:-y}
                pull_policy: never
                # made elsewhere
              b:
                image: ${X:-y}
                pull_policy: never
            """)
    }


def test_a_builder_whose_image_compose_names_needs_none() -> None:
    project = project_of("services:\n  init:\n    build: .\n  web:\n    image: shop-init\n")
    assert rewritten(project, target("init", "web", builder="init", keeps_name=True)) == {
        "compose.yml": text("""\
            services:
              init:
                pull_policy: never
                build: .
              web:
                image: shop-init
                pull_policy: never
            """)
    }


def test_with_a_registry_in_the_name_a_pull_policy_is_left_alone() -> None:
    project = project_of("services:\n  a:\n    build: .\n    pull_policy: always\n  b:\n    build: .\n")
    assert rewritten(project, target("a", "b", image="registry.example/shop:1.0", pull_policy=None)) == {
        "compose.yml": text("""\
            services:
              a:
                image: registry.example/shop:1.0
                pull_policy: always
              b:
                image: registry.example/shop:1.0
            """)
    }


def test_a_name_that_looks_like_a_number_gets_quotes() -> None:
    project = project_of("services:\n  a: {build: .}\n")
    assert rewritten(project, target("a", image="10:20")) == {
        "compose.yml": 'services:\n  a: {image: "10:20", pull_policy: never}\n'
    }


def test_what_is_as_planned_is_not_edited() -> None:
    project = project_of("services:\n  a:\n    image: shop-airflow:latest\n    pull_policy: never\n    build: .\n")
    assert rewrite_files(project, (target("a", builder="a"),)) == ()


def test_comments_in_a_flow_mapping_over_several_lines_stay() -> None:
    project = project_of("""\
        services:
          web: {
            build: {   # one
              context: .   # two
            },   # three
            user: me
          }
        """)
    assert rewritten(project, target("web")) == {
        "compose.yml": text("""\
            services:
              web: {
                # one
                # two
                image: shop-airflow:latest, pull_policy: never,   # three
                user: me
              }
            """)
    }


@pytest.mark.parametrize(
    ("written", "targets", "line", "words"),
    [
        (
            "services:\n  init: &init\n    build: .\n  web:\n    <<: *init\n",
            (target("init", "web", builder="init"),),
            3,
            "init must keep it",
        ),
        (
            "services:\n  web: &web\n    build: .\n  side:\n    <<: *web\n    build: ./side\n",
            (target("web"),),
            2,
            "cannot be set for web alone",
        ),
        ("services:\n  web:\n    build: .\n", (target("web", keeps_name=True),), 3, "no image of its own"),
        ("services:\n  web:\n    extends: {file: gone.yml, service: a}\n", (target("web"),), 3, "was not found"),
        ("services:\n  web: {build: .}\n", (target("web", "nobody"),), None, "none of the files that were read"),
        ("services:\n  web: [build]\n", (target("web"),), 2, "is not a mapping"),
        ("services:\n  web:\n    build: .\n    build: .\n", (target("web"),), 4, "has this key twice"),
        ("services:\r  web:\r    build: .\r", (target("web"),), 1, "carriage return"),
        ("services:\n  web:\n    user: me\n    ? build\n    : .\n", (target("web"),), 4, "written with `?`"),
    ],
    ids=["merged builder", "merged outsider", "no image", "no base", "unknown", "no mapping", "twice", "CR", "?"],
)
def test_what_has_no_safe_way_is_refused_with_its_line(
    written: str, targets: tuple[SharedTarget, ...], line: int | None, words: str
) -> None:
    with pytest.raises(ComposeError) as caught:
        rewrite_files(project_of(written), targets)
    assert words in caught.value.message
    assert caught.value.where is not None
    assert (caught.value.where.file, caught.value.where.line) == (str(FOLDER / "compose.yml"), line)
    assert caught.value.hint


def test_a_copy_whose_paths_would_mean_another_folder_is_refused() -> None:
    project = project_of(
        "services:\n  web:\n    extends: {file: lib/base.yml, service: base}\n  init: {build: .}\n"
        "  arm:\n    extends: {file: lib/base.yml, service: base}\n    platform: linux/arm64\n",
        lib__base="services:\n  base:\n    build: $CONTEXT\n",
    )
    with pytest.raises(ComposeError, match="another folder"):
        rewrite_files(project, (target("web"),))


def test_the_main_files_need_not_lie_in_the_project_directory() -> None:
    project = project_of("services:\n  web: {build: .}\n")
    files = ProjectFiles(FOLDER.parent, project.files.files)
    assert rewrite_files(type(project)(files, "x", {}, project.sources, None, None), (target("web"),))


def test_a_text_that_would_mean_something_else_never_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second net: whatever goes wrong while writing, the result is read again and compared."""
    project = project_of("services:\n  web:\n    build: .\n    user: me\n  db: {image: x}\n")
    (edit,) = rewrite_files(project, (target("web"),))
    for right, wrong in ((b"user: me", b"user: you"), (b": never", b": always"), (b"image: x", b"image: y")):
        broken = {edit.path: edit.after.replace(right, wrong)}
        monkeypatch.setattr("builder.compose.rewrite.rewrite.edit_files", lambda *_, broken=broken: broken)
        with pytest.raises(ComposeError, match="cannot be rewritten safely"):
            rewrite_files(project, (target("web"),))


def test_no_value_of_a_file_is_shown_by_accident() -> None:
    project = project_of("services:\n  web:\n    build: .\n    environment: {PASSWORD: hunter2}\n")
    sites = find_key_sources(project)
    assert "hunter2" not in repr(sites)
    assert "hunter2" not in repr(arrange_keys(sites, (target("web"),)).changes)
    assert "hunter2" not in repr(rewrite_files(project, (target("web"),)))


@pytest.mark.parametrize(
    "comment",
    [
        ("# Assuming Dockerfile.airflow is in this folder",),
        ("# what we build", "# (see the README)"),
        ("#built by hand before",),
        ("# files/airflow has it",),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_comment_about_the_build_goes_where_it_goes(comment: tuple[str, ...], newline: str) -> None:
    above = "\n".join(f"  {line}" for line in comment)
    before = f"""\
x-common: &common
  environment: {{A: b}}
{above}
  build:
    context: ./files/airflow
    dockerfile: Dockerfile.airflow
services:
  init:
      <<: *common
      command: db migrate
  web:
      <<: *common
"""
    project = project_of(before.replace("\n", newline))
    (after,) = rewritten(project, target("init", "web", builder="init")).values()
    assert (
        after.replace("\r\n", "\n")
        == f"""\
x-common: &common
  environment: {{A: b}}
  image: shop-airflow:latest
  pull_policy: never
services:
  init:
      <<: *common
{above.replace("  #", "      #")}
      build:
        context: ./files/airflow
        dockerfile: Dockerfile.airflow
      command: db migrate
  web:
      <<: *common
"""
    )
    assert after.count("\r") == (after.count("\n") if newline == "\r\n" else 0)


@pytest.mark.parametrize(
    "comment",
    [
        "  # for all of them\n",
        "  # how we build\n\n",
        "# how we build\n",
        "  # comment the image line,\n  # place your Dockerfile here, and\n  # uncomment the build line\n",
    ],
    ids=["of something else", "a blank line between", "in another column", "a whole explanation"],
)
def test_a_comment_that_says_more_stays(comment: str) -> None:
    before = f"""\
x-common: &common
{comment}  build: .
services:
  init:
    <<: *common
  web:
    <<: *common
"""
    (after,) = rewritten(project_of(before), target("init", "web", builder="init")).values()
    assert after.startswith(f"x-common: &common\n{comment}  image: shop-airflow:latest\n")
    assert after.count("# ") == before.count("# ")


@pytest.mark.parametrize(
    "build",
    [
        "    # Assuming Dockerfile.airflow is in this folder\n    build: .\n",
        "    build: .  # the same for all\n",
        "    build:  # ours\n      # from here\n      context: .\n",
    ],
    ids=["above", "behind", "inside"],
)
def test_a_comment_of_a_build_that_stays_elsewhere_goes_with_its_copy(build: str) -> None:
    """The same words in each service: they stay with the one that builds."""
    before = f"services:\n  init:\n{build}  web:\n{build}    command: webserver\n"
    (after,) = rewritten(project_of(before), target("init", "web", builder="init")).values()
    keys = "    image: shop-airflow:latest\n    pull_policy: never\n"
    assert after.replace(keys, "", 1) == f"services:\n  init:\n{build}  web:\n{keys}    command: webserver\n"


def test_a_comment_that_no_other_build_has_stays() -> None:
    before = """\
services:
  init:
    build: .  # one
  web:
    build: .  # another
"""
    (after,) = rewritten(project_of(before), target("init", "web", builder="init")).values()
    assert "# another" in after


def test_a_comment_stays_where_the_build_moves_to_a_place_without_room_for_it() -> None:
    before = """\
x-common: &common
  build: .  # ours
services:
  init: {<<: *common}
  web: {<<: *common}
"""
    (after,) = rewritten(project_of(before), target("init", "web", builder="init")).values()
    assert "# ours" in after
    assert "init: {<<: *common, build: .}" in after


@pytest.mark.parametrize("name", ["dev:1", '"${IMAGE:-dev}:1"'])
def test_a_file_that_loses_its_build_gets_the_name_that_another_file_has(name: str) -> None:
    """It may be read without the other, and would have neither image nor build."""
    main = "x-a: &a {build: .}\nservices:\n  init: {<<: *a}\n  web: {<<: *a}\n"
    override = f"services:\n  init: {{image: {name}}}\n  web: {{image: {name}}}\n"
    keeps = target("init", "web", builder="init", image="dev:1", keeps_name=True, pull_policy=None)
    found = rewritten(project_of(main, override), keeps)
    assert list(found) == ["compose.yml"]
    assert f"x-a: &a {{image: {name}}}" in found["compose.yml"].splitlines()


@pytest.mark.parametrize(
    ("narrow", "files"), [(False, ["compose.yml", "compose.override.yml"]), (True, ["compose.override.yml"])]
)
def test_the_policy_may_stand_with_the_image_alone(files: list[str], *, narrow: bool) -> None:
    main = "services:\n  init: {build: .}\n  web: {build: .}\n"
    override = "services:\n  init: {image: 'dev:1'}\n  web: {image: 'dev:1'}\n"
    keeps = target("init", "web", builder="init", image="dev:1", keeps_name=True, policy_with_image=narrow)
    found = rewritten(project_of(main, override), keeps)
    assert [name for name, text in found.items() if "never" in text] == files


def test_a_builder_without_a_name_of_its_own_gets_none() -> None:
    main = "x-a: &a {build: .}\nservices:\n  init: {<<: *a}\n  web: {<<: *a}\n"
    keeps = target("init", "web", builder="init", image="dev:1", keeps_name=True, pull_policy=None)
    found = rewritten(project_of(main, "services:\n  init: {tty: true}\n  web: {image: 'dev:1'}\n"), keeps)
    assert [line.strip() for line in found["compose.yml"].splitlines() if "image" in line] == [
        "web: {<<: *a, image: dev:1}"
    ]
