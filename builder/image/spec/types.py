"""The types of single values in optbuild.toml: each has its own allowlist, because most of them reach a Dockerfile.

There ``$`` expands, a backslash at the end swallows the next line, and a quote ends a value. No type here accepts
any of them, except :data:`Requirement`, whose markers have quotes and which goes into a requirements file.
A refused value says which characters are wrong and what to write instead.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from packaging import requirements
from packaging.specifiers import InvalidSpecifier
from packaging.version import InvalidVersion, Version
from pydantic import AfterValidator, BeforeValidator, Strict

from builder.airflow.variables import HOME, HOME_VARIABLE, VERSION_VARIABLE
from builder.core.debian import RELEASE_PYTHON
from builder.core.image_reference import extract_repository, find_image_reference
from builder.core.naming import MOST_LAYERS, OCI_PREFIX
from builder.image.spec.allow import RefusedError, check_form, check_free_text, check_visible, quote
from builder.image.spec.paths import check_clean_path, check_image_path, check_run_folder
from builder.image.spec.server_images import check_base_image, check_broker, check_database

MAX_IMAGE_LENGTH = 200
"""Docker takes 255, and a role is appended."""
MAX_ROLE_LENGTH = 40
"""A role name becomes a part of image and container names."""
RESERVED_LABELS = ("optbuild.", "org.apache.airflow.")
"""Beginnings of labels that are ours: clean-up trusts them."""
OWN_LABELS = frozenset({f"{OCI_PREFIX}title", f"{OCI_PREFIX}version", f"{OCI_PREFIX}created", f"{OCI_PREFIX}base.name"})
"""Labels that every image gets anyway, so that a value of the spec would be lost."""
RESERVED_ENVIRONMENT = {
    HOME_VARIABLE: f"it is {HOME}, as in the official image",
    VERSION_VARIABLE: "airflow.version sets it",
    "AIRFLOW_UID": "the image works with every user id in group 0",
    "AIRFLOW_USER_HOME_DIR": "it is /home/airflow, as in the official image",
    "HOME": "it is /home/airflow, as in the official image",
    "LD_PRELOAD": "it would be loaded into every process of the image",
    "PATH": "the image's own programs are found by it",
    "SOURCE_DATE_EPOCH": "the lock sets it",
    "VIRTUAL_ENV": "it is where the image's packages lie",
    "_PIP_ADDITIONAL_REQUIREMENTS": "write the packages into python.requirements",
}
_TAG = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
_UNITS = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def _check_requirement(text: str) -> str:
    check_visible(text)
    if text.startswith("-"):
        raise RefusedError(f"{quote(text)} is an option of pip, not a requirement", "write `name==version`")
    if "://" in text or re.match(r"^[./~]|.*/", text) or re.search(r"\s@|^[^;]*@", text):
        reason = "a lock holds names, versions and hashes, so that it can be built from any index"
        raise RefusedError(f"{quote(text)} is a URL or a path: {reason}", "publish it to an index and write its name")
    try:
        parsed = requirements.Requirement(text)
    except (requirements.InvalidRequirement, InvalidSpecifier) as error:
        reason = str(error).splitlines()[0]
        raise RefusedError(f"{quote(text)} is not a requirement: {reason}", "write it like `pandas==2.0.3`") from error
    if re.search(r"[^A-Za-z0-9._\-\[\],<>=!~*+ ;()'\"]", text) or "===" in str(parsed.specifier):
        raise RefusedError(f"{quote(text)} has characters that a requirement does not need", "write `name==version`")
    return text


def _check_version(text: str) -> str:
    hint = 'write it like "2.8.1"'
    check_form(r"[0-9A-Za-z.!+_-]+", text, "a version", hint)
    try:
        canonical = str(Version(text))
    except InvalidVersion as error:
        raise RefusedError(f"{quote(text)} is not a version", hint) from error
    if text != canonical:  # the image is asked for its version later, and answers in this spelling
        raise RefusedError(f"{quote(text)} is an unusual way to write {canonical}", f'write "{canonical}"')
    return text


def _check_python_version(text: str) -> str:
    hint = 'write major and minor, like "3.11": the Debian release decides the rest'
    return check_form(r"3\.[0-9]{1,2}", text, "a Python version", hint)


def _check_extra(text: str) -> str:
    return check_form(
        r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", text, "the name of an extra", 'write it like "postgres"'
    )


def _check_debian_release(text: str) -> str:
    check_visible(text)
    if text not in RELEASE_PYTHON:
        raise RefusedError(
            f"{quote(text)} is not a Debian release that is known", f"write one of: {', '.join(RELEASE_PYTHON)}"
        )
    return text


def _check_debian_package(text: str) -> str:
    hint = 'write only its name, like "libgomp1"; the lock has its version'
    return check_form(r"[a-z0-9][a-z0-9+.-]+", text, "the name of a Debian package", hint)


def _check_image_name(text: str) -> str:
    hint = 'write lower-case letters, digits and single `.`, `_`, `-` between them, like "ml-pipeline-airflow"'
    check_visible(text)
    if _is_bare_name(text.lower()) and not _is_bare_name(text):
        hint = f"image names are lower case: {text.lower()}"
    reserved = re.fullmatch(r"[0-9a-f]{64}", text) or extract_repository(text) == "scratch"
    if reserved or len(text) > MAX_IMAGE_LENGTH:
        raise RefusedError(f"Docker does not take {quote(text)} as a name: reserved, like an ID, or too long", hint)
    if not _is_bare_name(text):
        raise RefusedError(f"{quote(text)} is not an image name (without a tag)", hint)
    return text


def _is_bare_name(text: str) -> bool:
    found = find_image_reference(text)
    return found is not None and not found.tag and not found.digest


def _check_tag(text: str) -> str:
    check_form(_TAG, text, "a tag", "write letters, digits, `.`, `_`, `-`; at most 128 of them")
    if re.fullmatch(r"[0-9a-f]{12}", text):
        raise RefusedError(f"{quote(text)} reads like a content tag, which candidates have", "choose another tag")
    return text


def _check_tag_list(tags: tuple[str, ...]) -> tuple[str, ...]:
    if not tags:
        raise RefusedError("the list is empty", "write at least one, or remove the line: then it is `latest`")
    return tags


def _check_image_pattern(text: str) -> str:
    return check_form(
        r"[A-Za-z0-9._:/@*?-]+",
        text,
        "an image name, or a pattern with * and ?",
        'write it like "registry.example/base:*"',
    )


def _check_label_value(text: str) -> str:
    return check_free_text(text, "write it without; a label is read by people and filters")


def _check_environment_value(text: str) -> str:
    hint = "give it to the container when it starts (compose: `environment:`), where every character works"
    return check_free_text(text, hint)


def _check_label_key(text: str) -> str:
    check_form(
        r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?",
        text,
        "a label key",
        'write it like "team" or "org.example.team"',
    )
    if text.startswith(RESERVED_LABELS) or text in OWN_LABELS:
        raise RefusedError(f"the label {text} is set by optbuild itself", "choose another key")
    return text


def _check_environment_key(text: str) -> str:
    check_form(r"[A-Za-z_][A-Za-z0-9_]*", text, "the name of an environment variable", "write letters, digits and `_`")
    if text in RESERVED_ENVIRONMENT:
        raise RefusedError(f"{text} cannot be changed: {RESERVED_ENVIRONMENT[text]}", "remove the line")
    return text


def _check_role_name(text: str) -> str:
    check_form(r"[a-z0-9]+(?:-[a-z0-9]+)*", text, "a role name", 'write it like "dag-processor"')
    if len(text) > MAX_ROLE_LENGTH:
        raise RefusedError(f"{quote(text)} is longer than {MAX_ROLE_LENGTH} characters", "choose a shorter name")
    return text


def _check_command_word(text: str) -> str:
    hint = "write one word per item; what needs a shell belongs in a script of the image"
    return check_form(r"[A-Za-z0-9@%+=:,./_ -]+", text, "a word of a command", hint)


def _check_command(words: tuple[str, ...]) -> tuple[str, ...]:
    if not words or words[0].startswith("-") or " " in words[0]:
        raise RefusedError("a command starts with the name of a program", 'write it like ["celery", "worker"]')
    return words


def _check_http_path(text: str) -> str:
    check_form(r"/(?:[A-Za-z0-9._~-]+/)*(?:[A-Za-z0-9._~-]+)?", text, "an HTTP path", 'write it like "/health"')
    if {".", ".."} & set(text.split("/")):
        raise RefusedError(f"{quote(text)} has `.` or `..` in it", "write the path that they lead to")
    return text


def _check_port(number: int) -> int:
    if not 1 <= number <= 65535:
        raise RefusedError(f"{number} is not a port", "write a number from 1 to 65535")
    return number


def _check_constraints(value: object) -> object:
    hint = 'write "official", a file, a URL, or false'
    if value is False or value == "official":
        return value
    if not isinstance(value, str):
        raise RefusedError(f"{value!a} names no constraints", hint)
    if "://" in check_visible(value):
        if value.startswith("http://"):
            hint = "write it with https, or download the file and name that"
            raise RefusedError(f"{quote(value)} has no TLS: whoever is on the way could choose your versions", hint)
        return check_form(r"https://[A-Za-z0-9.-]+(?::[0-9]+)?/[A-Za-z0-9._~/%:+-]*", value, "a plain https URL", hint)
    return check_clean_path(value)


def parse_byte_size(text: str) -> int:
    """``900MB`` in bytes; units are decimal, as in Docker's own output. Raises :class:`RefusedError`."""
    hint = 'write it like "900MB" or "1.2GB" (decimal: 1 MB is 1 000 000 bytes)'
    check_form(r"[0-9]{1,12}(?:\.[0-9]{1,3})? ?(?:B|kB|KB|MB|GB|TB)", text, "a number of bytes", hint)
    number, unit = re.fullmatch(r"([0-9.]+) ?([A-Za-z]+)", text).groups()  # type: ignore[union-attr] # it matched
    return round(float(number) * _UNITS[unit])


