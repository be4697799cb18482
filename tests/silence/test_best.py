"""Best is only what may be compared, and whoever says "best" says by what."""

import json
from itertools import product

import numpy as np
import pandas as pd
import pytest

from latentgrid import models
from latentgrid.evaluation import tables
from latentgrid.evaluation.measures.recognisability import inception_score
from latentgrid.evaluation.ranking import best
from latentgrid.figures import draw
from latentgrid.figures.comparisons import marginal_effects
from latentgrid.files.layout import Layout
from latentgrid.grid import better, catalogue, plugins
from latentgrid.steps.tables import summary
from project import TINY, copy_project, run, write_params
from tiny import a_run, tiny_results

BY_LOSS = "smallest min_train_loss"
# What the models that a grid may rank are ranked by; their loss where nothing is said.
RANKED_BY = {
    "aae": "",
    "ae": "test_squared_error",
    "beta_vae": "importance_bound",
    "cond_gan": "sample_score",
    "contractive_ae": "test_squared_error",
    "conv5_vae": "importance_bound",
    "gan": "sample_score",
    "sparse_ae": "test_squared_error",
    "unet_segmentation": "mean_iou",
    "vae_bce": "importance_bound",
    "wgan": "sample_score",
}
DEPENDS = {
    "ae": ("cross_entropy",),
    "beta_vae": ("beta", "cross_entropy"),
    "contractive_ae": ("penalty",),
    "conv5_vae": ("beta", "cross_entropy"),
    "dae": ("corruption",),
    "sparse_ae": ("penalty",),
    "unet": ("corruption",),
    "unet_segmentation": ("border_weights",),
    "vae_bce": ("beta", "cross_entropy"),
}
CHANGE_A_LOSS = {"beta", "penalty", "corruption", "cross_entropy", "border_weights"}


def rows(model, entry=None, **columns):
    """Finished runs of an entry, one for each value, and one of a seed each."""
    table = pd.DataFrame({"entry": entry or model, "model": model, "seed": 0, **columns})
    table.insert(0, "run", [f"{entry or model}/{n}" for n in table.index])
    return table.assign(status="finished", reason="")


def the_exploded_gan(**measured):
    """Learning rates 0.0005 and 10, as they were trained on digits."""
    return rows(
        "gan", learning_rate=[0.0005, 10.0], min_train_loss=[0.21, -6_183_790.0], **measured
    )


def judged(classes, sure):
    """Probabilities of 64 samples that a judge takes for these classes in turn."""
    certain = np.eye(10)[np.resize(classes, 64)]
    return (sure * certain + (1 - sure) / 10).astype(np.float32)


def test_equal_blobs_have_the_smallest_score_however_sure_the_judge_is():
    blobs, digits = judged([3], sure=1.0), judged(range(10), sure=0.6)
    assert blobs.max(axis=1).mean() > digits.max(axis=1).mean()
    assert inception_score(blobs) == pytest.approx(1)
    assert inception_score(digits) > 2
    assert inception_score(judged(range(8), sure=1.0)) == pytest.approx(8)
    unsure = np.full((64, 10), 0.1, dtype=np.float32)
    assert inception_score(unsure) == pytest.approx(1)
    by_hand = np.array([[0.5, 0.5], [1.0, 0.0]])  # mean (¾, ¼): KL is ½·log(4/3) and log(4/3)
    divergences = [0.5 * np.log(0.5 / 0.75) + 0.5 * np.log(0.5 / 0.25), np.log(1 / 0.75)]
    assert inception_score(by_hand) == pytest.approx(np.exp(np.mean(divergences)))


def test_an_exploded_gan_is_not_the_best():
    scores = [inception_score(judged(range(10), 0.6)), inception_score(judged([3], 1.0))]
    found = best(the_exploded_gan(sample_score=scores))
    assert (found.row["learning_rate"], found.by) == (0.0005, "largest sample_score")


@pytest.mark.parametrize("measured", [{}, {"sample_score": [np.nan, 1.0]}])
def test_without_a_judge_no_gan_is_best_and_the_first_is_shown(measured):
    found = best(the_exploded_gan(**measured))
    assert found.row["learning_rate"] == 0.0005
    assert found.by == (
        "none: the first, as the loss ranks no runs of gan, "
        "and sample_score was not measured of all"
    )


