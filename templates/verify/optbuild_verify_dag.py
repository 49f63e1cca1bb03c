"""The DAG that a verification runs: its one task imports every requirement of the spec where real tasks would."""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime

try:
    from airflow.sdk import DAG
except ImportError:  # before Airflow 3
    from airflow import DAG
try:
    from airflow.providers.standard.operators.python import PythonOperator
except ImportError:  # before Airflow 3, and without its standard provider
    from airflow.operators.python import PythonOperator

ASKED = json.loads(os.environ["OPTBUILD_VERIFY"])


def import_requirements():
    """Every module of every requirement; the first that does not import fails the task, its traceback in the log."""
    sys.path.insert(0, ASKED["folder"])
    from modules import import_modules

    for name in ASKED["distributions"]:
        errors, stray = import_modules(name)
        for error in errors.values():
            raise error
        print("imported", name, "but", *stray) if stray else print("imported", name)


with DAG(
    ASKED["dag_id"],
    start_date=datetime(2020, 1, 1),
    schedule="@once",
    catchup=False,
    is_paused_upon_creation=False,
    default_args={"retries": 0},
) as dag:
    PythonOperator(task_id="import_requirements", python_callable=import_requirements)
