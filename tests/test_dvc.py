"""The real dvc.yaml with the real Snakefile: edits, commits, switches, remotes."""

import copy
import json
import shutil
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

from latentgrid.files.layout import Layout
from project import TINY, built, contents, copy_built, has_nothing_to_do, run, write_params

# One worker of pytest-xdist, so that the two commits are made once.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dvc")]

LAYOUT = Layout("digits")
RUN = "vae/latent_dim=2,optimizer=adam,learning_rate={}/seed=0"
KEPT, OLD, NEW, DIVERGED = (RUN.format(rate) for rate in (0.001, 0.002, 0.003, 10.0))
MMD_VAE = "mmd_vae/latent_dim=3,optimizer=adam,learning_rate=0.001/seed=0"


class Repository(NamedTuple):
    """A project with two commits, and the files that DVC keeps at each."""

    project: Path
    first: dict[str, bytes]
    second: dict[str, bytes]


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """Commit what a plain call of Snakemake made, then what `dvc repro` makes of an edited rate."""
    project = copy_built(built(tmp_path_factory), tmp_path_factory.mktemp("dvc") / "project")
    run(project, "git", "init", "--quiet")
    made = versioned(project)
    done = run(project, "dvc", "repro")
    assert "Nothing to be done" in done.stdout + done.stderr
    first = versioned(project)
    assert first == made
    commit(project, "first")
    edited = copy.deepcopy(TINY)
    edited["models"]["vae"]["learning_rate"] = [0.001, 0.003, 10.0]
    write_params(project, edited)
    run(project, "dvc", "repro")
    commit(project, "second")
    return Repository(project, first, versioned(project))


@pytest.fixture
def project(repository, tmp_path):
    yield copy_built(repository.project, tmp_path / "project")
    shutil.rmtree(tmp_path / "project")


def commit(project, message):
    run(project, "git", "add", "--all")
    run(project, "git", "commit", "--quiet", "--message", message)
    run(project, "git", "tag", message)


def restore(project, revision):
    """Do what a user does to go to another commit; `make restore` calls `dvc checkout`."""
    run(project, "git", "switch", "--quiet", "--detach", revision)
    run(project, "dvc", "checkout")


def is_clean(project):
    return "up to date" in run(project, "dvc", "status").stdout


def versioned(project):
    """Return what DVC keeps for the user."""
    folders = (LAYOUT.data, LAYOUT.runs, LAYOUT.tables, LAYOUT.figures, LAYOUT.models)
    files = {
        f"{folder}/{name}": content
        for folder in folders
        for name, content in contents(project / folder).items()
    }
    single = (LAYOUT.plan, LAYOUT.summary, LAYOUT.inventory, LAYOUT.report)
    return files | {str(path): (project / path).read_bytes() for path in single}


def of_run(files, name):
    return {path: content for path, content in files.items() if f"/{name}/" in path}


def test_repro_records_what_a_plain_call_made(repository):
    for name in (KEPT, OLD, DIVERGED, MMD_VAE):
        assert str(LAYOUT.run(name).weights) in repository.first
    assert str(LAYOUT.images) in repository.first
    tracked = run(repository.project, "git", "ls-files").stdout.splitlines()
    assert "dvc.lock" in tracked
    assert not [name for name in tracked if name.startswith(("results/", "data/", ".snakemake/"))]


def test_repro_after_an_edit_trains_only_the_runs_that_it_affects(repository):
    project, first, second = repository
    for name in (KEPT, DIVERGED, MMD_VAE):
        assert of_run(second, name) == of_run(first, name) != {}
    assert str(LAYOUT.run(NEW).weights) in second
    assert not of_run(second, OLD)
    assert not (project / LAYOUT.run(OLD).folder).exists()
    assert set(pd.read_csv(project / LAYOUT.tables / "runs.csv")["run"]) == {
        KEPT,
        NEW,
        DIVERGED,
        MMD_VAE,
    }
    assert 0.002 not in set(pd.read_csv(project / LAYOUT.tables / "settings.csv")["learning_rate"])
    assert OLD not in (project / LAYOUT.tables / "history.csv").read_text()
    assert is_clean(project)
    assert run(project, "git", "status", "--porcelain").stdout == ""


def test_switch_and_checkout_leave_nothing_to_do(project, repository):
    for revision in ("first", "second"):
        restore(project, revision)
        assert versioned(project) == getattr(repository, revision)
        assert is_clean(project)
        assert has_nothing_to_do(project, "-n")


def test_edit_after_switch_and_checkout_trains(project, repository):
    restore(project, "first")
    edited = copy.deepcopy(TINY)
    edited["training"]["epochs"] = 2
    edited["models"] = {
        "vae": {"latent_dim": 2, "optimizer": "adam", "learning_rate": [0.001, 0.002]}
    }
    write_params(project, edited)
    assert not is_clean(project)
    run(project, "dvc", "repro")
    for name in (KEPT, OLD):
        files = LAYOUT.run(name)
        assert (project / files.weights).read_bytes() != repository.first[str(files.weights)]
        assert list(pd.read_csv(project / files.history)["epoch"]) == [1, 2]
        assert json.loads((project / files.config).read_text())["settings"]["epochs"] == 2
    table = pd.read_csv(project / LAYOUT.tables / "runs.csv")
    assert set(table["run"]) == {KEPT, OLD}
    assert set(table["epochs"]) == {2}
    assert is_clean(project)
    assert has_nothing_to_do(project, "-n")


def test_clone_with_pulled_files_has_nothing_to_do(project, tmp_path, repository):
    remote, clone = tmp_path / "remote", tmp_path / "clone"
    run(project, "dvc", "remote", "add", "--default", "shared", str(remote))
    commit(project, "remote")
    run(project, "dvc", "push")
    run(project, "git", "clone", "--quiet", str(project), str(clone))
    run(clone, "dvc", "pull")
    assert versioned(clone) == repository.second
    assert is_clean(clone)
    assert has_nothing_to_do(clone, "-n")
    shutil.rmtree(clone)
    shutil.rmtree(remote)


def test_metrics_params_and_plots_say_what_changed(repository):
    project = repository.project
    table = pd.read_csv(project / LAYOUT.tables / "runs.csv").set_index("run")
    shown = json.loads(run(project, "dvc", "metrics", "show", "--json").stdout)
    summary = shown[""]["data"][str(LAYOUT.summary)]["data"]
    assert summary["runs"] == {"finished": 3, "diverged": 1}
    for entry, losses in table.groupby("entry")["min_train_loss"]:
        assert summary["best"][entry]["min_train_loss"] == losses.min()

    difference = json.loads(run(project, "dvc", "params", "diff", "--json", "first").stdout)
    changed = difference["params.yaml"]["models.vae.learning_rate"]
    assert changed == {"old": "[0.001, 0.002, 10.0]", "new": "[0.001, 0.003, 10.0]"}
    assert len(difference["params.yaml"]) == 1

    run(project, "dvc", "plots", "show")
    page = (project / "dvc_plots" / "index.html").read_text()
    for name in (KEPT, NEW, MMD_VAE):
        assert name in page
        assert str(table.loc[name, "silhouette"]) in page
    assert OLD not in page
    assert run(project, "git", "status", "--porcelain").stdout == ""
