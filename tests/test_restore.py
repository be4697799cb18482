"""`latentgrid restore` on a second machine: it fetches, or says why the remote gives nothing."""

import re
import shutil
import subprocess
import sys

import pytest

from latentgrid.commands.restore import restore
from latentgrid.errors import UserError
from latentgrid.files.layout import Layout
from project import contents

TABLES = Layout("digits").tables
STAGE = f"stages: {{grid: {{cmd: 'true', outs: [{TABLES}]}}}}\n"
NOWHERE = "ssh://me:secret@127.0.0.1:9/srv"  # nobody listens on the port "discard"


def dvc(folder, *arguments):
    command = [sys.executable, "-m", "dvc", *arguments]
    subprocess.run(command, cwd=folder, capture_output=True, check=True)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A folder with recorded tables, all of which its remote has."""
    folder = tmp_path_factory.mktemp("first")
    dvc(folder, "init", "--no-scm")
    dvc(folder, "remote", "add", "--default", "shared", str(folder / "remote"))
    (folder / TABLES).mkdir(parents=True)
    (folder / TABLES / "runs.csv").write_text("run,loss\na,1\n")
    (folder / TABLES / "best.csv").write_text("run\na\n")
    (folder / "dvc.yaml").write_text(STAGE)
    dvc(folder, "commit", "--force")
    dvc(folder, "push")
    return folder


@pytest.fixture
def clone(recorded, tmp_path, monkeypatch):
    """What git brings to the second machine; we stand in it."""
    (tmp_path / ".dvc").mkdir()
    for name in (".dvc/config", "dvc.yaml", "dvc.lock"):
        shutil.copy(recorded / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def set_address(clone, address):
    config = clone / ".dvc/config"
    config.write_text(re.sub(" url = .*", f" url = {address}", config.read_text()))


def refusal():
    with pytest.raises(UserError) as refused:
        restore()
    assert not TABLES.exists()
    return str(refused.value)


def test_what_the_cache_lacks_is_fetched_once(clone, recorded, capsys):
    restore()
    assert contents(TABLES) == contents(recorded / TABLES) != {}
    assert "fetching from the remote shared" in capsys.readouterr().err
    (TABLES / "runs.csv").unlink()
    restore()
    assert contents(TABLES) == contents(recorded / TABLES)
    assert capsys.readouterr().err == ""


def test_outside_a_project_it_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "dvc.yaml: no such file; run this in the project's folder" in refusal()


def test_a_clone_without_a_remote_says_how_to_set_one(clone):
    (clone / ".dvc/config").write_text("[core]\nanalytics = false\n")
    assert "and no remote is set (dvc remote add --default" in refusal()


def test_a_remote_that_lacks_the_commit_is_told_from_one_that_cannot_be_reached(clone):
    set_address(clone, clone / "empty")
    said = refusal()
    assert "the remote shared lacks it too; whoever recorded it calls dvc push" in said
    assert f"{TABLES}: " in said
    set_address(clone, NOWHERE)
    said = refusal()
    assert "the remote shared failed (failed to connect to ssh" in said
    assert "secret" not in said