def test_a_loss_with_another_weight_is_another_loss():
    """β = 4 has the larger loss by its weight alone."""
    of = {"beta": [4.0, 4.0, 1.0], "latent_dim": [2, 8, 8], "min_train_loss": [180.0, 160.0, 100.0]}
    found = best(rows("beta_vae", **of, importance_bound=[-150.0, -130.0, -140.0]))
    assert (found.row.name, found.by) == (1, "largest importance_bound")
    found = best(rows("beta_vae", **of))
    assert (found.row.name, found.by) == (1, f"{BY_LOSS} where beta = 4.0")
    same = rows("beta_vae", beta=[4.0, 4.0], min_train_loss=[180.0, 160.0])
    assert (best(same).row.name, best(same).by) == (1, BY_LOSS)


@pytest.mark.parametrize("model", ["sparse_ae", "contractive_ae"])
def test_penalties_are_compared_by_the_error_of_reconstructions(model):
    of = {"penalty": [0.001, 0.1], "min_train_loss": [70.0, 90.0]}
    found = best(rows(model, **of, test_squared_error=[12.0, 11.0]))
    assert (found.row["penalty"], found.by) == (0.1, "smallest test_squared_error")


@pytest.mark.parametrize("model", ["dae", "unet"])
def test_the_mildest_damage_is_not_the_best_denoiser(model):
    of = {"corruption": ["pixels_90", "pixels_90", "blur"], "learning_rate": [0.1, 0.01, 0.01]}
    losses = {"min_train_loss": [50.0, 40.0, 5.0], "test_squared_error": [50.0, 40.0, 5.0]}
    found = best(rows(model, **of, **losses))
    assert (found.row.name, found.by) == (1, f"{BY_LOSS} where corruption = pixels_90")


@pytest.mark.parametrize("name", catalogue.models())
def test_what_a_model_says_is_read_without_importing_it(name):
    kind = models.load(name)
    for constant in ("loss_ranks", "loss_depends_on", "ranked_by", "in_turn", "closed_form"):
        assert catalogue.said(name, constant) == getattr(kind, constant), constant
    assert kind.loss_ranks == (name not in {"gan", "cond_gan", "wgan"})
    assert kind.loss_depends_on == DEPENDS.get(name, ())
    assert kind.ranked_by == RANKED_BY.get(name, "")
    named = set(kind.loss_depends_on) & CHANGE_A_LOSS
    assert named == set(kind.loss_depends_on)


@pytest.mark.parametrize("name", catalogue.models())
def test_a_weight_in_a_loss_is_among_what_it_depends_on(name):
    if catalogue.said(name, "loss_ranks"):
        weights = CHANGE_A_LOSS & set(catalogue.model_hyperparameters(name))
        assert weights <= set(catalogue.said(name, "loss_depends_on"))


def settings():
    """Settings of three entries as `settings_table` gives them."""
    gan = the_exploded_gan(sample_score=[2.5, 1.0], test_loss=[0.2, -6e6])
    dae = rows("dae", corruption=["block", "blur"], min_train_loss=[30.0, 5.0])
    vae = rows(
        "vae", learning_rate=[0.1, 0.01], min_train_loss=[30.0, 25.0], test_loss=[31.0, 26.0]
    )
    runs = pd.concat([gan, dae, vae], ignore_index=True)
    axes = ["learning_rate", "corruption"]
    order = ["run", "entry", "model", "seed", *axes, "status", "reason"]
    runs = runs[[*order, *runs.columns.difference(order, sort=False)]]
    return runs, tables.settings_table(runs, axes), axes


def test_the_table_of_best_settings_says_by_what_each_is():
    _, of_settings, _ = settings()
    table = tables.best_table(of_settings).set_index("entry")
    assert table["best_by"].to_dict() == {
        "gan": "largest sample_score",
        "dae": f"{BY_LOSS} where corruption = block",
        "vae": BY_LOSS,
    }
    assert table["runs"].to_dict() == {"gan": "gan/0", "dae": "dae/0", "vae": "vae/1"}
    assert "best_by" in tables.best_table(of_settings.head(0))


def test_the_summary_names_no_loss_that_ranks_nothing():
    runs, of_settings, _ = settings()
    found = summary(runs, of_settings)["best"]
    assert found["gan"] == {"by": "largest sample_score", "sample_score": 2.5}
    assert found["vae"] == {"by": BY_LOSS, "min_train_loss": 25.0, "test_loss": 26.0}


def test_marginal_means_are_of_what_may_be_compared():
    runs, _, axes = settings()
    table = tables.marginal_table(runs, axes)
    of = dict(list(table.groupby("entry")))
    assert of["gan"]["compared_by"].tolist() == ["sample_score"] * 2
    assert of["gan"]["mean"].tolist() == [2.5, 1.0]
    assert of["dae"]["compared_by"].isna().all()
    assert of["dae"]["mean"].isna().all()
    assert of["vae"].set_index("value")["mean"].to_dict() == {0.1: 30.0, 0.01: 25.0}


