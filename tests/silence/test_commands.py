"""What the commands take and refuse."""

import fcntl
import os
import shutil
import subprocess
import sys
from importlib.metadata import version

import pytest

from latentgrid.commands.watch import meant
from latentgrid.errors import UserError
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from project import ROOT


def latentgrid(*arguments, cwd=ROOT, **variables):
    return subprocess.run(
        [sys.executable, "-m", "latentgrid", *arguments],
        env=os.environ | variables,
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize("command", ["watch", "track"])
def test_a_data_set_that_does_not_exist_is_refused(tmp_path, command):
    done = latentgrid(command, "--dataset", "mnits", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: --dataset: found 'mnits'; allowed: celeba, cifar10,")
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_version_is_told():
    done = latentgrid("--version")
    assert (done.returncode, done.stdout) == (0, f"{version('latentgrid')}\n")


@pytest.mark.parametrize(
    ("words", "completions"),
    [
        ("latentgrid wa", "watch"),
        ("latentgrid watch --dataset di", "digits"),
        ("latentgrid plan --conf", "--configfile"),
    ],
)
def test_a_shell_completes_commands_options_and_data_sets(words, completions):
    asked = {"_LATENTGRID_COMPLETE": "complete_bash", "COMP_WORDS": words}
    asked |= {"COMP_CWORD": str(len(words.split()) - 1)}
    script = "import sys; sys.argv = ['latentgrid']; from latentgrid.cli import app\n"
    script += "try: app(prog_name='latentgrid')\n"
    script += "finally: print(*{'torch', 'pandas', 'mlflow'} & set(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | asked,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.stdout.split() == [completions]
    assert done.stderr.strip() == ""


# Which data set is watched.


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def results_of(*names):
    for name in names:
        write_json(Layout(name).plan, [])


@pytest.fixture
def workflow(here):
    """Let a workflow of a data set run."""
    held = []

    def begin(name):
        results_of(name)
        held.append(Layout(name).lock.open("w"))
        fcntl.flock(held[-1], fcntl.LOCK_EX)

    yield begin
    for lock in held:
        lock.close()


def test_the_chosen_data_set_is_watched(here):
    results_of("digits", "mnist")
    assert meant(lambda: "mnist") == Layout("mnist")


def test_the_only_data_set_that_is_there_is_watched(here):
    results_of("digits")
    assert meant(lambda: "mnist") == Layout("digits")


def test_a_running_workflow_is_watched_whatever_is_chosen(workflow):
    results_of("mnist")
    workflow("digits")

    def wrong():
        raise UserError("params.yaml is in the making")

    assert meant(lambda: "mnist") == Layout("digits")
    assert meant(wrong) == Layout("digits")


def test_of_two_running_workflows_the_chosen_one_is_watched(workflow):
    workflow("digits")
    workflow("mnist")
    assert meant(lambda: "mnist") == Layout("mnist")


def test_nothing_to_watch_is_said_of_the_chosen_one(here):
    assert meant(lambda: "mnist") == Layout("mnist")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("benchmarks", "results/digits/benchmarks.csv: no such file; the first job makes it"),
        ("register", "results/digits/tables/runs.csv is not there yet; run snakemake first"),
    ],
)
def test_commands_find_the_only_results_whatever_params_yaml_names(here, command, said):
    shutil.copy(ROOT / "params.yaml", here)  # of MNIST
    results_of("digits")
    done = latentgrid(command, cwd=here)
    assert (done.returncode, done.stderr) == (1, f"error: {said}\n")
