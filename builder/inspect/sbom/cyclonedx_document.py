"""The software bill of materials of an image, as CycloneDX 1.6: from what the image holds, with the lock's hashes.

The same image and lock give the same bytes: the time is the image's own, the serial number is made from the content.
"""

from __future__ import annotations

import json
import re
import shlex
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from builder.core.image_reference import split_image_name
from builder.inspect.filesystem import build_filesystem
from builder.inspect.model import Package, PackageKey
from builder.inspect.packages.metadata import find_license, iterate_metadata
from builder.inspect.sbom.dependency_graph import list_dependencies

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cyclonedx.model import ExternalReference, HashType
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component
    from packageurl import PackageURL

    from builder.image.lock.model import Lock
    from builder.inspect.model import ImageContent, Inspection
    from builder.inspect.packages.metadata import DistributionMetadata
    from builder.inspect.sbom.dependency_graph import PackageComponent

PROPERTY = "optbuild:"
"""Of the names of our own properties: bytes, folder, requested."""
_TITLE = "org.opencontainers.image.title"
_OS_RELEASE = ("/etc/os-release", "/usr/lib/os-release")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_NAMESPACE = uuid.UUID("5b3d8f0e-8b0c-5c0f-9d55-2f0a5f7c9f11")
"""Of our serial numbers: a random one, for good."""


def format_cyclonedx(inspection: Inspection, lock: Lock | None, *, version: str, epoch: int | None = None) -> str:
    """JSON. ``version`` is this program's; ``epoch`` (SOURCE_DATE_EPOCH, seconds) counts more than the image's time."""
    from cyclonedx.output.json import JsonV1Dot6  # 0.2 s

    created = inspection.content.created if epoch is None else float(epoch)
    bom = _make_bom(inspection, lock, version)
    bom.metadata.timestamp = None if created is None else datetime.fromtimestamp(created, UTC)  # type: ignore[assignment] # None is left out
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    document.pop("serialNumber", None)  # the library's is random
    serial = uuid.uuid5(_NAMESPACE, json.dumps(document, sort_keys=True))
    return json.dumps({"serialNumber": f"urn:uuid:{serial}", **document}, indent=2, sort_keys=True) + "\n"


def _make_bom(inspection: Inspection, lock: Lock | None, version: str) -> Bom:
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.tool import ToolRepository

    content = inspection.content
    texts = build_filesystem(content).texts
    image = Component(
        type=ComponentType.CONTAINER, name=_choose_image_name(content), version=content.id, bom_ref=content.id
    )
    tool = Component(type=ComponentType.APPLICATION, name="optbuild", version=version)
    os_release = _read_os_release(texts)
    made = _list_components(inspection, _ComponentFactory(lock, os_release), list(iterate_metadata(texts)))
    system = [*_iterate_system_components(os_release)]
    return Bom(
        metadata=BomMetaData(component=image, tools=ToolRepository(components=[tool])),
        components=[*(component for _, component in made), *system],
        dependencies=list_dependencies(image, made, system),
    )


def _choose_image_name(content: ImageContent) -> str:
    """What the image calls itself: a tag says where it is, and moves."""
    title = content.labels.get(_TITLE)
    named = [reference for reference in sorted(content.references) if not reference.startswith(("sha256:", "<none>"))]
    if title or not named:
        return title or "image"
    return split_image_name(named[0])[0]


def _read_os_release(texts: Mapping[str, bytes]) -> Mapping[str, str]:
    """os-release(5): shell assignments; empty where the image has none."""
    for path in _OS_RELEASE:
        if text := texts.get(path):
            pairs = (line.partition("=") for line in text.decode("utf-8", "replace").splitlines())
            return {key.strip(): _unquote_value(value) for key, _, value in pairs if value and not key.startswith("#")}
    return {}


def _unquote_value(value: str) -> str:
    try:
        return "".join(shlex.split(value))
    except ValueError:
        return value.strip()


def _iterate_system_components(os_release: Mapping[str, str]) -> Iterator[Component]:
    from cyclonedx.model.component import Component, ComponentType

    if os_release.get("ID"):
        name, version = os_release["ID"], os_release.get("VERSION_ID")
        yield Component(
            type=ComponentType.OPERATING_SYSTEM,
            name=name,
            version=version,
            description=os_release.get("PRETTY_NAME"),
            bom_ref=f"os:{name}@{version or ''}",
        )


def _list_components(
    inspection: Inspection, making: _ComponentFactory, found: Sequence[DistributionMetadata]
) -> list[PackageComponent]:
    """One for each package; what a package carries for its own use (``setuptools/_vendor``) is inside its component."""
    licences = {(one.folder, one.name): find_license(one.message) for one in found}
    packages = sorted(inspection.packages, key=lambda one: (one.key, one.folder, one.architecture, one.version))
    made = [
        (package, making.make_component(package, licences.get((package.folder, package.key.name))))
        for package in packages
    ]
    known = {(package.folder, package.key.name) for package in packages if package.key.kind == "python"}
    carriers = {package.key: component for package, component in made}
    for one in found:
        if (one.folder, one.name) not in known:
            carried = Package(PackageKey("python", one.name), one.version, 0, 0, 0, folder=one.folder)
            component = making.make_component(carried, licences[one.folder, one.name])
            owner = inspection.owners.get(one.path)
            if owner in carriers:
                carriers[owner].components.add(component)
            else:
                made.append((carried, component))
    return made


