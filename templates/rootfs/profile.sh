# Read by login shells (`bash -l`), where /etc/profile has just replaced the image's PATH.
PATH=/home/airflow/.local/bin:${PATH}
