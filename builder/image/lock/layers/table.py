"""The groups that Python distributions fall into, as data: which names, how many bytes, how often they move.

Sources, 2026-11-29:
- ``megabytes``: gzip -6 of the finished files in the images of images/ (Airflow 2.8.1, 2.11.2 and 3.3.2, the larger
  one); for botocore, pyarrow, torch, lightgbm and xgboost the bytes of their newest wheel for Python 3.12, x86-64.
- ``moves`` of what a project pins itself: how often the newest release differed between nine looks at the package
  index from 2024-12-01 to 2026-11-25 (``uv pip compile --exclude-newer``), per year, and 0.5 for catching up.
  What the lock holds until something that needs it moves: 0.25.
- With ``with_airflow``, it moves when Airflow's version does (the constraints hold it otherwise): the share of
  such upgrades that move it, 1 for what carries Airflow's release number or is pinned by it with ``==``.
- ``LIBRARIES``: wheels that bundle shared objects in a folder ``NAME.libs`` with the content's hash in each file name
  (auditwheel), of more than 2 MB: they stay the same over many releases of their distribution.
"""

from __future__ import annotations

from dataclasses import dataclass

LIBRARIES = {"numpy": True, "scipy": True, "pillow": False, "psycopg2-binary": False}
"""Whose bundled libraries are layers of their own, and whether a patch release keeps them (numpy 1.24.4: yes)."""
LIBRARIES_SUFFIX = ".libs"
"""``numpy.libs`` are the bundled libraries of ``numpy``; no normalised name has a dot."""


@dataclass(frozen=True)
class LayerGroup:
    """What always lies together. Every name belongs to exactly one group, whatever else a project has."""

    name: str
    megabytes: float
    """Compressed."""
    moves: float
    """Per year; with ``with_airflow``, the share of Airflow's upgrades that move it."""
    from_max: int
    """The smallest ``[layers] max`` with which a layer begins here; with less it lies in the one below."""
    stage: int
    """Groups of one number are installed by one build stage."""
    why: str
    members: str = ""
    """Names beside ``name`` itself, with spaces between; one that ends in ``-`` means all names that begin so."""
    with_airflow: bool = False


_BUNDLED = "the libraries that its wheel bundles: they stay over many of its releases"
_LARGE = "large; the constraints hold it until Airflow moves"
_CORE_BUCKET = "small; the constraints hold it until Airflow moves; which bucket: a hash of the name"
_OWN_BUCKET = (
    "not in the table, so a project's own; counts as released as often as the median; which: a hash of the name"
)
_HELD = "the lock holds it until something that needs it moves"
_PINNED = "pinned by projects"
_WEB = """
    aiohttp alembic anyio asyncpg cffi connexion dnspython fastapi flask fsspec google-re2 gunicorn httpx jinja2 libcst
    pendulum protobuf psutil pyyaml starlette urllib3 uvicorn uvloop watchfiles websockets werkzeug
"""

