"""docker-compose.yaml, as far as it can be checked where no container can be started."""

from __future__ import annotations

import ast
import http.server
import importlib.util
import json
import os
import re
import shlex
import stat
import subprocess
import sys
import threading
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pandas as pd
import pytest
import sqlalchemy as sa
import yaml

from airflow_provider_aiguard.cli.main import main as aiguard
from airflow_provider_aiguard.demo import prepare as prepare_module
from airflow_provider_aiguard.demo.flights import read_flights
from airflow_provider_aiguard.get_provider_info import get_provider_info
from airflow_provider_aiguard.lineage.marquez_tags import DESCRIPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
AIRFLOW = ["airflow-init", "api-server", "scheduler", "dag-processor", "triggerer"]
OTHERS = ["postgres", "marquez-db", "marquez-api", "marquez-web"]

# Asks Airflow itself, under the environment of the compose file, what it makes of it.
ASK_AIRFLOW = """
import json, sys
from airflow.configuration import conf
from airflow.providers.openlineage.plugins.adapter import OpenLineageAdapter
from airflow.providers_manager import ProvidersManager
from airflow.sdk import BaseHook
from airflow_provider_aiguard.hooks.aiguard import AIGuardHook

transport = OpenLineageAdapter().get_or_create_openlineage_client().transport
print(json.dumps({
    "options": {name: sorted(section["options"]) for name, section in conf.configuration_description.items()},
    "sensitive": sorted(conf.sensitive_config_values),
    "jwt_secret": conf.get("api_auth", "jwt_secret"),
    "conn_types": {conn_id: BaseHook.get_connection(conn_id).conn_type for conn_id in sys.argv[1:]},
    "known_types": sorted(ProvidersManager().hooks),
    "store": AIGuardHook().get_url(),
    "transport": {"kind": transport.kind, "backend": transport.config.backend_name, "store": transport.config.store,
                  "problems": transport.config.problems},
}))
"""


