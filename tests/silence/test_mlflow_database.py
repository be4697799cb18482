"""A database of MLflow's that is none ends in one line at once, and costs no result."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from latentgrid.files.layout import Layout
from latentgrid.tracking.server import DatabaseUnusable
from latentgrid.tracking.sync import sync
from other_user import call_as_other, needs_other_user
from project import call, copy_built, empty_database
from tracked import DATASET, enter, planned, shown, write_run

DATABASE = Path("mlflow.db")
AGAIN = "move it away, and `latentgrid track` makes it again from the results"


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """The files of a run in a project whose database is empty."""
    enter(tmp_path / "project", monkeypatch)
    layout = planned()
    write_run(layout)
    return layout


def a_folder() -> None:
    DATABASE.unlink()
    DATABASE.mkdir()


def no_database() -> None:
    DATABASE.write_bytes(b"no database" * 1000)


def cut_short() -> None:
    os.truncate(DATABASE, DATABASE.stat().st_size // 2)


def of_something_else() -> None:
    DATABASE.unlink()
    with sqlite3.connect(DATABASE) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")


def of_another_mlflow() -> None:
    with sqlite3.connect(DATABASE) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'cafe'")


@pytest.mark.parametrize(
    ("spoil", "reason", "todo"),
    [
        (a_folder, " is a folder, where MLflow keeps a file", AGAIN),
        (no_database, " is damaged (file is not a database)", AGAIN),
        (cut_short, " is damaged (database disk image is malformed)", AGAIN),
        (of_something_else, " is a database, but none of MLflow's", AGAIN),
        (of_another_mlflow, " is of another version of MLflow (schema cafe)", "`mlflow db upgrade"),
    ],
)
def test_it_is_named_at_once_with_what_to_do_and_left_as_it_is(
    layout: Layout,
    spoil: Callable[[], None],
    reason: str,
    todo: str,
) -> None:
    spoil()
    before = None if DATABASE.is_dir() else DATABASE.read_bytes()
    started = time.monotonic()
    with pytest.raises(DatabaseUnusable) as caught:
        sync(layout)
    assert time.monotonic() - started < 5
    said = str(caught.value)
    assert said.startswith(f"{DATABASE.absolute()}{reason}; ")
    assert todo in said
    assert "\n" not in said
    assert before == (None if DATABASE.is_dir() else DATABASE.read_bytes())
    DATABASE.rename("away")
    shutil.copy(empty_database(), DATABASE)
    sync(layout)
    assert [run.info.status for run in shown()] == ["FINISHED"]


def test_damage_in_the_midst_is_found_when_it_is_met(layout: Layout) -> None:
    sync(layout)
    content = bytearray(DATABASE.read_bytes())
    page = 4096
    for place in range(page, len(content) - page, page):
        content[place : place + 100] = b"\xff" * 100
    DATABASE.write_bytes(content)
    with pytest.raises(DatabaseUnusable, match=r"mlflow\.db is damaged") as caught:
        sync(layout)
    assert AGAIN in str(caught.value)


def test_an_older_database_is_not_changed_unasked(layout: Layout) -> None:
    """MLflow itself would bring it up to date without a word, and lock its older version out."""
    with sqlite3.connect(DATABASE) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'b7e2c1a4d9f3'")
        connection.execute("DROP TABLE logged_models")
    before = DATABASE.read_bytes()
    with pytest.raises(DatabaseUnusable, match="of another version of MLflow"):
        sync(layout)
    assert DATABASE.read_bytes() == before


def test_a_question_mark_in_the_path_writes_nothing_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(tmp_path / "what?x=1", monkeypatch)
    write_run(Layout(DATASET))
    with pytest.raises(DatabaseUnusable, match="cannot hold a question mark; rename the folder"):
        sync(Layout(DATASET))
    assert [path.name for path in tmp_path.iterdir()] == ["what?x=1"]


@pytest.mark.parametrize("command", ["track", "ui"])
def test_the_commands_end_in_that_line(layout: Layout, command: str) -> None:
    a_folder()
    done = subprocess.run(
        [sys.executable, "-m", "latentgrid", command, "--dataset", DATASET],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"error: {DATABASE.absolute()} is a folder, where MLflow keeps a file; {AGAIN}\n"
    )


@needs_other_user
def test_a_database_of_another_user_is_named_with_its_owner(layout: Layout) -> None:
    folder = Path(tempfile.mkdtemp())  # pytest's own folders are closed to others
    folder.chmod(0o755)
    shutil.copy(DATABASE, folder)
    shutil.copytree("results", folder / "results")
    command = [sys.executable, "-m", "latentgrid", "track", "--dataset", DATASET]
    try:
        done = call_as_other(command, folder, {})
    finally:
        shutil.rmtree(folder)
    assert done.returncode == 1
    assert done.stderr == (
        f"error: {folder} belongs to the user root and cannot be written, so that MLflow is not "
        "brought up to date; permit writing, or set MLFLOW_TRACKING_URI to another place\n"
    )


@pytest.mark.slow
def test_the_workflow_succeeds_all_the_same_and_says_so_at_its_end(
    built: Path, tmp_path: Path
) -> None:
    project = copy_built(built, tmp_path / "project")
    (project / "results" / "digits" / "report.html").unlink()
    (project / DATABASE).unlink()
    (project / DATABASE).mkdir()
    done = call(project, "snakemake", "--cores", "2")
    assert done.returncode == 0, done.stderr
    line = f"error: {project / DATABASE} is a folder, where MLflow keeps a file; {AGAIN}"
    assert line in done.stderr.splitlines()
    assert (project / "results" / "digits" / "report.html").exists()
