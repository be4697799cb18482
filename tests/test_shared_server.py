"""An MLflow server of a team, as in docs/server.md: PostgreSQL, passwords and files by proxy."""

import contextlib
import os
import pwd
import secrets
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
import requests

from project import copy_built, environment

BIN = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.cluster,
    pytest.mark.skipif("LATENTGRID_CLUSTER" not in os.environ, reason="make test-cluster runs it"),
]

DATABASE, SERVER = 15432, 15000
PATIENCE = 1200  # seconds; what is stuck, not a slow machine
ADDRESS = f"http://127.0.0.1:{SERVER}"
# As in docs/server.md
AUTH = """\
[mlflow]
default_permission = MANAGE
database_uri = {database}/people
admin_username = admin
admin_password = {password}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
"""


@pytest.fixture(scope="module")
def database():
    """Start PostgreSQL, which refuses to be root; its databases' address, and its folder."""
    with tempfile.TemporaryDirectory() as name:
        folder, person = Path(name), []
        if os.getuid() == 0:
            os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
            person = ["runuser", "-u", "postgres", "--"]
        control = [*person, str(BIN / "pg_ctl"), "-D", str(folder / "data"), "-w"]
        options = f"-p {DATABASE} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
        for command in (
            ["initdb", "-s", "-o", "-U postgres -A trust -E UTF8 --no-sync"],
            ["start", "-s", "-o", options, "-l", str(folder / "log")],
        ):
            subprocess.run([*control, *command], check=True, cwd=folder)
        try:
            psql(folder, "postgres", "CREATE ROLE team LOGIN PASSWORD 'word'")
            psql(folder, "postgres", "CREATE DATABASE runs OWNER team")
            psql(folder, "postgres", "CREATE DATABASE people OWNER team")
            yield f"postgresql+psycopg2://team:word@127.0.0.1:{DATABASE}", folder
        finally:
            subprocess.run([*control, "stop", "-s", "-m", "immediate"], check=True, cwd=folder)


def psql(folder, database, command):
    """Return what PostgreSQL answers."""
    asked = ["psql", "-h", "127.0.0.1", "-p", str(DATABASE), "-U", "postgres", "-Atqc", command]
    return subprocess.run(
        [*asked, database], check=True, capture_output=True, text=True, cwd=folder
    ).stdout


@contextlib.contextmanager
def serving(folder, database, password):
    (folder / "auth.ini").write_text(AUTH.format(database=database, password=password))
    command = ["mlflow", "server", "--app-name", "basic-auth", "--workers", "1"]
    command += ["--host", "127.0.0.1", "--port", str(SERVER)]
    command += ["--backend-store-uri", f"{database}/runs"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    variables = os.environ | {
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, env=variables, stdout=log, stderr=log)
    try:
        give_up = time.monotonic() + PATIENCE
        while not _answers():
            assert server.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < give_up
            time.sleep(0.5)
        yield
    finally:
        server.terminate()
        server.wait(PATIENCE)


def _answers():
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"{ADDRESS}/health", timeout=10).ok
    return False


def test_parallel_calls_bring_every_run_once_to_a_server_that_restarts(
    built, database, tmp_path, monkeypatch
):
    address, databases = database
    password = secrets.token_hex()
    project, folder = copy_built(built, tmp_path / "project"), tmp_path / "server"
    folder.mkdir()
    variables = {
        "MLFLOW_TRACKING_URI": ADDRESS,
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(PATIENCE),
        "NO_PROXY": "127.0.0.1",
    }
    known = variables | {
        "MLFLOW_TRACKING_USERNAME": "admin",
        "MLFLOW_TRACKING_PASSWORD": password,
    }
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    with serving(folder, address, password):
        unknown = track(project, known | {"MLFLOW_TRACKING_PASSWORD": "another"})
        assert unknown.returncode == 1
        assert len(unknown.stderr.strip().splitlines()) == 1
        assert "once MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD are" in unknown.stderr
        assert "another" not in unknown.stderr
        calls = [
            subprocess.Popen(["latentgrid", "track"], cwd=project, env=environment(project) | known)
            for _ in range(2)
        ]
        assert [one.wait(PATIENCE) for one in calls] == [0, 0]
    gone = track(project, known)
    assert "catches up when it answers again" in gone.stderr
    with serving(folder, address, password):
        assert track(project, known).returncode == 0
    states = psql(databases, "runs", "SELECT status FROM runs ORDER BY status").split()
    assert states == ["FAILED", "FINISHED", "FINISHED", "FINISHED"]
    twice = "SELECT count(*) - count(DISTINCT (run_uuid, key, step, timestamp)) FROM metrics"
    assert psql(databases, "runs", twice).strip() == "0"
    assert list((folder / "artifacts").rglob("overview.png"))


def track(project, given):
    """Call `latentgrid track` with variables."""
    return subprocess.run(
        ["latentgrid", "track"],
        cwd=project,
        env=environment(project) | given,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
