"""Claims that are files of our studies, the measures they need, and the list of all claims."""

import importlib

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from latentgrid import models
from latentgrid.cli import app
from latentgrid.evaluation.measures import class_means, class_regions, sharpness
from latentgrid.figures.results import changed
from latentgrid.files.layout import Layout
from latentgrid.grid import catalogue, components
from latentgrid.report.sections import claim_beside
from latentgrid.verdicts import evidence
from latentgrid.verdicts.answers import claims_table
from latentgrid.verdicts.claims import by_seed
from latentgrid.verdicts.rule import Answer
from project import ROOT
from studies import our_study, with_claims_of
from test_verdicts import of_grid

THESIS = our_study("vizoso-2020")


@pytest.fixture(autouse=True)
def claims_of_the_thesis(monkeypatch):
    with_claims_of(monkeypatch, THESIS.folder)


def answers(runs, name):
    table = claims_table([THESIS], runs)
    return table[table["name"] == name].set_index("part")


def grid_of(model, loss=lambda *_: 1.0):
    return of_grid(model, loss)


# The hardest digits.


def with_silhouettes(runs, by_class):
    return runs.assign(**{f"silhouette of class {digit}": v for digit, v in by_class.items()})


@pytest.mark.parametrize(
    ("eight", "nine", "one", "answer"),
    [
        (-0.2, -0.1, 0.5, "supported"),
        (-0.2, 0.55, 0.5, "contradicted"),  # the nine is as well apart as the one
        (0.2, 0.1, 0.15, "contradicted"),
    ],
)
def test_eight_and_nine_must_both_be_harder_than_zero_and_one(eight, nine, one, answer):
    silhouettes = dict.fromkeys(range(10), 0.6) | {1: one, 8: eight, 9: nine}
    found = answers(with_silhouettes(grid_of("vae"), silhouettes), "hardest_digits")
    (ran,) = found[found["n"] > 0].to_dict("records")
    assert ran["answer"] == answer
    assert ran["effect"] == pytest.approx(one - max(eight, nine))
    assert all("vae/2,adam_000,0.0001/" in run for run in ran["runs"].split(";"))


def test_the_runs_in_the_plane_have_the_learning_rate_that_their_model_was_given():
    found = answers(grid_of("mmd_vae").assign(region_ratio=3.0), "unequal_regions")
    (runs,) = found.loc[found["n"] > 0, "runs"]
    assert all("mmd_vae/2,adam_000,0.00075/" in run for run in runs.split(";"))


def test_silhouettes_of_classes_come_from_their_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    layout = Layout("mnist")
    layout.tables.mkdir(parents=True)
    rows = "run,entry,class,silhouette\na,ae,0,0.5\na,ae,8,0.1\nb,ae,0,0.25\n"
    (layout.tables / "silhouettes.csv").write_text(rows)
    found = evidence.gather(layout, [], pd.DataFrame({"run": ["b", "a", "c"]}), {}).runs
    assert list(found["silhouette of class 0"]) == pytest.approx([0.25, 0.5, np.nan], nan_ok=True)
    assert list(found["silhouette of class 8"]) == pytest.approx([np.nan, 0.1, np.nan], nan_ok=True)


# Regions of unequal size.


@pytest.mark.parametrize(
    ("ratio", "answer"), [(3.0, "supported"), (2.0, "contradicted"), (1.1, "contradicted")]
)
def test_a_region_of_more_than_twice_the_area_is_unequal(ratio, answer):
    found = answers(grid_of("mmd_vae").assign(region_ratio=ratio), "unequal_regions")
    assert found.loc["mmd_vae, d = 2: the largest region over the smallest", "answer"] == answer
    assert (found["n"] > 0).sum() == 1


# The same best setting.


def valley(at):
    return lambda d, optimizer, rate: 100 + abs(d - at) + (optimizer != "adam_000") + 100 * rate


