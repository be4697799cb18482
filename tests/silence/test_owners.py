"""A project, or a part of it, that another user owns ends in one line that names file and user."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

import other_user
from latentgrid.files.layout import Layout
from other_user import call_as_other, needs_other_user
from project import TINY, copy_project, write_params

pytestmark = needs_other_user

LAYOUT = Layout("digits")
CHECK = (
    "from latentgrid.files.layout import Layout; from latentgrid.pipeline import start; "
    "start.require_own_records(); start.require_own_results(Layout('digits'))"
)


@pytest.fixture
def project():
    """A folder of the other user's with results, data and records, which all may enter."""
    folder = Path(tempfile.mkdtemp())  # pytest's own folders are closed to others
    for path in (
        folder / LAYOUT.run("vae/latent_dim=2/seed=0").outcome,
        folder / LAYOUT.logs / "train" / "vae.log",
        folder / LAYOUT.description,
        folder / ".snakemake" / "metadata" / "record",
    ):
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, other_user.NUMBER)
    yield folder
    shutil.rmtree(folder)


def said_by_check(project):
    return call_as_other([sys.executable, "-c", CHECK], project, {})


def test_a_project_of_one_s_own_is_fine(project):
    done = said_by_check(project)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "path",
    [
        ".snakemake",
        ".snakemake/metadata",
        "data/digits",
        "data/digits/description.json",
        "results/digits",
        "results/digits/logs/train/vae.log",
        "results/digits/runs/vae/latent_dim=2/seed=0",
        "results/digits/runs/vae/latent_dim=2/seed=0/outcome.json",
    ],
)
def test_what_root_left_there_is_named_with_its_owner(project, path):
    os.chown(project / path, 0, 0)
    done = said_by_check(project)
    assert done.returncode == 1
    assert done.stderr == (
        f"error: {path} belongs to the user root, and you have no permission to write there; "
        "chown it to yourself, or work in a copy of the project that is yours\n"
    )


def test_a_file_of_one_s_own_may_be_read_only_but_not_a_folder(project):
    (project / LAYOUT.description).chmod(0o444)
    assert said_by_check(project).returncode == 0
    (project / LAYOUT.data).chmod(0o555)
    assert said_by_check(project).stderr == (
        "error: data/digits gives you no permission to write there; "
        "chmod u+rwx it, then run again\n"
    )


@pytest.mark.slow
def test_a_call_in_a_project_of_another_user_s_is_one_line():
    project, home = (Path(tempfile.mkdtemp()) for _ in range(2))
    project.chmod(0o755)
    shutil.chown(home, other_user.NUMBER)
    try:
        write_params(copy_project(project), TINY)
        variables = {"HOME": str(home), "PYTHONPATH": str(project / "src")}
        done = call_as_other(["snakemake", "--cores", "1"], project, variables)
    finally:
        shutil.rmtree(project)
        shutil.rmtree(home)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(
        f"error: {project} belongs to the user root, and you have no permission to write there; "
    )
