"""The programs that compose files run beside Airflow."""
