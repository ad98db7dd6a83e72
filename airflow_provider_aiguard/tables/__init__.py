"""Where rows live: read them in chunks, write claims with their companions. SQLAlchemy Core, no Airflow."""
