"""Links among results: nothing behind one is written or deleted."""

import shutil
from pathlib import Path

import pytest

from latentgrid import cli
from latentgrid.errors import UserError
from latentgrid.files.layout import Layout
from latentgrid.files.links import refuse_links
from latentgrid.pipeline.start import require_own_results
from project import TINY, call, contents, copy_project, write_params

LAYOUT = Layout("digits")
KEPT = "mmd_vae/latent_dim=3,optimizer=adam,learning_rate=0.001/seed=0"
GONE = "mmd_vae/latent_dim=9,optimizer=adam,learning_rate=0.001/seed=0"


@pytest.fixture
def elsewhere(tmp_path):
    """A folder outside the project with a file that nobody may lose."""
    folder = tmp_path / "elsewhere"
    (folder / "seed=0").mkdir(parents=True)
    for place in (folder, folder / "seed=0"):
        (place / "precious").write_text("years of work")
    return folder


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with a run of its grid, and one that left it."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    write_params(folder, TINY)
    for name in (KEPT, GONE):
        files = LAYOUT.run(name)
        files.folder.mkdir(parents=True)
        files.outcome.write_text("{}")
        files.state.mkdir(parents=True)
    return folder


def replace(path, by):
    shutil.rmtree(path)
    path.symlink_to(by)


@pytest.mark.parametrize(
    "linked",
    [
        LAYOUT.run(GONE).folder,
        LAYOUT.run(GONE).folder.parent,
        LAYOUT.run(GONE).state,
    ],
    ids=["run", "settings", "state"],
)
def test_prune_removes_a_link_and_leaves_what_it_leads_to(project, elsewhere, linked, capsys):
    replace(linked, elsewhere)
    before = contents(elsewhere)
    cli.prune()
    assert f"removed {linked}" in capsys.readouterr().out
    assert not linked.is_symlink()
    assert contents(elsewhere) == before
    assert LAYOUT.run(KEPT).outcome.exists()
    assert not LAYOUT.run(GONE).folder.exists()
    assert not LAYOUT.run(GONE).state.exists()


def test_prune_removes_a_link_that_leads_nowhere(project):
    replace(LAYOUT.run(GONE).folder, "/nonexistent")
    cli.prune()
    assert not LAYOUT.run(GONE).folder.is_symlink()


@pytest.mark.parametrize(
    "linked",
    [
        LAYOUT.runs,
        LAYOUT.runs / "mmd_vae",
        LAYOUT.run(KEPT).folder.parent,
        LAYOUT.run(KEPT).folder,
        LAYOUT.run(KEPT).state,
    ],
    ids=["runs", "entry", "settings", "run", "state"],
)
def test_where_a_run_of_the_grid_lies_behind_a_link_nothing_is_removed(project, elsewhere, linked):
    replace(linked, elsewhere)
    before, ours = contents(elsewhere), contents(project)
    with pytest.raises(UserError, match=f"{linked} is a link to {elsewhere}"):
        cli.prune()
    assert (contents(elsewhere), contents(project)) == (before, ours)


@pytest.mark.parametrize("linked", ["results", "results/digits"])
def test_results_on_another_disk_are_pruned_like_any(project, tmp_path, linked):
    away = tmp_path / "disk"
    Path(linked).rename(away)
    Path(linked).symlink_to(away)
    refuse_links(LAYOUT)
    cli.prune()
    assert LAYOUT.run(KEPT).outcome.exists()
    assert not LAYOUT.run(GONE).folder.exists()


def test_a_file_beside_the_runs_does_not_stop_prune(project):
    (LAYOUT.runs / ".DS_Store").write_text("")
    cli.prune()
    assert not LAYOUT.run(GONE).folder.exists()


@pytest.mark.parametrize("linked", ["logs/tracking.log", "logs", "runs/vae", "tables/runs.csv"])
def test_the_workflow_refuses_to_write_through_a_link(project, elsewhere, linked):
    path = LAYOUT.results / linked
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(elsewhere / "precious")
    with pytest.raises(SystemExit) as caught:
        require_own_results(LAYOUT)
    said = str(caught.value)
    assert said.startswith(f"error: {path} is a link to {elsewhere / 'precious'}, ")
    assert "remove the link" in said
    assert "\n" not in said


@pytest.mark.slow
def test_a_workflow_with_a_linked_log_ends_before_it_writes(tmp_path, elsewhere):
    project = copy_project(tmp_path / "project")
    write_params(project, TINY)
    log = project / LAYOUT.logs / "tracking.log"
    log.parent.mkdir(parents=True)
    log.symlink_to(elsewhere / "precious")
    done = call(project, "snakemake", "--cores", "1")
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert f"error: {LAYOUT.logs / 'tracking.log'} is a link to {elsewhere / 'precious'}" in said
    assert "Traceback" not in said
    assert (elsewhere / "precious").read_text() == "years of work"
