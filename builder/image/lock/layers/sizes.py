"""How many bytes a layer moves, estimated from the lock alone: the index knows wheels, a registry counts layers.

Source: gzip -6 of each distribution's finished files (pruned, stripped, with bytecode) in the images of images/, beside
the bytes of its locked file, 2026-11-29. A wheel of Python sources grows, for bytecode joins it; one of shared
objects keeps its size or shrinks, for they are stripped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.image.lock.layers.groups import find_group, is_libraries
from builder.image.lock.layers.table import LIBRARIES_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from builder.image.lock.model import Distribution, Lock, PackageLayer

_MEASURED: dict[str, tuple[tuple[int, int], ...]] = {
    "aiohttp": (
        (1294, 755),
        (1676, 877),
    ),
    "alembic": ((231, 586),),
    "anyio": ((85, 252),),
    "apache-airflow": (
        (13, 13),
        (11787, 9958),
        (13254, 9176),
    ),
    "apache-airflow-core": ((6921, 8654),),
    "apache-airflow-providers-fab": (
        (99, 184),
        (605, 720),
    ),
    "apache-airflow-providers-standard": ((161, 268),),
    "apache-airflow-task-sdk": ((607, 1298),),
    "asyncpg": ((2972, 717),),
    "babel": ((10182, 10032),),
    "billiard": ((86, 261),),
    "celery": ((438, 1225),),
    "cffi": (
        (217, 372),
        (464, 367),
    ),
    "click": (
        (97, 275),
        (119, 316),
    ),
    "cron-descriptor": (
        (29, 47),
        (50, 49),
        (74, 77),
    ),
    "cryptography": (
        (3852, 3566),
        (4372, 3305),
    ),
    "dill": (
        (120, 192),
        (151, 136),
    ),
    "dnspython": ((300, 655),),
    "docutils": ((572, 1200),),
    "fastapi": ((117, 277),),
    "flask": ((96, 228),),
    "flask-appbuilder": ((2207, 2315),),
    "fonttools": ((5493, 3945),),
    "frozenlist": (
        (272, 61),
        (313, 54),
    ),
    "fsspec": ((168, 454),),
    "googleapis-common-protos": (
        (228, 171),
        (294, 180),
    ),
    "greenlet": (
        (583, 61),
        (620, 61),
    ),
    "grpcio": ((5354, 5536),),
    "gunicorn": ((80, 215),),
    "httptools": ((464, 102),),
    "httpx": (
        (71, 203),
        (73, 200),
    ),
    "jinja2": ((133, 397),),
    "joblib": ((309, 692),),
    "jsonschema": ((84, 234),),
    "kiwisolver": ((1438, 85),),
    "kombu": ((209, 570),),
    "lazy-object-proxy": (
        (16, 21),
        (68, 31),
    ),
    "libcst": ((2260, 2464),),
    "mako": ((78, 215),),
    "markdown": ((103, 232),),
    "matplotlib": ((11580, 9366),),
    "msgpack": ((423, 109),),
    "multidict": (
        (117, 43),
        (223, 66),
    ),
    "numpy": ((17278, 6565),),
    "numpy.libs": ((17278, 10165),),
    "opentelemetry-proto": (
        (50, 49),
        (72, 63),
    ),
    "opentelemetry-sdk": (
        (105, 211),
        (137, 304),
    ),
    "opentelemetry-semantic-conventions": (
        (36, 49),
        (149, 151),
    ),
    "packaging": (
        (53, 122),
        (129, 322),
    ),
    "pendulum": ((348, 461),),
    "pillow": ((7140, 1371),),
    "pillow.libs": ((7140, 5253),),
    "prompt-toolkit": ((387, 980),),
    "propcache": ((232, 51),),
    "protobuf": ((294, 509),),
    "psutil": (
        (155, 281),
        (277, 276),
        (285, 296),
    ),
    "psycopg": ((213, 553),),
    "psycopg-binary": ((5172, 4534),),
    "psycopg2-binary": (
        (3015, 214),
        (4273, 215),
    ),
    "psycopg2-binary.libs": ((3015, 2857),),
    "pycparser": ((48, 124),),
    "pydantic": ((381, 1020),),
    "pygments": ((1179, 2558),),
    "pyparsing": ((98, 277),),
    "python-dateutil": ((229, 355),),
    "pytz": ((502, 303),),
    "pyyaml": ((757, 274),),
    "redis": ((261, 745),),
    "rich": (
        (240, 705),
        (310, 741),
    ),
    "rpds-py": (
        (371, 306),
        (1193, 304),
    ),
    "scikit-learn": ((10871, 11090),),
    "scipy": ((37652, 28158),),
    "scipy.libs": ((37652, 8954),),
    "seaborn": ((293, 790),),
    "setuptools": ((876, 1980),),
    "sqlalchemy": (
        (1626, 4156),
        (3319, 5433),
    ),
    "starlette": ((74, 208),),
    "text-unidecode": ((78, 78),),
    "tornado": ((442, 1218),),
    "typer": ((122, 332),),
    "tzdata": ((346, 172),),
    "urllib3": ((124, 294),),
    "uvloop": ((3804, 680),),
    "websockets": ((186, 414),),
    "werkzeug": ((226, 582),),
    "wrapt": (
        (80, 60),
        (161, 115),
    ),
    "yarl": (
        (328, 107),
        (358, 136),
    ),
}
"""Part -> (kB of the locked file, kB in the layer) of up to three versions, where the rule below is off by 60 kB."""
_SMALL, _SMALL_RATIO = 100_000, 1.85
"""Bytes of a file up to which it is mostly Python; the median of 130 distributions."""
_OTHER_RATIO = 1.0
_FOLDERS = 500
"""A layer's entries for the folders above its files, compressed."""


def estimate_layer_bytes(layer: PackageLayer, lock: Lock) -> int:
    """Compressed, as a registry stores them."""
    return estimate_parts_bytes(layer.members, {one.name: one for one in lock.python})


def estimate_parts_bytes(parts: Iterable[str], distributions: Mapping[str, Distribution]) -> int:
    return _FOLDERS + sum(_estimate_part_bytes(part, distributions[_find_name(part)]) for part in parts)


def _find_name(part: str) -> str:
    return part.removesuffix(LIBRARIES_SUFFIX)


def _estimate_part_bytes(part: str, distribution: Distribution) -> int:
    if distribution.size is None:
        return 0 if is_libraries(part) else round(find_group(part).megabytes * 1_000_000)
    return round(distribution.size * _find_ratio(part, distribution.size))


def _find_ratio(part: str, size: int) -> float:
    """Bytes in the layer by bytes of the file; of the measured version that is nearest in size, where there is one."""
    if part in _MEASURED:
        file, stored = min(_MEASURED[part], key=lambda point: abs(point[0] * 1000 - size))
        return stored / file
    if is_libraries(part):
        return 0.0
    return _SMALL_RATIO if size <= _SMALL else _OTHER_RATIO