@pytest.mark.parametrize(("best", "answer"), [(20, "supported"), (50, "contradicted")])
def test_the_best_setting_of_one_model_is_tried_on_the_other(best, answer):
    """By the rule of best_configuration: against the best other, and without a tolerance."""
    runs = pd.concat([grid_of("vae", valley(20)), grid_of("conv_vae", valley(best))])
    runs = runs.reset_index(drop=True)
    found = answers(runs, "same_best_setting")
    corrected = found[found.index.str.startswith("corrected")]
    assert set(corrected["answer"]) == {answer}
    if best == 20:
        effect = answers(runs, "best_configuration").loc[
            "vae, corrected scale: d = 20, adam, 0.0001 against the best other", "effect"
        ]
        assert list(corrected["effect"]) == pytest.approx([effect, effect])
    else:
        assert list(corrected["effect"]) == pytest.approx([-30, -30], abs=0.1)


def test_a_setting_of_its_own_is_none_of_the_18_that_the_source_compares():
    """It may not stand in for one of these."""
    runs = pd.concat([grid_of("vae", valley(20)), grid_of("conv_vae", valley(20))])
    runs = runs.reset_index(drop=True)
    slower = runs["learning_rate"] == 0.0001
    own = runs[slower & (runs["latent_dim"] == 50)].assign(learning_rate=0.01)
    whole = answers(runs, "same_best_setting")
    more = answers(pd.concat([runs, own.assign(run=own["run"] + "/own")]), "same_best_setting")
    pd.testing.assert_frame_equal(more, whole)
    lacking = runs.drop(index=own.index)
    found = answers(pd.concat([lacking, own], ignore_index=True), "same_best_setting")
    assert (found["n"] == 0).all()


def test_the_best_setting_is_found_by_one_run_of_each_seed_that_was_measured():
    """Of a run that was not measured the record counts, and else the run."""
    runs = pd.concat([grid_of("vae", valley(20)), grid_of("conv_vae", valley(50))])
    runs = runs.reset_index(drop=True)
    whole = answers(runs, "same_best_setting")
    doubled = 2 * runs["min_train_batch_sum_corrected"]
    again = runs.assign(run="record:" + runs["run"], min_train_batch_sum_corrected=doubled)
    lost = runs.copy()
    lost.loc[0, ["min_train_batch_sum", "min_train_batch_sum_corrected"]] = np.nan
    record = runs.loc[[0]].assign(run="record:one")
    same = answers(pd.concat([runs, again], ignore_index=True), "same_best_setting")
    pd.testing.assert_frame_equal(same, whole)
    found = answers(pd.concat([lost, record], ignore_index=True), "same_best_setting")
    assert list(found["effect"]) == list(whole["effect"])
    listed = found["runs"].iloc[0].split(";")
    assert "record:one" in listed
    assert runs.loc[0, "run"] not in listed


@pytest.mark.parametrize("name", ["same_best_setting", "best_configuration", "adam"])
def test_a_seed_without_all_settings_says_nothing_of_the_best(name):
    runs = pd.concat([grid_of("vae", valley(20)), grid_of("conv_vae", valley(20))])
    runs = runs.reset_index(drop=True)
    whole = answers(runs, name)
    assert (whole.loc[whole["n"] > 0, "n"] == 3).all()
    lacking = runs[~((runs["seed"] == 1) & (runs["latent_dim"] == 50) & (runs["model"] == "vae"))]
    found = answers(lacking, name)
    of_vae = found[found.index.str.contains("^vae|: vae")]
    assert (of_vae["n"] == 2).all()
    few = answers(runs[runs["latent_dim"] == 20], name)
    assert (few["n"] == 0).all()


# Adam, by each model's best setting.


def test_adam_is_judged_by_its_best_setting():
    """It is the worst at 17 settings in 18, and has the best one of all."""

    def loss(d, optimizer, rate):
        return 10.0 if (d, optimizer, rate) == (20, "adam_000", 0.0001) else 20.0 + d / 100

    def worse(d, optimizer, rate):
        return loss(d, optimizer, rate) + 5 * (optimizer == "adam_000" and d != 20)

    found = answers(grid_of("vae", worse), "adam")
    (ran,) = found[found.index.str.startswith("vae, corrected")].to_dict("records")
    assert ran["answer"] == "supported"
    assert ran["note"].startswith("its best setting is d = 20, adam_000, lr 0.0001; the best other")