GROUPS = (
    LayerGroup("babel", 10.89, 0.4, 0, 1, _LARGE, with_airflow=True),
    LayerGroup("grpcio", 6.92, 0.5, 23, 1, _LARGE, with_airflow=True),
    LayerGroup("sqlalchemy", 5.43, 0.4, 24, 1, _LARGE, with_airflow=True),
    LayerGroup("cryptography", 4.39, 0.5, 25, 1, _LARGE, with_airflow=True),
    LayerGroup("pygments", 4.9, 0.4, 33, 1, _LARGE, "click docutils rich", with_airflow=True),
    LayerGroup("setuptools", 1.98, 0.4, 34, 1, _LARGE, with_airflow=True),
    LayerGroup("web", 7.9, 0.6, 20, 2, _LARGE, _WEB, with_airflow=True),
    LayerGroup("core-0", 1.7, 0.8, 21, 2, _CORE_BUCKET, with_airflow=True),
    LayerGroup("core-1", 1.7, 0.8, 35, 2, _CORE_BUCKET, with_airflow=True),
    LayerGroup("core-2", 1.7, 0.8, 36, 2, _CORE_BUCKET, with_airflow=True),
    LayerGroup("core-3", 1.7, 0.8, 37, 2, _CORE_BUCKET, with_airflow=True),
    LayerGroup("core-4", 1.7, 0.8, 38, 2, _CORE_BUCKET, with_airflow=True),
    LayerGroup(
        *("pydantic", 3.28, 0.6, 26, 3, "one release pins the other; the constraints hold both until Airflow moves"),
        "annotated-types pydantic-core pydantic-extra-types pydantic-settings typing-inspection",
        with_airflow=True,
    ),
    LayerGroup(
        *("celery", 5.9, 0.6, 22, 4, "Celery's executor; the constraints hold it until Airflow moves"),
        "amqp billiard flower kombu prompt-toolkit redis tornado vine",
        with_airflow=True,
    ),
    LayerGroup("psycopg", 5.09, 0.6, 27, 4, _LARGE, "psycopg-binary", with_airflow=True),
    LayerGroup(
        *("botocore", 17.0, 0.7, 19, 4, "large; its releases pin each other", "aiobotocore boto3 s3transfer"),
        with_airflow=True,
    ),
    LayerGroup(
        *("providers", 2.2, 0.9, 28, 3, "the constraints name one release of each provider per Airflow"),
        *("apache-airflow-providers-",),
        with_airflow=True,
    ),
    LayerGroup("flask-appbuilder", 2.34, 1.0, 18, 3, "Airflow or its fab provider pins it with ==", with_airflow=True),
    LayerGroup(
        *("apache-airflow", 9.97, 1.0, 11, 3, "carries Airflow's own release number"),
        "apache-airflow-core apache-airflow-task-sdk",
        with_airflow=True,
    ),
    LayerGroup("torch", 540.0, 4.5, 7, 5, f"by far the largest; {_PINNED}", "nvidia- triton"),
    LayerGroup("scipy.libs", 8.96, 0.5, 29, 5, _BUNDLED),
    LayerGroup("scipy", 28.16, 3.5, 12, 5, f"large; {_PINNED}, or comes with what is"),
    LayerGroup("pyarrow", 55.0, 4.5, 8, 6, f"large; {_PINNED}"),
    LayerGroup("xgboost", 57.6, 3.5, 9, 6, f"large; {_PINNED}"),
    LayerGroup("lightgbm", 3.5, 1.5, 30, 6, _PINNED),
    LayerGroup("numpy.libs", 10.17, 0.9, 17, 7, _BUNDLED),
    LayerGroup("numpy", 6.57, 4.5, 10, 7, f"often released; {_PINNED}"),
    LayerGroup("pillow.libs", 5.26, 0.25, 39, 8, _BUNDLED),
    LayerGroup("pillow", 1.38, 0.25, 40, 8, _HELD),
    LayerGroup("fonttools", 3.95, 0.25, 31, 8, _HELD),
    LayerGroup("data", 1.6, 0.25, 13, 8, _HELD, "contourpy cycler joblib kiwisolver pyparsing threadpoolctl"),
    LayerGroup("scikit-learn", 11.03, 3.0, 2, 9, f"large; {_PINNED}"),
    LayerGroup("pandas", 12.18, 3.5, 4, 10, f"large; {_PINNED}"),
    LayerGroup("matplotlib", 9.37, 4.5, 5, 11, f"large and often released; {_PINNED}"),
    LayerGroup("psycopg2-binary.libs", 2.86, 1.5, 32, 12, _BUNDLED),
    LayerGroup("psycopg2-binary", 0.22, 2.0, 6, 12, f"small; {_PINNED}"),
    LayerGroup("seaborn", 0.79, 0.5, 3, 12, f"small; {_PINNED}"),
    LayerGroup("others-0", 1.0, 3.5, 14, 12, _OWN_BUCKET),
    LayerGroup("others-1", 1.0, 3.5, 15, 12, _OWN_BUCKET),
    LayerGroup("others-2", 1.0, 3.5, 16, 12, _OWN_BUCKET),
)

_CORE_NAMES = """
a2wsgi aiohappyeyeballs aiohttp-jinja2 aiosignal aiosmtplib aiosqlite annotated-doc apispec argcomplete arrow asgiref
async-timeout attrs backoff blinker cachelib cachetools cadwyn certifi charset-normalizer click-didyoumean
click-plugins click-repl clickclick colorama colorlog configupdater cron-descriptor croniter deprecated dill
email-validator fastapi-cli flask-babel flask-caching flask-jwt-extended flask-limiter flask-login flask-session
flask-sqlalchemy flask-wtf frozenlist googleapis-common-protos greenback greenlet h11 httpcore httptools humanize idna
importlib-metadata importlib-resources inflection isoduration itsdangerous jmespath jsonschema
jsonschema-specifications lazy-object-proxy limits linkify-it-py lockfile mako markdown markdown-it-py markupsafe
marshmallow marshmallow-oneofschema marshmallow-sqlalchemy mdit-py-plugins mdurl methodtools more-itertools msgpack
msgspec multidict natsort opentelemetry-api opentelemetry-exporter-otlp opentelemetry-exporter-otlp-proto-common
opentelemetry-exporter-otlp-proto-grpc opentelemetry-exporter-otlp-proto-http opentelemetry-proto opentelemetry-sdk
opentelemetry-semantic-conventions ordered-set outcome packaging pathlib-abc pathspec pluggy prison prometheus-client
propcache pycparser pygtrie pyjwt python-daemon python-dateutil python-dotenv python-multipart python-nvd3
python-slugify pytz referencing requests requests-toolbelt rfc3339-validator rfc3986 rich-argparse rich-toolkit
rpds-py setproctitle shellingham six sniffio sqlalchemy-jsonfield sqlalchemy-utils sqlparse structlog svcs tabulate
tenacity termcolor text-unidecode time-machine typer typing-extensions tzdata uc-micro-py unicodecsv universal-pathlib
uuid6 wcwidth wirerope wrapt wtforms yarl zipp
"""
CORE = frozenset(_CORE_NAMES.split())
"""What Airflow itself and the providers of its image bring and no group names: the locks of images/."""
