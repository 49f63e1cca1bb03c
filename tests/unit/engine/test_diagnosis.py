"""What a log says → one sentence and a next step."""

from __future__ import annotations

from builder.engine.diagnosis import Diagnosis, diagnose_failure

PIP = """ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the versions, ...
    uv==0.13.9 from https://index.example/uv-0.13.9.whl (from -r /requirements/uv.txt (line 1)):
        Expected sha256 0000
             Got        8abb
"""


def test_uv_names_what_differs() -> None:
    text = "error: Failed to download\n  Caused by: Hash mismatch for `a-b==1`\nHash mismatch for `c==2+local`\n"
    found = diagnose_failure(text)
    assert found.cause is not None
    assert found.cause.startswith("a-b==1, c==2+local differ from their hashes in optbuild.lock")
    assert found.hint is not None
    assert "`optbuild lock --upgrade-package a-b --upgrade-package c`" in found.hint


def test_pip_names_what_differs() -> None:
    found = diagnose_failure(PIP)
    assert found.cause is not None
    assert found.cause.startswith("uv==0.13.9 differs from its hash")
    assert found.hint is not None
    assert "`optbuild lock --upgrade`" in found.hint  # uv is not a package of the image


def test_versions_elsewhere_in_a_log_differ_from_nothing() -> None:
    assert diagnose_failure("    installing\n    a==1:\n") == Diagnosis()


def test_what_a_source_was_built_without_is_named() -> None:
    text = "Error: pg_config executable not found.\nerror: command 'gcc' failed: No such file or directory\n"
    found = diagnose_failure(text)
    assert found.cause is None
    assert found.hint == 'add "libpq-dev", "gcc", "libc6-dev" to build of [apt] in optbuild.toml, then: optbuild lock'


def test_a_network_that_fails_is_told_before_a_program_that_is_missing() -> None:
    found = diagnose_failure("Temporary failure in name resolution\n/bin/sh: 1: git: not found\n")
    assert found.hint is not None
    assert found.hint.startswith("the build has no network")


def test_a_refused_push_is_not_taken_for_a_package_index() -> None:
    found = diagnose_failure("ERROR: failed to push r.example/a:1: unexpected status: 401 Unauthorized")
    assert "docker login" in str(found.hint)


def test_a_python_of_the_image_itself_gets_no_headers_of_debian() -> None:
    missing = "Modules/common.h:9:10: fatal error: Python.h: No such file or directory\n"
    found = diagnose_failure(f"'gcc', '-I/opt/build/include', '-I/usr/local/include/python3.11', '-c'\n{missing}")
    assert found.cause is not None
    assert found.cause.startswith("the Python of the base image has no headers")
    debian = diagnose_failure(f"'gcc', '-I/opt/build/include', '-I/usr/include/python3.11', '-c'\n{missing}")
    assert debian.hint == 'add "python3-dev" to build of [apt] in optbuild.toml, then: optbuild lock'


def test_packages_that_ask_what_the_base_no_longer_has_belong_into_the_base() -> None:
    found = diagnose_failure("The base image lacks /usr/share/perl5/Debconf, which scripts of locales may need\n")
    assert found.hint is not None
    assert found.hint.startswith("write the packages that failed into runtime of [apt] in the spec of the base image")


SCRIPT = """curl: (6) Could not resolve host: example.org
run_scripts.py: scripts/extra.sh ended with exit code 6{}
run_scripts.py: next: correct scripts/extra.sh: its last lines stand above
"""


def test_a_script_of_the_project_is_named_with_the_key_that_it_lacks() -> None:
    found = diagnose_failure(SCRIPT.format(", without network"))
    assert found.cause == "a script of [build] run: scripts/extra.sh ended with exit code 6, without network"
    assert "run-network = true below [build]" in str(found.hint)


def test_a_script_that_has_network_is_not_told_to_ask_for_it() -> None:
    found = diagnose_failure(SCRIPT.format(""))
    assert found.cause == "a script of [build] run: scripts/extra.sh ended with exit code 6"
    assert found.hint == "correct scripts/extra.sh: its last lines stand above"
