"""Tables and figures where a measure, an axis or every result is missing."""

import numpy as np
import pandas as pd
import pytest

from latentgrid.evaluation import tables
from latentgrid.evaluation.measures.silhouette import silhouette
from latentgrid.evaluation.neighbours import neighbours
from latentgrid.figures.comparisons import marginal_effects
from latentgrid.figures.style import two_dimensions
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from latentgrid.results.tables import read_table
from project import TINY, copy_project, run, write_params

LAYOUT = Layout("digits")


def test_a_class_that_is_not_there_takes_no_other_classes_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    layout = Layout("digits")
    codes = np.array([[0.0], [0.1], [5.0], [5.1]])
    measured = silhouette(codes, np.array([1, 1, 7, 7]))
    write_json(layout.run("vae/a").metrics, {"status": "finished"} | measured)
    runs = pd.DataFrame({"run": ["vae/a"], "entry": ["vae"], "status": ["finished"]})
    table = tables.silhouettes_table(layout, runs)
    assert table["class"].tolist() == [1, 7]
    assert (table["silhouette"] > 0.9).all()


def test_a_table_is_read_to_the_last_bit(tmp_path):
    draws = np.random.default_rng(0)
    numbers = draws.standard_normal(10_000) * 10.0 ** draws.integers(-300, 300, 10_000)
    path = tmp_path / "numbers.csv"
    pd.DataFrame({"number": numbers}).to_csv(path, index=False)
    assert read_table(path)["number"].tolist() == numbers.tolist()


def test_a_text_that_pandas_takes_for_missing_stays_one(tmp_path):
    table = pd.DataFrame({"name": ["None", "NA", "null", None], "loss": [1.5, np.nan, 2.0, np.inf]})
    tables.write_table(tmp_path / "names.csv", table)
    found = read_table(tmp_path / "names.csv")
    assert found["name"].tolist()[:3] == ["None", "NA", "null"]
    assert found["name"].isna().tolist() == [False, False, False, True]
    assert found["loss"].tolist() == pytest.approx([1.5, np.nan, 2.0, np.inf], nan_ok=True)


def test_a_loss_that_a_training_wrote_as_nan_is_a_missing_number(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,loss\n1,0.5\n2,nan\n3,inf\n")
    found = read_table(tmp_path / "history.csv")["loss"]
    assert found.tolist() == pytest.approx([0.5, np.nan, np.inf], nan_ok=True)


def test_a_measure_that_a_seed_lacks_has_no_mean():
    """Else the mean of the seeds that a number was computed of would pass for that of all."""
    runs = pd.DataFrame({"run": list("abcdef"), "entry": "vae", "model": "vae"})
    runs = runs.assign(latent_dim=[2, 2, 2, 5, 5, 5], seed=[0, 1, 2] * 2, status="finished")
    runs = runs.assign(reason="", min_train_loss=3.0, silhouette=[0.1, 0.2, 0.3, 0.9, np.nan, 0.9])
    table = tables.settings_table(runs, ["latent_dim"]).set_index("latent_dim")
    assert table["n"].tolist() == [3, 3]
    assert table.loc[2, "silhouette"] == pytest.approx(0.2)
    assert table.loc[5, ["silhouette", "silhouette_sd", "silhouette_ci"]].isna().all()
    assert table["min_train_loss"].tolist() == [3.0, 3.0]
    marginal = tables.marginal_table(runs, ["latent_dim"]).set_index("value")
    assert marginal["silhouette"].round(9).tolist()[:1] == [0.2]
    assert np.isnan(marginal.loc[5, "silhouette"])


def test_codes_of_one_dimension_lie_on_a_line():
    points = two_dimensions(np.array([[3.0], [4.0]]))
    assert points.tolist() == [[3.0, 0.0], [4.0, 0.0]]


def test_losses_that_can_be_negative_have_no_factor():
    marginal = pd.DataFrame(
        {
            "entry": ["gan", "gan", "vae", "vae"],
            "axis": "latent_dim",
            "compared_by": "min_train_loss",
            "mean": [-0.02, 0.1, 20.0, 30.0],
        }
    )
    (sentence,) = marginal_effects.largest_effects(marginal)
    assert "vae" in sentence
    assert "1.50" in sentence


@pytest.mark.slow
def test_models_without_codes_have_a_report_too(tmp_path):
    project = copy_project(tmp_path / "project")
    gan = {"latent_dim": 2, "hidden": 8, "optimizer": "adam_gan", "learning_rate": 0.001}
    narrow = {"latent_dim": 1, "optimizer": "adam", "learning_rate": [0.001, 10.0]}
    write_params(project, TINY | {"models": {"gan": gan}, "figures": ["samples"]})
    run(project, "snakemake", "--cores", "2")
    page = (project / LAYOUT.report).read_text()
    assert 'href="#samples"' in page
    assert 'href="#silhouettes"' not in page
    assert "Bokeh" not in page
    write_params(project, TINY | {"models": {"vae": narrow}})
    run(project, "snakemake", "--cores", "2")
    runs = pd.read_csv(project / LAYOUT.tables / "runs.csv")
    assert runs["status"].tolist() == ["finished", "diverged"]


def test_neighbours_name_the_classes_that_mix():
    """Classes 0 and 1 far apart, 2 and 3 alternating on a line."""
    near = np.arange(20.0).reshape(-1, 1) / 100
    apart = np.concatenate([near + 100, near + 200])
    mixed = np.arange(40.0).reshape(-1, 1)
    labels = np.array([0] * 20 + [1] * 20 + [2, 3] * 20, dtype=np.uint8)
    accuracy, pair = neighbours(np.concatenate([apart, mixed]), labels)
    assert pair == (2, 3)
    assert 0.5 <= accuracy < 1
    assert neighbours(apart, labels[:40]) == (1.0, None)