def with_diverged():
    """A grid in which the rate 0.01 is worse by 10 everywhere, and diverged where losses are large.

    At the rate 10 all runs diverged.
    """
    grid = list(product((2, 20), (0.001, 0.01, 10.0), (0, 1)))
    d, rate, seed = zip(*grid, strict=True)
    losses = [(200.0 if d == 2 else 100.0) + (10 if rate == 0.01 else 0) for d, rate, _ in grid]
    runs = rows("vae", latent_dim=d, learning_rate=rate, seed=seed)
    bad = (runs["learning_rate"] == 10.0) | (
        (runs["learning_rate"] == 0.01) & (runs["latent_dim"] == 2) & (runs["seed"] == 1)
    )
    runs["status"] = np.where(bad, "diverged", "finished")
    return runs.assign(min_train_loss=np.where(bad, np.nan, losses))


def test_a_value_does_not_look_good_because_its_bad_runs_diverged():
    runs = with_diverged()
    finished = runs.groupby("learning_rate")["min_train_loss"].mean()
    assert finished[0.01] < finished[0.001]
    table = tables.marginal_table(runs, ["latent_dim", "learning_rate"])
    of_rate = table[table["axis"] == "learning_rate"].set_index("value")
    assert of_rate["n"].to_dict() == {0.001: 3, 0.01: 3, 10.0: 0}
    assert of_rate["unfinished"].to_dict() == {0.001: 0, 0.01: 1, 10.0: 4}
    assert of_rate.loc[0.01, "mean"] - of_rate.loc[0.001, "mean"] == pytest.approx(10)
    assert np.isnan(of_rate.loc[10.0, "mean"])
    of_dimension = table[table["axis"] == "latent_dim"]
    assert of_dimension["mean"].diff().iloc[1] == pytest.approx(-100)
    assert "vae/3" not in ";".join(table["runs"]), "its seed has no run of both dimensions"


def test_a_setting_of_which_seeds_diverged_is_not_the_best():
    of = {"latent_dim": [2, 2, 20], "min_train_loss": [30.0, 32.0, 25.0], "n": [2, 2, 1]}
    found = tables.best_table(rows("vae", **of).assign(runs=""))
    assert found["min_train_loss"].tolist() == [30.0]
    assert found["best_by"].tolist() == [
        f"{BY_LOSS} among 2 of 3 settings, those of which 2 seeds finished"
    ]


def test_the_best_run_is_the_best_seed_of_the_best_setting():
    """The smallest loss of those that finished is of a lucky seed."""
    runs = rows("vae", latent_dim=[2, 2, 20, 20, 50, 50], seed=[0, 1] * 3, reason=None)
    runs["status"] = ["finished"] * 4 + ["diverged", "failed"]
    runs["min_train_loss"] = [25.0, 41.0, 31.0, 30.0, 1.0, np.nan]
    order = ["run", "entry", "model", "seed", "latent_dim", "status", "reason", "min_train_loss"]
    (found,) = tables.best_runs(runs[order], ["latent_dim"])
    assert (found.row["run"], found.by) == ("vae/3", BY_LOSS)
    assert not list(tables.best_runs(runs[order].tail(2), ["latent_dim"]))


def test_figures_of_several_seeds_say_whose_run_is_the_best(tmp_path, monkeypatch, few_images):
    monkeypatch.chdir(tmp_path)
    kinds = [("ae", 0), ("ae", 1), ("vae", 0)]
    results = tiny_results(few_images, [a_run(m, latent_dim=2, seed=seed) for m, seed in kinds])
    assert not results.how_chosen()
    assert [run["run"] for run in results.best(results.runs)] == ["ae/0", "vae/2"]
    (sentence,) = results.how_chosen()
    assert "best by the mean of its seeds" in sentence


def test_the_figure_of_marginal_effects_names_what_diverged(tmp_path, monkeypatch, few_images):
    monkeypatch.chdir(tmp_path)
    runs = [
        a_run("ae", latent_dim=2, hidden=hidden, seed=seed)
        for hidden in (8, 9, 10)
        for seed in (0, 1)
    ]
    results = tiny_results(few_images, runs)
    path = results.layout.tables / "runs.csv"
    table = pd.read_csv(path)
    table.loc[[3, 4, 5], "status"] = "diverged"
    table.to_csv(path, index=False)
    drawing = marginal_effects.draw(results)
    (panel,) = drawing.figure.axes
    dots = [line for line in panel.lines if line.get_marker() == "o"]
    assert [dot.get_ydata()[0] for dot in dots] == [0, 1, 2]
    assert [dot.get_markerfacecolor() == "none" for dot in dots] == [False, True, False]
    (left_out,) = [sentence for sentence in drawing.seen if "diverged" in sentence]
    assert left_out.endswith("are not drawn: 1 of ae with hidden 9, 2 of ae with hidden 10.")


