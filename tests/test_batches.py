"""How runs are divided among the jobs that measure and draw them."""

import pytest

from latentgrid.files.layout import Layout
from latentgrid.pipeline import workflow

LAYOUT = Layout("digits")


def planned(**entries):
    return {
        entry: [LAYOUT.run(f"{entry}/{number}/seed=0") for number in range(runs)]
        for entry, runs in entries.items()
    }


def sizes(found):
    return {name: len(batch.runs) for name, batch in found.items()}


def test_a_job_takes_four_runs_of_one_entry():
    found = workflow.batches(planned(vae=9, pca=1))
    assert sizes(found) == {"vae": 4, "vae_B2": 4, "vae_B3": 1, "pca": 1}
    assert [batch.entry for batch in found.values()] == ["vae", "vae", "vae", "pca"]


@pytest.mark.parametrize(("runs", "size"), [(800, 4), (801, 8), (1600, 8), (5400, 32)])
def test_jobs_stay_few(runs, size):
    found = workflow.batches(planned(vae=runs))
    assert len(found) <= workflow.MOST_BATCHES
    assert max(sizes(found).values()) == size


def test_every_run_is_in_one_batch():
    runs = planned(vae=803, ae=2)
    found = [run for batch in workflow.batches(runs).values() for run in batch.runs]
    assert found == runs["vae"] + runs["ae"]


def test_a_run_that_failed_leaves_its_place_empty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(workflow.ONLY_FINISHED, "1")
    runs = planned(vae=12)["vae"]
    trained = [*runs[:2], runs[3], *runs[8:]]
    for run in trained:
        run.outcome.parent.mkdir(parents=True)
        run.outcome.touch()
    found = workflow.batches({"vae": runs})
    assert sizes(found) == {"vae": 3, "vae_B3": 4}
    assert found["vae"].runs == trained[:3]