def _check_byte_size(text: str) -> str:
    if parse_byte_size(text) == 0:
        raise RefusedError("no image has 0 bytes", 'write it like "900MB"')
    return text


def _check_waste_size(text: str) -> str:
    """No waste at all may be asked for."""
    parse_byte_size(text)
    return text


def _check_percent(value: object) -> float:
    hint = "write a number from 0 to 100 without quotes and without %, like 2.5"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise RefusedError(f"{quote(str(value))} is not a number", hint)
    if not 0 <= value <= 100:  # false for "not a number" too
        raise RefusedError(f"{value} is not a share in percent", hint)
    return float(value)


def _check_layer_count(count: int) -> int:
    if not 1 <= count <= MOST_LAYERS:
        raise RefusedError(
            f"{count} is not a number of layers from 1 to {MOST_LAYERS}",
            f"write max = {MOST_LAYERS}: a new version of one package then moves little else; "
            "1 puts all Python packages into one layer",
        )
    return count


def _check_package_name(text: str) -> str:
    hint = 'write its name as the package index or Debian has it, like pandas = "80MB"'
    return check_form(r"[A-Za-z0-9](?:[A-Za-z0-9._+-]*[A-Za-z0-9+])?", text, "the name of a package", hint)


Requirement = Annotated[str, AfterValidator(_check_requirement)]
PackageVersion = Annotated[str, AfterValidator(_check_version)]
PythonVersion = Annotated[str, AfterValidator(_check_python_version)]
Extra = Annotated[str, AfterValidator(_check_extra)]
BaseImage = Annotated[str, AfterValidator(check_base_image)]
DebianRelease = Annotated[str, AfterValidator(_check_debian_release)]
DebianPackageName = Annotated[str, AfterValidator(_check_debian_package)]
ImageName = Annotated[str, AfterValidator(_check_image_name)]
Tags = Annotated[tuple[Annotated[str, AfterValidator(_check_tag)], ...], AfterValidator(_check_tag_list)]
DatabaseImage = Annotated[str, AfterValidator(check_database)]
BrokerImage = Annotated[str, AfterValidator(check_broker)]
ImagePattern = Annotated[str, AfterValidator(_check_image_pattern)]
LabelKey = Annotated[str, AfterValidator(_check_label_key)]
LabelValue = Annotated[str, AfterValidator(_check_label_value)]
EnvironmentKey = Annotated[str, AfterValidator(_check_environment_key)]
EnvironmentValue = Annotated[str, AfterValidator(_check_environment_value)]
RoleName = Annotated[str, AfterValidator(_check_role_name)]
CommandWords = Annotated[
    tuple[Annotated[str, AfterValidator(_check_command_word)], ...], AfterValidator(_check_command)
]
HttpPath = Annotated[str, AfterValidator(_check_http_path)]
Port = Annotated[int, Strict(), AfterValidator(_check_port)]
CleanPath = Annotated[str, AfterValidator(check_clean_path)]
ImagePath = Annotated[str, AfterValidator(check_image_path)]
RunFolder = Annotated[str, AfterValidator(check_run_folder)]
ConstraintsChoice = Annotated[str | Literal[False], BeforeValidator(_check_constraints)]
ByteSize = Annotated[str, AfterValidator(_check_byte_size)]
WasteSize = Annotated[str, AfterValidator(_check_waste_size)]
Percent = Annotated[float, BeforeValidator(_check_percent)]
LayerCount = Annotated[int, Strict(), AfterValidator(_check_layer_count)]
PackageName = Annotated[str, AfterValidator(_check_package_name)]
Flag = Annotated[bool, Strict()]
