"""How a strong specialist builds the same locked distributions by hand: Dockerfiles, each in several variants.

(a) the documented way: one stage, build-essential, ``pip install --no-cache-dir``, no recommended packages;
(b) two stages with uv: bytecode, a cache mount, ``COPY --link``; (c) the same with six blind lines of pruning.
All stand on the Debian packages of our own base (:mod:`bases`), and (a) adds what pip needs: apt, python3-venv.
Variants of one letter are attempts: ``make bench`` measures each once, lists them, and keeps the best.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from builder.image.lock.model import Distribution

SECRETS = (
    "--mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt"
    " --mount=type=secret,id=netrc,target=/root/.netrc"
    " --mount=type=secret,id=uv_default_index --mount=type=secret,id=uv_index"
)
INDEX = """\
read_secret() { ! [ -s "/run/secrets/$1" ] || cat "/run/secrets/$1"; }
default=$(read_secret uv_default_index) more=$(read_secret uv_index)
if [ -n "$default" ]; then export UV_DEFAULT_INDEX=$default PIP_INDEX_URL=$default; fi
if [ -n "$more" ]; then export UV_INDEX=$more PIP_EXTRA_INDEX_URL=$more; fi
export SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt PIP_CERT=/etc/ssl/certs/ca-certificates.crt
"""
"""A script that each RUN reads first: this machine's package index and certificates, as our own build gets them."""
RUN = f"RUN --mount=type=bind,source=index.sh,target=/index.sh {SECRETS}"
UV = (
    "--mount=type=bind,source=uv,target=/usr/local/bin/uv --mount=type=cache,target=/root/.cache/uv"
    " --mount=type=bind,source=requirements.txt,target=/requirements.txt"
)
END = """\
ENV PATH=/opt/venv/bin:$PATH AIRFLOW_HOME=/opt/airflow
"""
BLIND_LINES = (
    r"find /opt/venv -type d \( -name tests -o -name test \) -prune -exec rm -rf {} +",
    r"find /opt/venv -type f -name '*.map' -delete",
    r"find /opt/venv -regextype egrep -type f -regex '.*\.(c|cc|cpp|h|hpp|pyx|pxd|f90)' -delete",
    r"find /opt/venv -type f -name '*.pyi' -delete",
)
STRIP = r"find /opt/venv -type f -name '*.so*' -not -path '*.libs/*'"
SYNC = "uv venv --quiet /opt/venv && uv pip sync --quiet --python /opt/venv --require-hashes /requirements.txt"
COMPILE = "python3 -m compileall -q -j 0 /opt/venv"


@dataclass(frozen=True)
class Baseline:
    """``name``: the letter of the issue, then the attempt's number."""

    name: str
    says: str
    """What this attempt varies."""
    dockerfile: str

    @property
    def letter(self) -> str:
        return self.name[0]


def write_requirements(distributions: Iterable[Distribution]) -> str:
    """Every locked distribution with the hash of the one file that our own build takes."""
    return "".join(f"{one.name}=={one.version} --hash=sha256:{one.sha256}\n" for one in distributions)


def write_pins(distributions: Iterable[Distribution]) -> str:
    """The same without hashes: pip refuses them where a dependency asks for an extra (connexion[flask])."""
    return "".join(f"{one.name}=={one.version}\n" for one in distributions)


def make_baselines() -> tuple[Baseline, ...]:
    """All attempts, the plainest of each letter first."""
    return (*_document_ways(), *_two_stages(), *_prune_blindly())


def choose_best(attempts: Mapping[str, tuple[float, float]], tolerance: float = 0.005) -> str:
    """Of ``name: (bytes, CPU seconds)`` the one with the least CPU seconds among those that are as small as the
    smallest, within ``tolerance``. Raises ValueError where there is none."""
    least = min(size for size, _ in attempts.values())
    small = {name: cpu for name, (size, cpu) in attempts.items() if size <= least * (1 + tolerance)}
    return min(small, key=lambda name: (small[name], name))


def _document_ways() -> tuple[Baseline, ...]:
    compilers = (
        "RUN apt-get update && apt-get install -y --no-install-recommends build-essential python3-dev"
        " && rm -rf /var/lib/apt/lists/*\n"
    )
    head = f"FROM scratch\nADD builder.tar /\n{compilers}COPY pins.txt /pins.txt\n"
    install = "/opt/venv/bin/pip install --no-cache-dir"
    ways = (
        ("Debian's pip", f"{install} -r /pins.txt"),
        (
            "the newest pip first",
            f"{install} --upgrade pip && {install} -r /pins.txt && /opt/venv/bin/pip uninstall --yes pip",
        ),
        ("no resolving: --no-deps", f"{install} --no-deps -r /pins.txt"),
    )
    return tuple(
        Baseline(f"a{number}", says, f"{head}{RUN} . /index.sh && python3 -m venv /opt/venv && {command}\n{END}")
        for number, (says, command) in enumerate(ways, start=1)
    )


def _two_stages() -> tuple[Baseline, ...]:
    compiled = f"export UV_COMPILE_BYTECODE=1 && {SYNC}"
    ways = (
        ("UV_COMPILE_BYTECODE=1, UV_LINK_MODE=copy", compiled),
        ("compileall -j 0 after it", f"{SYNC} && {COMPILE}"),
        ("more installs at once", f"export UV_CONCURRENT_INSTALLS=8 && {compiled}"),
    )
    return tuple(
        Baseline(f"b{number}", says, _two_stage_file(command)) for number, (says, command) in enumerate(ways, start=1)
    )


def _prune_blindly() -> tuple[Baseline, ...]:
    unchecked = f"{COMPILE} --invalidation-mode unchecked-hash"
    strips = (
        ("one strip for all libraries", f"({STRIP} -exec strip {{}} + 2>/dev/null || true)", COMPILE),
        ("two strips at once", f"({STRIP} -print0 | xargs -0 -P 2 -n 40 strip 2>/dev/null || true)", COMPILE),
        ("unchecked-hash bytecode", f"({STRIP} -exec strip {{}} + 2>/dev/null || true)", unchecked),
    )
    return tuple(
        Baseline(f"c{number}", says, _two_stage_file(" \\\n && ".join((SYNC, *BLIND_LINES, strip, compileall))))
        for number, (says, strip, compileall) in enumerate(strips, start=1)
    )


def _two_stage_file(command: str) -> str:
    return (
        f"FROM scratch AS builder\nADD builder.tar /\nENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never\n"
        f"{RUN} {UV} . /index.sh && {command}\n"
        f"FROM scratch\nADD base.tar /\nCOPY --link --from=builder /opt/venv /opt/venv\n{END}"
    )


def make_compose_file(services: Iterable[str], secrets: Mapping[str, str]) -> str:
    """Services that each build the folder's Dockerfile. ``secrets``: each ``file: PATH`` or ``environment: NAME``."""
    names = ", ".join(secrets)
    lines = ["services:"]
    for service in services:
        lines += [f"  {service}:", "    build:", "      context: .", f"      secrets: [{names}]"]
    lines += ["secrets:", *(f"  {name}: {{ {source} }}" for name, source in secrets.items())]
    return "\n".join(lines) + "\n"
