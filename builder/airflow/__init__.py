"""What differs between Airflow versions, as data."""