# Images that are recognisable or not, by a bound.


def judged(study, model, confidence, **settings):
    """Answer the claims of a study by three runs of a model of which a judge said this."""
    runs = pd.DataFrame(
        {"run": f"{model}/{seed}", "entry": model, "model": model, "seed": seed}
        | {"planned_epochs": 50, "batch_size": 100, "precision": "float32", "status": "finished"}
        | {"optimizer": "adam", "learning_rate": 0.001}
        | settings
        | {name: value + seed / 1e6 for name, value in confidence.items()}
        for seed in range(3)
    )
    return claims_table([study], runs).set_index("part")


@pytest.mark.parametrize(
    ("confidence", "like", "unlike"),
    [
        (0.90, "supported", "contradicted"),  # as sure as of reconstructions
        (0.52, "supported", "contradicted"),
        (0.48, "contradicted", "supported"),  # half the way from 1/10 to 0.9 is 0.5
        (0.10, "contradicted", "supported"),
    ],
)
def test_draws_are_like_the_data_from_half_the_way_on(monkeypatch, confidence, like, unlike):
    study = our_study("perez-2022")
    with_claims_of(monkeypatch, study.folder)
    said = {"prior_confidence": confidence, "reconstruction_confidence": 0.9}
    built = {"latent_dim": 10, "hidden": 128, "cross_entropy": "clipped"}
    found = judged(study, "vae_bce", said, **built).loc["vae_bce, d = 10: draws are like the data"]
    assert found["answer"] == like
    assert found["effect"] == pytest.approx((confidence - 0.1) / 0.8 - 0.5, abs=1e-4)
    found = judged(study, "ae", said, **built).loc["ae, d = 10: draws are not like the data"]
    assert found["answer"] == unlike
    other = judged(study, "ae", said, **{**built, "latent_dim": 2})
    assert (other["n"] == 0).all()


@pytest.mark.parametrize(
    ("confidence", "answer"), [(0.68, "supported"), (0.72, "contradicted"), (0.9, "contradicted")]
)
def test_draws_are_bad_if_one_in_four_is_lost(monkeypatch, confidence, answer):
    """A quarter of the way from 0.9 to 1/10 is 0.7."""
    study = our_study("auto-encoders-slides")
    with_claims_of(monkeypatch, study.folder)
    said = {"fitted_confidence": confidence, "reconstruction_confidence": 0.9}
    found = judged(study, "conv_ae", said, latent_dim=16)
    assert found.loc["conv_ae, d = 16: draws, from reconstructions to nothing", "answer"] == answer


# Distances from a value, of each run.


def test_slopes_on_both_sides_of_1_do_not_make_a_mean(monkeypatch):
    study = our_study("auto-encoders-slides")
    with_claims_of(monkeypatch, study.folder)
    said = {"restored_spread": 0.5, "corruption": "block"}
    for near, slopes in ((True, (1.02, 1.04)), (False, (0.8, 1.2))):
        runs = pd.DataFrame(
            {"run": f"{d}/{seed}", "model": "dae", "entry": "dae", "seed": seed, "latent_dim": d}
            | {"restored_slope": slope, "planned_epochs": 20, "batch_size": 100}
            | {"precision": "float32", "optimizer": "adam", "learning_rate": 0.001}
            | said
            for seed in range(3)
            for d, slope in zip((8, 16), slopes, strict=True)
        )
        found = claims_table([study], runs).set_index("part")
        (part,) = (one for one in found.index if "block: by how much the slope" in one)
        assert found.loc[part, "effect"] == pytest.approx(0.07 if near else -0.1)