class _ComponentFactory:
    """Components, one by one."""

    def __init__(self, lock: Lock | None, os_release: Mapping[str, str]) -> None:
        self._python = {(one.name, one.version): one for one in lock.python} if lock else {}
        self._debian = {(one.name, one.version, one.architecture): one for one in lock.runtime} if lock else {}
        self._system = os_release
        self._used: set[str] = set()

    def make_component(self, package: Package, licence: str | None) -> Component:
        return (
            self._make_python_component(package, licence)
            if package.key.kind == "python"
            else self._make_debian_component(package)
        )

    def _make_python_component(self, package: Package, licence: str | None) -> Component:
        """A hash is that of the locked file: of a wheel the component's own, of an sdist that of its source."""
        locked = self._python.get((package.key.name, package.version))
        sha256 = () if locked is None else (_make_hash(locked.sha256),)
        is_wheel = locked is not None and locked.kind == "wheel"
        return self._make_library(
            package,
            purl=_make_purl("pypi", None, package, {}),
            hashes=sha256 if is_wheel else (),
            external_references=() if is_wheel or locked is None else (_make_source_reference(package, sha256),),
            licenses=_make_licenses(licence),
        )

    def _make_debian_component(self, package: Package) -> Component:
        locked = self._debian.get((package.key.name, package.version, package.architecture))
        system, version = self._system.get("ID", "debian"), self._system.get("VERSION_ID")
        qualifiers = {"arch": package.architecture, "distro": f"{system}-{version}" if version else ""}
        return self._make_library(
            package,
            purl=_make_purl("deb", system, package, {key: value for key, value in qualifiers.items() if value}),
            hashes=() if locked is None else (_make_hash(locked.sha256),),
        )

    def _make_library(self, package: Package, *, purl: PackageURL | None, **more: Any) -> Component:
        from cyclonedx.model import Property
        from cyclonedx.model.component import Component, ComponentType

        size = str(package.bytes) if package.files else ""
        folder = package.folder.encode("utf-8", "backslashreplace").decode()  # a name on disk need not be text
        facts = {"bytes": size, "folder": folder, "requested": "true" if package.asked_for else ""}
        return Component(
            type=ComponentType.LIBRARY,
            name=package.key.name,
            version=package.version,
            bom_ref=self._choose_reference(
                purl.to_string() if purl else _format_plain_reference(package), package.folder
            ),
            purl=purl,
            properties=[Property(name=f"{PROPERTY}{key}", value=value) for key, value in facts.items() if value],
            **more,
        )

    def _choose_reference(self, purl: str, folder: str) -> str:
        """Unique: a distribution may be there twice in one version, even in one folder."""
        placed = f"{purl}#{quote(folder.strip('/'), errors='surrogateescape')}"
        wanted = next((one for one in (purl, placed) if one not in self._used), f"{placed}:{len(self._used)}")
        self._used.add(wanted)
        return wanted


def _make_purl(kind: str, namespace: str | None, package: Package, qualifiers: dict[str, str]) -> PackageURL | None:
    """None where PyPI or Debian would not allow the name: a package URL leads there."""
    from packageurl import PackageURL

    if not _NAME.fullmatch(package.key.name):
        return None
    return PackageURL(kind, namespace, package.key.name, package.version, qualifiers)


def _make_hash(digest: str) -> HashType:
    from cyclonedx.model import HashAlgorithm, HashType

    return HashType(alg=HashAlgorithm.SHA_256, content=digest)


def _format_plain_reference(package: Package) -> str:
    return quote(f"{package.key.kind}:{package.key.name}@{package.version}", safe="/:@")


def _make_source_reference(package: Package, hashes: Iterable[HashType]) -> ExternalReference:
    """A lock knows no address; a package URL names the release."""
    from cyclonedx.model import ExternalReference, ExternalReferenceType, XsUri

    url = XsUri(f"pkg:pypi/{package.key.name}@{quote(package.version)}")
    return ExternalReference(type=ExternalReferenceType.SOURCE_DISTRIBUTION, url=url, hashes=hashes)


def _make_licenses(text: str | None) -> Iterable[Any]:
    from cyclonedx.model.license import DisjunctiveLicense, LicenseAcknowledgement, LicenseExpression
    from cyclonedx.spdx import is_supported_id

    if text is None:
        return ()
    said = LicenseAcknowledgement.DECLARED
    if is_supported_id(text):
        return (DisjunctiveLicense(id=text, acknowledgement=said),)
    return (LicenseExpression(text, acknowledgement=said),)
