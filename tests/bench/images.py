"""Which images are measured, and with which bumps."""

from __future__ import annotations

from pathlib import Path

from our_build import Bump

ROOT = Path(__file__).parents[2]
MAIN = ROOT / "images/airflow"
MAIN_BUMPS = (
    Bump("seaborn", requirement="seaborn==0.13.2"),
    Bump("psycopg2-binary", requirement="psycopg2-binary==2.9.9"),
    Bump("matplotlib", requirement="matplotlib==3.7.5"),
    Bump("scikit-learn", requirement="scikit-learn==1.3.2"),
    Bump("pandas", requirement="pandas==2.1.4"),
    Bump("numpy", requirement="numpy==1.26.4"),
    Bump("numpy-patch", requirement="numpy==1.24.4"),
    Bump("airflow", airflow="2.8.4"),
)
OTHER_LOCKS = {
    ROOT / "images/airflow-celery": Bump("bump", requirement="requests==2.32.4"),
    ROOT / "images/airflow-3": Bump("bump", requirement="rich==14.3.3"),
    ROOT / "tests/bench/images/data": Bump("bump", requirement="lightgbm==4.5.0"),
}
"""With Celery, Airflow 3, and with pyarrow, scipy, lightgbm."""
SECOND = Bump("second", requirements=("pandas==2.0.3", "numpy==1.24.3", "statsmodels==0.14.1"))
"""Another project of the same Airflow: two of the main image's pins, and one that it lacks."""