def test_runs_of_another_training_are_not_averaged_with_a_claims_runs(monkeypatch):
    """Those of the entry that bears the model's name count, as in comparisons."""
    said = {"fitted_confidence": 0.2, "reconstruction_confidence": 0.9}
    own = pd.DataFrame(
        {"run": f"own/{seed}", "entry": "conv_ae", "seed": seed, "latent_dim": 16} | said
        for seed in range(3)
    )
    short = own.assign(run="short/" + own["seed"].astype(str), entry="trial", planned_epochs=1)
    short["fitted_confidence"] = 0.9
    runs = pd.concat([own.assign(planned_epochs=20), short], ignore_index=True)
    runs = runs.assign(model="conv_ae", optimizer="adam", learning_rate=0.001, batch_size=100)
    found = by_seed(runs, "fitted_confidence")
    assert list(found.values) == pytest.approx([0.2] * 3)
    assert all(run.startswith("own/") for run in found.used["run"])


# Classifiers with and without skip connections, and Wasserstein GANs as their authors train them.


def of_modulo_7(*runs):
    """Answer the claims of the slides by runs of three seeds; each has a model and settings."""
    rows = [
        {"run": f"{number}/{seed}", "entry": of["model"], "seed": seed, "precision": "float32"}
        | {"planned_epochs": 50, "batch_size": 64, "optimizer": "adam_gan"}
        | {"learning_rate": 0.0002, "status": "finished"}
        | of
        for number, of in enumerate(runs)
        for seed in range(3)
    ]
    table = claims_table([our_study("modulo-7")], pd.DataFrame(rows))
    return table.set_index(["name", "part"])["answer"]


@pytest.mark.parametrize(
    ("plain34", "answer"), [(0.980, "supported"), (0.9904, "supported"), (0.992, "contradicted")]
)
def test_skip_connections_are_asked_of_classifiers(plain34, answer):
    """Without them, 34 layers may be better than 18 by ten images in 10,000 and no more."""
    accuracies = {"resnet18": 0.99, "resnet34": 0.993, "plain18": 0.99, "plain34": plain34}
    runs = [
        {"model": "classifier", "network": n, "test_accuracy": v} for n, v in accuracies.items()
    ]
    found = of_modulo_7(*runs)["deeper_with_skips"]
    assert found["ResNet, 34 layers against 18"] == "supported"
    assert found["without skip connections, 34 layers are no better than 18"] == answer


@pytest.mark.parametrize(
    ("optimizer", "rate", "answer"),
    [
        ("rmsprop", 5e-05, "supported"),
        ("adam_gan", 5e-05, "not run"),
        ("rmsprop", 0.0002, "not run"),
    ],
)
def test_clipped_weights_are_trained_as_their_authors_do(optimizer, rate, answer):
    network = {"latent_dim": 64, "network": "conv", "channels": 32}
    clipped = {"model": "wgan", "lipschitz": "clipping", "sample_classes": 9, **network}
    gan = {"model": "gan", "discriminator_steps": 1, "generator_loss": "minimax", **network}
    trained = {"optimizer": optimizer, "learning_rate": rate}
    found = of_modulo_7({**clipped, **trained}, {**gan, "sample_classes": 5})["wgan_modes"]
    assert found["wgan with clipped weights against gan as the source trains it"] == answer
    assert (found == "not run").sum() == (3 if answer == "supported" else 4)


# Networks of one size.


def test_the_mixture_and_the_vae_beside_it_have_as_many_weights():
    study = our_study("perez-2022")
    for one in study.facts.claims["mixture"].comparisons:
        networks = []
        for settings in (one.side, one.rival):
            given = {name: value for name, value in settings.items() if name != "model"}
            hyperparameters = {"hyperparameters": {**given, "latent_dim": 10}}
            made = models.build({**settings, **hyperparameters}, (1, 28, 28), classes=10)
            networks += [(made.encoder, made.decoder)]
        for ours, theirs in zip(*networks, strict=True):
            n, m = map(models.parameter_count, (ours, theirs))
            assert n == pytest.approx(m, rel=0.02)


# How long a training took.


def test_an_hour_on_another_machine_is_told_and_decides_nothing():
    runs = grid_of("vae").assign(hours=0.25)
    found = answers(runs, "one_hour")
    assert set(found["answer"]) == {Answer.OUT_OF_REACH}
    assert found.loc["vae: 50 epochs", "note"].startswith("ours took 0.25 hours, the median of 54")
    assert found.loc["conv_vae: 50 epochs", "note"].startswith("no record tells a time")