def interpolate(text: str, **given: str) -> str:
    """Do what Compose does to ``${NAME:-default}`` and ``$$``; refuse any other dollar."""

    def replace(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        assert match["name"], (
            f"{text[match.start() : match.start() + 30]!r} has no default: Compose would put nothing there"
        )
        return given.get(match["name"], match["default"])

    return re.sub(r"\$\$|\$(?:\{(?P<name>\w+):-(?P<default>[^}]*)\})?", replace, text)


def load(**given: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(
        interpolate((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"), **given)
    )
    return loaded


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return load()


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = compose["services"]
    return found


@pytest.fixture(scope="module")
def environment(services: dict[str, Any]) -> dict[str, str]:
    """The environment of the Airflow containers, which all share it."""
    found: dict[str, str] = services["scheduler"]["environment"]
    return found


@pytest.fixture(scope="module")
def marquez(compose: dict[str, Any]) -> dict[str, Any]:
    """The configuration that Marquez is given."""
    found: dict[str, Any] = yaml.safe_load(compose["configs"]["marquez"]["content"])
    return found


def ports(marquez: dict[str, Any], kind: str) -> list[int]:
    return [connector["port"] for connector in marquez["server"][f"{kind}Connectors"]]


@pytest.fixture(scope="module")
def dockerfile(services: dict[str, Any]) -> list[list[str]]:
    content = services["airflow-init"]["build"]["dockerfile_inline"]
    return [shlex.split(line) for line in content.splitlines() if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


@pytest.fixture(scope="module")
def airflow(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Airflow says under this environment."""
    home = tmp_path_factory.mktemp("airflow")
    (home / "secrets").mkdir()
    for name in ("jwt_secret", "secret_key", "fernet_key"):
        (home / "secrets" / name).write_text(f"the {name}")
    ours = {name: value.replace("/opt/airflow", str(home)) for name, value in environment.items()}
    ours |= {"AIRFLOW_HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", ASK_AIRFLOW, *connections(environment)]
    done = subprocess.run(command, env=ours, capture_output=True, text=True, check=False, cwd=home)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def connections(environment: dict[str, str]) -> dict[str, str]:
    prefix = "AIRFLOW_CONN_"
    return {n.removeprefix(prefix).lower(): v for n, v in environment.items() if n.startswith(prefix)}


def test_the_file_follows_the_compose_specification(compose: dict[str, Any]) -> None:
    from compose_spec import PyCompose

    parsed = PyCompose.from_yaml(yaml.safe_dump(compose))
    assert sorted(parsed.service_names()) == sorted(AIRFLOW + OTHERS)


def test_the_check_of_the_specification_can_fail() -> None:
    from compose_spec import PyCompose

    wrong = load()
    wrong["services"]["scheduler"]["comand"] = ["scheduler"]
    with pytest.raises(ValueError, match="comand"):
        PyCompose.from_yaml(yaml.safe_dump(wrong))


def test_an_own_value_replaces_every_default() -> None:
    own = load(AIGUARD_POSTGRES_PASSWORD="own1", AIGUARD_AIRFLOW_PORT="8081")
    text = json.dumps(own)
    assert "localonly" not in text
    assert own["services"]["scheduler"]["environment"]["AIRFLOW_CONN_WAREHOUSE"].startswith(
        "postgresql://warehouse:own1@"
    )
    assert own["services"]["api-server"]["ports"] == ["127.0.0.1:8081:8080"]
    assert own["services"]["scheduler"]["environment"]["AIRFLOW__API__BASE_URL"] == "http://localhost:8081"


@pytest.mark.parametrize("name", OTHERS)
def test_foreign_images_have_a_version(services: dict[str, Any], name: str) -> None:
    assert re.fullmatch(r"[\w/-]+:\d+(\.\d+)*", services[name]["image"])


def test_our_image_is_built_by_init_and_pulled_by_nobody(services: dict[str, Any]) -> None:
    built = [name for name, service in services.items() if "build" in service]
    assert built == ["airflow-init"]
    assert len({services[name]["image"] for name in AIRFLOW}) == 1
    assert {services[name]["pull_policy"] for name in AIRFLOW if name not in built} == {"never"}


def test_the_image_starts_from_the_tested_airflow(dockerfile: list[list[str]], project: dict[str, Any]) -> None:
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    tested = re.search(r"^apache-airflow==(.+)$", constraints, re.MULTILINE)
    base = re.fullmatch(r"apache/airflow:slim-([\d.]+)-python([\d.]+)", dockerfile[0][1])
    assert dockerfile[0][0] == "FROM"
    assert tested is not None
    assert base is not None
    assert base[1] == tested[1]
    assert f"Programming Language :: Python :: {base[2]}" in project["classifiers"]


def test_the_image_copies_what_is_there_and_all_that_the_build_needs(
    dockerfile: list[list[str]], project: dict[str, Any]
) -> None:
    copied: list[str] = []
    for line in dockerfile:
        if line[0] == "COPY":
            *sources, target = [word for word in line[1:] if not word.startswith("--")]
            assert target.startswith("/opt/aiguard/")
            copied += sources
    assert [name for name in copied if not (ROOT / name).exists()] == []
    needed = {
        "pyproject.toml",
        "constraints.txt",
        "airflow_provider_aiguard",
        project["readme"],
        *project["license-files"],
    }
    assert needed <= set(copied)


def test_the_image_installs_extras_that_exist_at_the_tested_versions(
    dockerfile: list[list[str]], project: dict[str, Any]
) -> None:
    (install,) = [line for line in dockerfile if line[:3] == ["RUN", "pip", "install"]]
    extras = re.fullmatch(r"/opt/aiguard\[(.+)\]", install[-1])
    assert extras is not None
    assert set(extras[1].split(",")) == {"postgres", "demo"} <= set(project["optional-dependencies"])
    assert install[install.index("--constraint") + 1] == "/opt/aiguard/constraints.txt"


def test_mounts_name_folders_volumes_and_configs_that_exist(compose: dict[str, Any]) -> None:
    used, mounted = set(), set()
    for service in compose["services"].values():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            if source.startswith("."):
                assert (ROOT / source).is_dir(), source
            else:
                used.add(source)
        mounted |= {config["source"] for config in service.get("configs", [])}
    assert used == set(compose["volumes"])
    assert mounted == set(compose["configs"])


def test_folders_of_named_volumes_are_made_in_the_image(services: dict[str, Any], dockerfile: list[list[str]]) -> None:
    made = next(line for line in dockerfile if line[:2] == ["RUN", "mkdir"])
    mounted = [mount.split(":")[1] for mount in services["scheduler"]["volumes"] if not mount.startswith(".")]
    assert [folder for folder in mounted if folder not in made] == []


@pytest.mark.parametrize("name", AIRFLOW + OTHERS)
def test_dependencies_can_be_met(services: dict[str, Any], name: str) -> None:
    for other, how in services[name].get("depends_on", {}).items():
        if how["condition"] == "service_healthy":
            assert "healthcheck" in services[other], f"{other} is never healthy"
        else:
            assert how["condition"] == "service_completed_successfully"
            assert services[other]["restart"] == "no", f"{other} never completes"


def test_dependencies_have_no_circle(services: dict[str, Any]) -> None:
    def walk(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, path
        for other in services[name].get("depends_on", {}):
            walk(other, (*path, name))

    for name in services:
        walk(name, ())


def test_airflow_does_not_wait_for_marquez(services: dict[str, Any]) -> None:
    waited_for = {other for name in AIRFLOW for other in services[name]["depends_on"]}
    assert waited_for == {"postgres", "airflow-init"}


@pytest.mark.parametrize("name", [name for name in AIRFLOW + OTHERS if name != "airflow-init"])
def test_services_that_run_on_have_a_health_check(services: dict[str, Any], name: str) -> None:
    assert services[name]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert services[name]["restart"] == "unless-stopped"


def test_ports_are_bound_to_this_machine_only(services: dict[str, Any]) -> None:
    ports = [port.split(":") for service in services.values() for port in service.get("ports", [])]
    assert {address for address, _, _ in ports} == {"127.0.0.1"}
    assert sorted(host for _, host, _ in ports) == ["3000", "5000", "8080"]
    assert not any("network_mode" in service for service in services.values())


def test_every_airflow_option_exists(environment: dict[str, str], airflow: dict[str, Any]) -> None:
    options = airflow["options"] | {name: list(s["options"]) for name, s in get_provider_info()["config"].items()}
    for name in environment:
        if not name.startswith("AIRFLOW__"):
            continue
        _, section, option = name.lower().split("__")
        if option.endswith("_cmd"):
            option = option.removesuffix("_cmd")
            assert [section, option] in airflow["sensitive"], f"Airflow reads no command for {name}"
        assert option in options[section], name


def test_other_variables_are_read_by_someone(environment: dict[str, str]) -> None:
    from airflow_provider_aiguard.demo.model import FOLDER_VARIABLE

    others = {name for name in environment if not name.startswith(("AIRFLOW__", "AIRFLOW_CONN_"))}
    assert others == {FOLDER_VARIABLE, "OMP_NUM_THREADS"}


def test_airflow_reads_the_secrets_from_files(environment: dict[str, str], airflow: dict[str, Any]) -> None:
    assert airflow["jwt_secret"].strip() == "the jwt_secret"
    secret = [name for name in environment if name.endswith(("SECRET", "KEY"))]
    assert secret == [], "a secret is written down"


def test_connection_types_are_known(airflow: dict[str, Any]) -> None:
    assert airflow["conn_types"] == {"aiguard_default": "postgres", "warehouse": "postgres"}
    assert "postgres" in airflow["known_types"]
    store = sa.make_url(airflow["store"])
    assert (store.host, store.port, store.database, store.username) == ("postgres", 5432, "aiguard", "aiguard")


def test_every_connection_of_the_example_dags_is_there(environment: dict[str, str]) -> None:
    used: set[str] = set()
    for path in (ROOT / "dags").glob("*.py"):
        used |= conn_ids(ast.parse(path.read_text(encoding="utf-8")))
    assert "warehouse" in used
    assert used <= set(connections(environment))


def conn_ids(tree: ast.AST) -> set[str]:
    found = set()
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        values = [keyword.value for keyword in call.keywords if (keyword.arg or "").endswith("conn_id")]
        if isinstance(call.func, ast.Name) and call.func.id == "Table":
            values += call.args[1:2]
        found |= {value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)}
    return found


def test_events_are_kept_in_the_store_and_go_to_marquez(
    services: dict[str, Any], marquez: dict[str, Any], airflow: dict[str, Any]
) -> None:
    transport = airflow["transport"]
    address = urlsplit(transport["backend"])
    assert transport["kind"] == "aiguard"
    assert transport["problems"] == []
    assert address.hostname == "marquez-api"
    assert address.path == "/api/v1/lineage"
    assert [address.port] == ports(marquez, "application")
    kept, store = sa.make_url(transport["store"]), sa.make_url(airflow["store"])
    assert (kept.username, kept.password, kept.host, kept.port, kept.database) == (
        store.username, store.password, store.host, store.port, store.database,
    )  # fmt: skip


def test_addresses_inside_name_services(services: dict[str, Any], environment: dict[str, str]) -> None:
    hosts = {urlsplit(value).hostname for value in environment.values() if "://" in value and not value.startswith("{")}
    assert hosts - {"localhost"} == {"postgres", "api-server"} <= set(services)
    execution = urlsplit(environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"])
    assert services["api-server"]["ports"][0].endswith(f":{execution.port}")
    assert execution.path == "/execution/"
    assert services["marquez-web"]["environment"]["MARQUEZ_HOST"] in services


def test_marquez_is_given_a_configuration_that_it_can_use(services: dict[str, Any], marquez: dict[str, Any]) -> None:
    api, made = services["marquez-api"], services["marquez-db"]["environment"]
    (config,) = api["configs"]
    assert api["environment"] == {"MARQUEZ_CONFIG": config["target"]}
    assert config["source"] == "marquez"
    assert ports(marquez, "application") == [int(services["marquez-web"]["environment"]["MARQUEZ_PORT"])]
    assert [int(port.rpartition(":")[2]) for port in api["ports"]] == ports(marquez, "application")
    address = urlsplit(marquez["db"]["url"].removeprefix("jdbc:"))
    assert address.hostname == "marquez-db"
    assert (marquez["db"]["user"], marquez["db"]["password"], address.path) == (
        made["POSTGRES_USER"], made["POSTGRES_PASSWORD"], f"/{made['POSTGRES_DB']}",
    )  # fmt: skip
    assert marquez["search"] == {"enabled": False}, "every event would wait for OpenSearch"


def test_marquez_knows_what_our_tags_mean(marquez: dict[str, Any]) -> None:
    assert {tag["name"]: tag["description"] for tag in marquez["tags"]} == DESCRIPTIONS


def test_addresses_for_the_browser_are_published(services: dict[str, Any], environment: dict[str, str]) -> None:
    for name, service in (("AIRFLOW__API__BASE_URL", "api-server"), ("AIRFLOW__AIGUARD__MARQUEZ_URL", "marquez-web")):
        address = urlsplit(environment[name])
        assert address.hostname == "localhost"
        assert services[service]["ports"][0].startswith(f"127.0.0.1:{address.port}:")


def test_airflow_database_is_the_one_the_server_makes(services: dict[str, Any], environment: dict[str, str]) -> None:
    url, made = sa.make_url(environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]), services["postgres"]["environment"]
    assert (url.username, url.password, url.database) == (
        made["POSTGRES_USER"], made["POSTGRES_PASSWORD"], made["POSTGRES_DB"],
    )  # fmt: skip
    assert url.get_driver_name() == "psycopg2"


# What airflow-init does


@pytest.fixture
def script(services: dict[str, Any], tmp_path: Path) -> list[str]:
    """The command of airflow-init with its folders below ``tmp_path``."""
    (tmp_path / "secrets").mkdir()
    service = services["airflow-init"]
    command = [*service["entrypoint"], *service["command"]]
    return [word.replace("/opt/airflow", str(tmp_path)) for word in command]


@pytest.fixture
def stubs(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """An environment in which the commands only note that they were called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    note = f'echo "$(basename "$0") $*" >> {tmp_path}/calls'
    programs = {
        "airflow": f"{note}; exit ${{FAIL:-0}}",
        "aiguard": note,
        "python": f'if [ "$1" = -m ]; then {note}; else exec {sys.executable} "$@"; fi',
    }
    for name, body in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    return {**environment, "PATH": f"{folder}:{os.environ['PATH']}"}


def test_init_makes_secrets_once(script: list[str], stubs: dict[str, str], tmp_path: Path) -> None:
    from cryptography.fernet import Fernet

    first = subprocess.run(script, env=stubs, capture_output=True, text=True, check=True)
    made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert sorted(made) == ["fernet_key", "jwt_secret", "passwords.json", "secret_key"]
    assert len(set(made.values())) == 4
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in (tmp_path / "secrets").iterdir())
    Fernet(made["fernet_key"])
    assert len(made["jwt_secret"]) >= 43
    subprocess.run(script, env=stubs, capture_output=True, check=True)
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == made
    assert made["passwords.json"].strip() in first.stdout.splitlines()[-1]


def test_init_makes_the_user_that_airflow_knows(script: list[str], stubs: dict[str, str], tmp_path: Path) -> None:
    subprocess.run(script, env=stubs, capture_output=True, check=True)
    passwords = json.loads((tmp_path / "secrets" / "passwords.json").read_text())
    user, role = stubs["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"].split(":")
    assert list(passwords) == [user]
    assert role == "admin"
    file = stubs["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"].replace("/opt/airflow", str(tmp_path))
    assert Path(file) == tmp_path / "secrets" / "passwords.json"


def test_init_runs_commands_that_exist_in_order(
    script: list[str], stubs: dict[str, str], project: dict[str, Any], tmp_path: Path
) -> None:
    subprocess.run(script, env=stubs, capture_output=True, check=True)
    module = "airflow_provider_aiguard.demo.prepare"
    assert (tmp_path / "calls").read_text().splitlines() == [
        "airflow db migrate",
        "aiguard store upgrade",
        f"python -m {module} --url {stubs['AIRFLOW_CONN_WAREHOUSE']} --folder {stubs['AIGUARD_DEMO_FOLDER']}",
    ]
    assert importlib.util.find_spec(module) is not None
    assert "aiguard" in project["scripts"]


def test_init_fails_if_a_step_fails(script: list[str], stubs: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(script, env={**stubs, "FAIL": "7"}, capture_output=True, check=False)
    assert done.returncode == 7
    assert (tmp_path / "calls").read_text() == "airflow db migrate\n"


@pytest.fixture
def databases(compose: dict[str, Any], environment: dict[str, str], postgres_url: str) -> Iterator[dict[str, str]]:
    """URLs by conn_id, after a real server ran the SQL that the compose file gives it."""
    statements = compose["configs"]["databases"]["content"].splitlines()
    admin = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    names = [str(sa.make_url(url).database) for url in connections(environment).values()]
    with admin.connect() as conn:
        for statement in statements:
            conn.exec_driver_sql(statement)
    yield {conn_id: moved(url, postgres_url) for conn_id, url in connections(environment).items()}
    with admin.connect() as conn:
        for name in names:
            conn.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
            conn.exec_driver_sql(f"DROP USER {name}")
    admin.dispose()


def moved(url: str, server: str) -> str:
    """The same user, password and database on another server."""
    there = sa.make_url(server)
    return (
        sa.make_url(url).set(host=there.host, port=there.port, query=there.query).render_as_string(hide_password=False)
    )


@pytest.fixture(scope="module")
def flights() -> pd.DataFrame:
    return read_flights()


def test_init_prepares_real_databases(
    databases: dict[str, str], environment: dict[str, str], flights: pd.DataFrame, tmp_path: Path
) -> None:
    def prepare() -> str:
        command = [
            sys.executable,
            "-m",
            prepare_module.__name__,
            "--url",
            databases["warehouse"],
            "--folder",
            str(tmp_path),
        ]
        threads = {"OMP_NUM_THREADS": environment["OMP_NUM_THREADS"], "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, env={**os.environ, **threads}, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert aiguard(["store", "upgrade", "--store", databases["aiguard_default"]]) == 0
    assert prepare() == "Warehouse loaded, model trained."
    assert prepare() == "Warehouse kept, model kept."
    engine = sa.create_engine(databases["warehouse"])
    arrivals = pd.read_sql_query("SELECT late FROM arrivals ORDER BY flight_id", engine)
    loaded = pd.read_sql_query("SELECT * FROM flights ORDER BY flight_id", engine)
    engine.dispose()
    assert len(loaded) == len(arrivals) == 336_776
    assert arrivals["late"].astype("boolean").equals(flights["late"])
    assert loaded.astype(str).equals(flights[list(loaded.columns)].astype(str))


@pytest.mark.parametrize("kind", ["sqlite_engine", "postgres_engine", "psycopg3_engine"])
def test_prepare_mends_what_is_not_whole(
    kind: str, flights: pd.DataFrame, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine: sa.Engine = request.getfixturevalue(kind)
    few = flights.iloc[[0, 1, 2, 500, 1000, 300_000]]
    trained: list[Path] = []
    monkeypatch.setattr(prepare_module, "read_flights", lambda: few)
    monkeypatch.setattr(prepare_module, "train", lambda _flights, folder: trained.append(folder))
    assert prepare_module.prepare(engine, tmp_path) == (True, True)
    assert trained == [tmp_path]
    (tmp_path / "late.pkl").write_bytes(b"a model")
    (tmp_path / "late.sha256").write_text("of another model")
    with engine.begin() as conn:
        conn.exec_driver_sql("DELETE FROM arrivals WHERE flight_id = 2")
    assert prepare_module.prepare(engine, tmp_path) == (True, True)
    assert trained == [tmp_path, tmp_path]
    assert prepare_module.prepare(engine, tmp_path)[0] is False
    with engine.connect() as conn:
        late = conn.exec_driver_sql("SELECT late FROM arrivals ORDER BY flight_id").scalars().all()
    assert [None if value is None else bool(value) for value in late] == [
        v if v is not pd.NA else None for v in few["late"]
    ]


# Health


@pytest.mark.parametrize(("answer", "healthy"), [(200, True), (500, False), (None, False)])
def test_the_health_check_of_marquez_believes_the_status(
    services: dict[str, Any], marquez: dict[str, Any], answer: int | None, healthy: bool
) -> None:
    class Marquez(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answer if self.path == "/healthcheck" and answer else 404)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Marquez) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        word, *command = services["marquez-api"]["healthcheck"]["test"]
        (port,) = ports(marquez, "admin")
        here = [part.replace(f"/{port} ", f"/{server.server_port} ") for part in command]
        done = subprocess.run(here, check=False, capture_output=True, timeout=30)
        server.shutdown()
    assert word == "CMD"
    assert here != command
    assert (done.returncode == 0) is healthy
