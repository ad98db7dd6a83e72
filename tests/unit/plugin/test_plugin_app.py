"""The report page in the real API server, with its real sign-in."""

from __future__ import annotations

import pytest
from airflow_home import keep

from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Verdict

DAGS = ("public_flights", "secret_salaries")


@pytest.fixture(scope="module")
def client(store):
    """A client of the API server, beside a store with verdicts of two DAGs."""
    from airflow.api_fastapi.app import create_app
    from airflow.sdk import DAG
    from fastapi.testclient import TestClient

    for dag_id in DAGS:
        keep(DAG(dag_id, schedule=None))
        for dag_run_id in ("monday", "tuesday"):
            identity = RunIdentity(run_id=dag_id + dag_run_id, dag_id=dag_id, dag_run_id=dag_run_id, task_id="check")
            check = CheckResult(
                check="confidence.mean", outcome=Outcome.BREACH, message=f"seen by {dag_id} {dag_run_id}"
            )
            store.verdicts.record(identity, Verdict(guard="confidence", subject=f"t_{dag_id}", checks=(check,)))
    with TestClient(create_app(apps="core")) as client:
        yield client


@pytest.fixture
def viewer(client):
    """Headers of a signed-in user who may look at everything."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="eve", role="viewer"))
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def outsider(viewer, monkeypatch):
    """The same user, who may not read the second DAG."""
    from airflow.api_fastapi.app import get_auth_manager

    manager = type(get_auth_manager())
    allowed = manager.is_authorized_dag

    def is_authorized_dag(self, *, details=None, **kwargs):
        return (details is None or details.id != DAGS[1]) and allowed(self, details=details, **kwargs)

    monkeypatch.setattr(manager, "is_authorized_dag", is_authorized_dag)
    return viewer


@pytest.mark.parametrize("path", ["/aiguard/report", "/aiguard/report?dag_id=public_flights"])
@pytest.mark.parametrize(("headers", "code"), [({}, 401), ({"Authorization": "Bearer made-up"}, 403)])
def test_a_stranger_sees_nothing(client, path, headers, code):
    answer = client.get(path, headers=headers, follow_redirects=False)
    assert answer.status_code == code
    assert "flights" not in answer.text


@pytest.mark.parametrize("path", ["docs", "redoc", "openapi.json"])
def test_nothing_is_told_about_the_application_without_signing_in(client, path):
    assert client.get(f"/aiguard/{path}").status_code == 404


def test_signing_in_is_asked_of_every_route_to_come():
    """The report asks for its user, too; a page that forgets to is closed all the same."""
    from airflow_provider_aiguard.plugin.app import app

    (asked,) = app.router.dependencies
    assert asked.dependency.__qualname__.startswith("requires_authenticated")


def test_a_user_sees_every_dag_he_may_read(client, viewer):
    answer = client.get("/aiguard/report", headers=viewer)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "AI Guard: all DAGs" in answer.text
    for dag_id in DAGS:
        assert f"seen by {dag_id} monday" in answer.text


def test_of_one_run_only_that_run_is_shown(client, viewer):
    answer = client.get("/aiguard/report", headers=viewer, params={"dag_id": DAGS[0], "dag_run_id": "monday"})
    assert "seen by public_flights monday" in answer.text
    assert "tuesday" not in answer.text
    assert DAGS[1] not in answer.text


def test_a_dag_that_may_not_be_read_is_refused(client, outsider):
    answer = client.get("/aiguard/report", headers=outsider, params={"dag_id": DAGS[1]})
    assert answer.status_code == 403
    assert "seen by" not in answer.text


@pytest.mark.parametrize("params", [{}, {"dag_run_id": "monday"}])
def test_without_a_dag_the_others_are_left_out(client, outsider, params):
    answer = client.get("/aiguard/report", headers=outsider, params=params)
    assert answer.status_code == 200
    assert "seen by public_flights monday" in answer.text
    assert "salaries" not in answer.text


def test_a_dag_that_does_not_exist_is_refused_alike(client, viewer):
    answer = client.get("/aiguard/report", headers=viewer, params={"dag_id": "nothing"})
    assert (answer.status_code, answer.json()) == (403, {"detail": "You may not read this DAG."})


def test_views_are_in_the_navigation_and_on_runs():
    from airflow_provider_aiguard.plugin.plugin import AIGuardPlugin

    by_destination = {view["destination"]: view for view in AIGuardPlugin.external_views}
    assert by_destination["nav"]["href"] == "aiguard/report"
    assert by_destination["dag_run"]["href"] == "aiguard/report?dag_id={DAG_ID}&dag_run_id={RUN_ID}"
    routes = [view["url_route"] for view in AIGuardPlugin.external_views]
    assert len(routes) == len(set(routes)) == 2


def test_loading_the_plugin_loads_no_web_framework():
    import subprocess
    import sys

    program = (
        "import sys; import airflow.plugins_manager; before = set(sys.modules);"
        "from airflow_provider_aiguard.plugin.plugin import AIGuardPlugin; AIGuardPlugin();"
        "new = {m.partition('.')[0] for m in set(sys.modules) - before};"
        "print(sorted(new & {'fastapi', 'plotly', 'pandas'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