# Measures.


def test_a_blurred_image_is_less_sharp_and_a_faint_one_is_not():
    rng = np.random.default_rng(0)
    images = (rng.random((5, 1, 12, 12)) < 0.3).astype(float) * 200
    blurred = (images + np.roll(images, 1, 3) + np.roll(images, 1, 2)) / 3
    sharp = sharpness.gradient_energy(images)
    assert sharpness.gradient_energy(blurred) < 0.8 * sharp
    assert sharpness.gradient_energy(images / 2) == pytest.approx(sharp)
    assert sharpness.gradient_energy(0 * images) == 0


def test_scatter_and_regions_do_not_depend_on_place_and_scale():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 50)
    codes = rng.normal(size=(150, 3)) * (1 + labels[:, None]) + 5 * labels[:, None]
    found = class_regions.of_classes(codes, labels)
    assert class_regions.of_classes(7 * codes - 100, labels) == pytest.approx(found)
    total = codes.var(axis=0).sum()
    within = sum(codes[labels == label].var(axis=0).sum() for label in range(3)) / 3
    assert found["class_scatter"] == pytest.approx(within / total)
    sizes = [np.linalg.det(np.cov(codes[labels == label].T)) ** (1 / 3) for label in range(3)]
    assert found["region_ratio"] == pytest.approx(max(sizes) / min(sizes))


def test_codes_without_extent_have_no_region():
    flat = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [9.0, 1.0]])
    assert "region_ratio" not in class_regions.of_classes(flat, np.array([0, 0, 0, 1]))
    assert class_regions.of_classes(np.ones((4, 2)), np.array([0, 0, 1, 1])) == {}


def test_images_of_another_class_lie_one_distance_off():
    images = np.zeros((2, 1, 2, 2))
    images[1] = 1
    assert class_means.distance(images, images) == 0
    assert class_means.distance(images[::-1], images) == pytest.approx(1)
    assert class_means.distance(images[:1], images[:1]) is None


# The list.


def test_every_claim_is_listed_with_its_place_and_what_it_would_take(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    shown = CliRunner().invoke(app, ["claims", "vizoso-2020", "002", "modulo-7"])
    assert shown.exit_code == 0, shown.output
    for study in (THESIS, our_study("perez-2022")):
        files = [path.stem for path in study.folder.glob("claims/*.py")]
        for name in (*study.facts.claims, *files):
            assert f"\n  {name}: «" in shown.output
    assert "of studies/perez-2022/grid.yaml are missing" in shown.output
    assert "out of reach: vae: 50 epochs: ours took" in shown.output
    says = importlib.import_module(components.module_of("claims", "one_hour")).CLAIM
    assert f"«{says}» (vizoso-2020, section 6.5.2)" in shown.output


# What stands beside a picture.


def test_a_quote_stands_only_beside_models_that_it_is_on():
    """Published once: PCA against a convolutional autoencoder, beside two settings of `vae`."""
    figure = catalogue.figure("dimensions")
    assert figure.claim_on == ("pca", "conv_ae")
    assert claim_beside(figure, {"pca", "conv_ae", "vae"}) == figure.claim
    some = claim_beside(figure, {"pca", "vae"})
    assert some == f"{figure.claim} Not shown here: conv_ae."
    none = claim_beside(figure, {"vae"})
    assert none.endswith("models that are not shown: pca, conv_ae.")
    assert "deep networks" not in none
    assert claim_beside(catalogue.figure("embeddings"), set()).startswith("Source 001")


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ({"model": "conv5_vae", "decoder": "dense"}, ["decoder"]),
        ({"model": "conv5_vae", "decoder": "conv", "beta": 1.0}, []),
        ({"model": "conv5_vae", "decoder": None, "hidden": 256.0, "latent_dim": 2}, ["hidden"]),
        ({"model": "ae", "decoder": "dense", "hidden": 500}, []),
    ],
)
def test_what_is_not_the_default_is_named(run, said):
    assert changed(pd.Series(run)) == said