def test_figures_say_by_what_their_best_runs_were_chosen(tmp_path, monkeypatch, few_images):
    monkeypatch.chdir(tmp_path)
    results = tiny_results(
        few_images,
        [a_run("beta_vae", latent_dim=2, beta=beta, hidden=8) for beta in (4.0, 1.0)]
        + [a_run("ae", latent_dim=2, hidden=hidden) for hidden in (8, 9)],
    )
    assert [run["run"] for run in results.best(results.runs)] == ["beta_vae/0", "ae/2"]
    (sentence,) = results.how_chosen()
    assert sentence.endswith(f"compared: beta_vae by {BY_LOSS} where beta = 4.0.")
    fresh = type(results)(results.layout)
    drawing = draw.draw_figure("dimensions_images", fresh)
    assert drawing.missing, "no entry has two dimensions"
    drawing = draw.draw_figure("class_means", fresh)
    assert not drawing.missing
    assert drawing.seen[-1] == sentence
    only = draw.draw_figure("class_means", type(results)(results.layout, ("ae",)))
    assert not any("Best runs are" in sentence for sentence in only.seen)


@pytest.mark.slow
def test_the_workflow_calls_no_exploded_gan_the_best(tmp_path):
    project = copy_project(tmp_path / "project")
    gan = {"latent_dim": 2, "hidden": 64, "optimizer": "adam_gan", "learning_rate": [10.0, 0.0005]}
    judge = {"optimizer": "adam", "learning_rate": 0.002, "epochs": 3, "batch_size": 50}
    grid = {"models": {"gan": gan | {"epochs": 8, "batch_size": 50}, "lenet5": judge}}
    grid["figures"] = ["marginal_effects", "samples"]
    grid["evaluation"] = {"test_images": 100, "likelihood": None, "judge": "lenet5"}
    write_params(project, TINY | grid)
    run(project, "snakemake", "--cores", "2")
    results = Layout("digits")
    runs = pd.read_csv(project / results.tables / "runs.csv").set_index("learning_rate")
    assert runs.loc[10.0, "min_train_loss"] < runs.loc[0.0005, "min_train_loss"]
    (row,) = pd.read_csv(project / results.tables / "best.csv").query("entry == 'gan'").itertuples()
    assert (row.learning_rate, row.best_by) == (0.0005, "largest sample_score")
    found = json.loads((project / results.summary).read_text())["best"]["gan"]
    assert found["by"] == "largest sample_score"
    assert "min_train_loss" not in found
    seen = json.loads((project / results.seen("samples")).read_text())["seen"]
    assert "gan by largest sample_score" in seen[-1]
    page = (project / results.report).read_text()
    assert '(of 2)<br><span class="soft">largest sample_score</span>' in page


def test_the_file_of_a_measure_says_whether_a_larger_value_is_better(tmp_path, monkeypatch):
    """Else the worst run of a model that is ranked by a user's own measure would be the best."""
    for name, said in (("mine_up", "LARGER_IS_BETTER = ('mine_up',)\n"), ("mine_down", "")):
        file = tmp_path / "ranking_extensions" / "measures" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{said}def measure(run, test):\n    return {{}}\n")
    monkeypatch.setenv(plugins.CHOSEN, "[]")
    plugins.choose([str(tmp_path / "ranking_extensions")])
    measured = {"mine_up": [0.5, 0.8], "mine_down": [0.5, 0.8], "clustering_accuracy": [0.5, 0.8]}
    found = {}
    for name in measured:
        monkeypatch.setattr(
            catalogue, "said", lambda _, what, by=name: {"ranked_by": by}.get(what, ())
        )
        found[name] = best(rows("gan", **measured)).by
    assert found == {
        "mine_up": "largest mine_up",
        "mine_down": "smallest mine_down",
        "clustering_accuracy": "largest clustering_accuracy",
    }


def test_what_is_better_larger_is_a_measure():
    """It is read without a file being run: a job may load no code that was not planned."""
    named = {one for name in catalogue.measures() for one in catalogue.names_of_values(name)}
    found = better.larger_is_better()
    assert found <= named
    assert {"silhouette", "test_accuracy", "elbo", "sample_score", "mean_iou"} <= found
    assert not found & {"test_squared_error", "min_train_loss", "rate", "class_scatter"}
