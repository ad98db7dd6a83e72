"""The report: what the store remembers as one HTML page that opens offline. No Airflow here."""
