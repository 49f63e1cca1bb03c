"""Whether a user is in Airflow's database. SQLAlchemy alone, for Airflow takes seconds to start. One JSON line."""

from __future__ import annotations

import json
import os


def main():
    found = problem(os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"], os.environ["OPTBUILD_VERIFY"])
    print("optbuild: " + json.dumps({"problem": found}), flush=True)


def problem(url, name):
    """The end of a sentence, or nothing. The table is Flask-AppBuilder's."""
    from sqlalchemy import create_engine, exc, text

    query = text("SELECT active FROM ab_user WHERE username = :name")
    try:
        with create_engine(url).connect() as connection:
            rows = connection.execute(query, {"name": name}).fetchall()
    except exc.SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or error).strip().splitlines()
        return "the database has no users: " + (said or [type(error).__name__])[0]
    if not rows:
        return "the user that it was to make is not in the database"
    return "" if rows[0][0] else "the user that it made is not active"


if __name__ == "__main__":
    main()
