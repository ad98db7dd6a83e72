"""Send the lineage backend every hour what it lacks. Ready to be used as it is."""

# [START lineage_replay]
from datetime import datetime, timedelta

from airflow.sdk import dag, task


@dag(schedule="@hourly", start_date=datetime(2026, 1, 1), catchup=False, max_active_runs=1, tags=["aiguard"])  # noqa: DTZ001
def example_lineage_replay():
    @task(retries=2, retry_delay=timedelta(minutes=1))
    def replay():
        from airflow_provider_aiguard.hooks.lineage import replay_lineage

        return replay_lineage()

    replay()


example_lineage_replay()
# [END lineage_replay]
