"""What AI Guard adds to the Airflow UI."""
