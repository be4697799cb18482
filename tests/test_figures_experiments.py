"""Figures of experiments, of restored images, of codes on the prior, and of building blocks."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from latentgrid.evaluation.prior import densest_regions
from latentgrid.experiments import (
    denoising_toy,
    gan_toy,
    generator_gradients,
    monte_carlo_and_variational,
    two_points,
)
from latentgrid.figures.comparisons import (
    ablation,
    aggregated_posterior,
    chosen_priors,
    denoising,
    lost_modes,
    within_prior,
)
from latentgrid.figures.comparisons import denoising_toy as denoising_toy_figure
from latentgrid.figures.comparisons import gan_toy as gan_toy_figure
from latentgrid.figures.comparisons import generator_gradients as generator_gradients_figure
from latentgrid.figures.comparisons import monte_carlo_and_variational as bias_and_variance_figure
from latentgrid.figures.comparisons import two_points as two_points_figure
from latentgrid.figures.results import Results
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from latentgrid.models.bases.priors import PRIORS
from latentgrid.randomness import random_generator
from latentgrid.results.loaded import LoadedModel
from legible import complaints
from networks import build
from tiny import seal, write_config

LAYOUT = Layout("digits")
AXES = (
    "latent_dim",
    "corruption",
    "posterior",
    "prior",
    "padding",
    "upsampling",
    "block",
    "depth",
)


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Return a function that writes runs with their snapshots, and returns the results."""
    monkeypatch.chdir(tmp_path)

    def write(rows, channels=1):
        images = torch.zeros(30, channels, 8, 8, dtype=torch.uint8)
        LAYOUT.images.parent.mkdir(parents=True, exist_ok=True)
        save_file(
            {"test_images": images, "test_labels": (torch.arange(30) % 3).to(torch.uint8)},
            LAYOUT.images,
        )
        plan = []
        for number, row in enumerate(rows):
            name = f"{row['entry']}/{number}"
            row["model"] = {"blocks": "conv_ae"}.get(row["entry"], row["entry"])
            snapshots = {f"1/{key}": value for key, value in row.pop("snapshots", {}).items()}
            axes = {key: value for key, value in row.items() if key in AXES}
            files = LAYOUT.run(name)
            hyperparameters = {k: v for k, v in axes.items() if k in ("corruption", "latent_dim")}
            settings = {"model": row["entry"], "hyperparameters": hyperparameters}
            write_config(files, settings)
            write_json(files.outcome, {"status": "finished", "reason": "", "epochs": 1})
            save_file(snapshots, files.snapshots)
            seal(files)
            plan.append({"name": name, "axes": axes})
            row |= {"run": name, "status": "finished", "reason": ""}
            row.setdefault("min_train_loss", 1.0)
            row.setdefault("seed", 0)
        write_json(LAYOUT.plan, plan)
        LAYOUT.tables.mkdir(parents=True, exist_ok=True)
        table = pd.DataFrame(rows)
        first = ["run", "entry", "model", "seed", *table.columns.intersection(AXES)]
        order = dict.fromkeys([*first, "status", "reason", *table.columns])
        table[list(order)].to_csv(LAYOUT.tables / "runs.csv", index=False)
        return Results(LAYOUT)

    return write


def drawn(drawing):
    assert not complaints(drawing.figure)
    return drawing


# Experiments


def of_experiment(found):
    """Return results that have the tensors of an experiment and no runs."""
    arrays = {name: tensor.numpy() for name, tensor in found.items()}
    results = SimpleNamespace(read=lambda name: arrays)
    results.read_part = lambda name, part: Results.read_part(results, name, part)
    return results


def test_two_points_says_what_the_ascent_comes_to(monkeypatch):
    monkeypatch.setattr(two_points, "STEPS", {"free": 500, "matched": 100})
    found = two_points.run()
    drawing = drawn(two_points_figure.draw(of_experiment(found)))
    assert "500 steps" in drawing.seen[0]
    assert "100 steps raise the ELBO from −1.69 to −1.4" in drawing.seen[1]
    assert found["matched/elbo"][-1] == pytest.approx(-1.43, abs=0.01)


def test_an_infinite_variance_and_a_bias_of_0_are_not_drawn(monkeypatch):
    monkeypatch.setattr(monte_carlo_and_variational, "REPEATS", 100)
    monkeypatch.setattr(monte_carlo_and_variational, "DRAWS", (1, 4, 16, 64))
    results = of_experiment(monte_carlo_and_variational.run())
    results.normal_draws = lambda _purpose, n, d: np.zeros((n, d))
    drawing = drawn(bias_and_variance_figure.draw(results))
    lines = drawing.figure.axes[2].get_lines()
    assert [int(np.isfinite(line.get_ydata()).sum()) for line in lines] == [4, 4, 3, 3, 3]
    assert "so that from 10 draws on its mean squared error is the smaller one" in drawing.seen[0]


def test_gan_toy_is_drawn_whatever_the_number_of_moments(monkeypatch):
    monkeypatch.setattr(gan_toy, "RECORDED", (0, 2, 4, 6))
    drawing = drawn(gan_toy_figure.draw(of_experiment(gan_toy.run())))
    assert "of the data, 0.650 ± 0.100" in drawing.seen[0]
    assert "6: " in drawing.seen[0]


def test_denoising_toy_says_what_is_left_of_the_noise(monkeypatch):
    monkeypatch.setattr(denoising_toy, "STEPS", 20)
    found = denoising_toy.run()
    found["pair/restored"] = found["pair/clean"]
    found["pair/grid_restored"] = torch.full_like(found["pair/grid"], 0.25)
    drawing = drawn(denoising_toy_figure.draw(of_experiment(found)))
    assert "0.000 after denoising" in drawing.seen[1]
    assert "(0.25, 0.25)" in drawing.seen[2]


# Restored images


def restored(channels=1):
    return {
        name: torch.zeros(20, channels, 8, 8, dtype=torch.uint8)
        for name in ("corrupted", "reconstructions")
    }


@pytest.mark.parametrize("channels", [1, 3])
def test_every_corruption_is_a_block_with_the_models_from_best_to_worst(results, channels):
    rows = [
        {"entry": entry, "corruption": kind, "test_squared_error": error}
        for entry, kind, error in (
            ("dae", "blur", 9.0),
            ("dae", "block", 3.0),
            ("unet", "blur", 5.0),
            ("unet", "odd", 1.0),
        )
    ]
    for row in rows:
        row["snapshots"] = restored(channels)
    drawing = drawn(denoising.draw(results(rows, channels)))
    assert len(drawing.seen) == 3
    assert drawing.seen[0].endswith("unet 5.0, dae 9.0.")
    assert "odd: unet 1.0." in drawing.seen[2]


def test_restored_images_are_of_one_seed(results):
    rows = [
        {
            "entry": "dae",
            "corruption": "blur",
            "seed": seed,
            "min_train_loss": 3 - seed,
            "test_squared_error": 10.0 + seed,
            "snapshots": restored(),
        }
        for seed in (0, 1)
    ]
    drawing = drawn(denoising.draw(results(rows)))
    assert drawing.seen[0].endswith("dae 10.0.")


# Codes on the prior


@pytest.mark.parametrize("prior", ["normal", "mixture", "swiss_roll"])
def test_the_regions_hold_their_share_of_the_prior(prior):
    model = LoadedModel(build("aae", 2, hidden=4, prior=prior))
    regions = densest_regions(model, (0.5, 0.95))
    draws = model.model.prior.draw(10_000, random_generator(0, "test")).numpy()
    for number, share in enumerate((0.5, 0.95)):
        assert regions.share(draws, number) == pytest.approx(share, abs=0.015)


def test_half_of_n_0_i_lies_within_its_closed_radius():
    """‖z‖² is χ² of two degrees of freedom: its median is 2·log 2."""
    regions = densest_regions(LoadedModel(build("vae", 2)), (0.5,))
    radius = math.sqrt(2 * math.log(2))
    circle = np.array([[radius * 0.99, 0], [0, radius * 1.01]], dtype=np.float32)
    assert regions.share(circle[:1], 0) == 1
    assert regions.share(circle[1:], 0) == 0


def codes(scale, dimensions=2):
    return {"codes": scale * torch.randn(30, dimensions, generator=random_generator(0, "codes"))}


@pytest.fixture
def untrained(monkeypatch):
    """Models whose weights no run has written: those of these tests show their prior alone."""

    def loaded(_, run):
        prior = run["prior"] if isinstance(run.get("prior"), str) else None
        return LoadedModel(build(run["model"], 2, **({"prior": prior} if prior else {})))

    monkeypatch.setattr(Results, "loaded", loaded)


@pytest.mark.usefixtures("untrained")
def test_every_posterior_has_a_panel_and_codes_far_from_the_prior_come_last(results):
    rows = [
        {"entry": "aae", "latent_dim": 2, "posterior": "gaussian", "snapshots": codes(9.0)},
        {"entry": "aae", "latent_dim": 2, "posterior": "deterministic", "snapshots": codes(1.0)},
        {"entry": "vae", "latent_dim": 2, "snapshots": codes(0.01)},
        {"entry": "vae", "latent_dim": 2, "min_train_loss": 7.0, "snapshots": codes(1.0)},
        {"entry": "vae", "latent_dim": 3, "snapshots": codes(1.0, 3)},
    ]
    drawing = drawn(aggregated_posterior.draw(results(rows)))
    titles = [axes.get_title() for axes in drawing.figure.axes if axes.get_title()]
    assert len(titles) == 3
    (sentence,) = drawing.seen
    assert sentence.index("deterministic") < sentence.index("gaussian")
    assert "100.0 %" in sentence.partition("vae, d = 2:")[2][:10]


def test_without_two_dimensions_there_is_no_prior_to_draw(results):
    assert aggregated_posterior.draw(results([{"entry": "pca"}])).missing
    rows = [{"entry": "vae", "latent_dim": 3, "snapshots": codes(1.0, 3)}]
    assert aggregated_posterior.draw(results(rows)).missing


def of_prior(name, seed=1):
    return {"codes": PRIORS[name](2).draw(30, random_generator(seed, "codes"))}


@pytest.mark.usefixtures("untrained")
def test_codes_of_a_chosen_prior_are_counted_in_its_own_region(results):
    rows = [
        {"entry": "aae", "latent_dim": 2, "prior": name, "snapshots": of_prior(of)}
        for name, of in (("normal", "normal"), ("mixture", "mixture"), ("swiss_roll", "normal"))
    ]
    (sentence,) = drawn(chosen_priors.draw(results(rows))).seen
    shares = [int(word) for word in sentence.split() if word.isdigit()]
    assert sentence.index("normal") < sentence.index("mixture") < sentence.index("swiss roll")
    assert shares[0] == 95  # of the prior's mass
    assert shares[1] > 80
    assert shares[2] > 80
    assert shares[3] < 60


def test_without_a_prior_that_varies_there_is_nothing_to_choose(results):
    rows = [{"entry": "aae", "latent_dim": 2, "snapshots": codes(1.0)}]
    assert chosen_priors.draw(results(rows)).missing


def history(name, shares):
    rows = [
        {"run": name, "epoch": epoch, "test_within_prior": share, "test_discriminator": 1.3}
        for epoch, share in enumerate(shares, start=1)
    ]
    return pd.DataFrame(rows)


def test_the_swings_of_the_second_half_are_told_over_seeds(results):
    shares = {"aae/0": [0.1, 0.5, 0.9, 0.8], "aae/1": [0.2, 0.6, 0.95, 1.0]}
    rows = [{"entry": "aae", "latent_dim": 2, "seed": n, "epochs": 4} for n in range(2)]
    found = results(rows)
    table = pd.concat([history(name, of) for name, of in shares.items()])
    table.to_csv(LAYOUT.tables / "history.csv", index=False)
    (sentence,) = drawn(within_prior.draw(found)).seen
    assert "80 to 100 %, 90 % at the end" in sentence


# Lost modes


def test_seeds_share_a_row_and_have_an_interval_from_three_on(results):
    rows = [
        {"entry": "gan", "seed": seed, "sample_classes": classes, "sample_drift": 0.5}
        for seed, classes in enumerate((6.0, 7.0, 8.0))
    ]
    rows.append({"entry": "wgan", "sample_classes": 9.5, "sample_drift": 0.25})
    drawing = drawn(lost_modes.draw(results(rows)))
    # Student's t of two degrees of freedom, 4.303, times 1/√3.
    assert drawing.seen[0] == "Classes seen in samples: gan 7.00 ± 2.5; wgan 9.50."
    assert drawing.seen[1] == "Change of samples: gan 0.50 ± 0.0; wgan 0.25."
    (labels,) = {tuple(t.get_text() for t in drawing.figure.axes[0].get_yticklabels())}
    assert labels == ("gan", "wgan")


def test_the_gradients_of_both_losses_are_compared_on_the_same_players(monkeypatch):
    """Before the discriminator learns, D is about one half and both slopes are alike."""
    for name, value in (("BATCHES", 30), ("SEEDS", 3)):
        monkeypatch.setattr(generator_gradients, name, value)
    found = generator_gradients.run()
    alone = [found[f"alone/{loss}"] for loss in generator_gradients.LOSSES]
    assert 0.5 < (alone[0][:, 0] / alone[1][:, 0]).mean() < 2
    assert (alone[0][:, -1] > 5 * alone[1][:, -1]).all()
    assert (found["alone/judged"][:, -1] < 0.2).all()
    first = [
        found[f"{loss}/{k}/judged"][:, 0] for loss in generator_gradients.LOSSES for k in (1, 5)
    ]
    assert all(torch.equal(one, first[0]) for one in first)
    drawing = drawn(generator_gradients_figure.draw(of_experiment(found)))
    assert "95 % interval" in drawing.seen[0]


# Building blocks


def blocks(error, seeds=(0, 1, 2), **choice):
    """Return runs whose errors are `error` times 1 + a tenth of the seed, of a baseline or not."""
    same = {"entry": "blocks", "parameters": 100, "latent_dim": 8}
    return [
        {**same, "seed": n, "test_squared_error": error * (1 + n / 10), **choice} for n in seeds
    ]


def test_each_exchanged_block_is_a_point_below_its_question(results):
    worse = blocks(15.0, upsampling="nearest") + blocks(30.0, padding="none", parameters=80)
    drawing = drawn(ablation.draw(results([*blocks(10.0), *worse])))
    (panel,) = drawing.figure.axes
    assert [text.get_text() for text in panel.texts] == [
        "padding, against zeros",
        "upsampling, against transposed",
    ]
    labels = [label.get_text() for label in panel.get_yticklabels()]
    assert labels == ["none (−20 % weights)", "nearest"]
    points = [line for line in panel.lines if line.get_marker() == "o"]
    assert [float(line.get_xdata()[0]) for line in points] == pytest.approx([3, 1.5])
    assert (
        "upsampling nearest for transposed +50 %; padding none for zeros +200 %" in drawing.seen[0]
    )


def test_what_the_seeds_cannot_tell_is_hollow_and_said(results):
    unclear = [row | {"test_squared_error": 10.0} for row in blocks(1.0, padding="reflect")]
    drawing = drawn(ablation.draw(results([*blocks(9.5), *unclear])))
    (point,) = (line for line in drawing.figure.axes[0].lines if line.get_marker() == "o")
    assert point.get_markerfacecolor() == "white"
    assert "leaves out no change: none. The other 1 cannot be told" in drawing.seen[0]


def test_levels_are_lines_in_panels_of_their_own(results):
    rows = [
        row
        for depth, error in ((1, 10.0), (4, 5.0))
        for kind, share in (("plain", 1), ("residual", 0.5 * depth))
        for row in blocks(error * share, block=kind, depth=depth)
    ]
    drawing = drawn(ablation.draw(results(rows)))
    of_blocks, of_depth = drawing.figure.axes
    assert [text.get_text() for text in of_blocks.texts] == ["further layers, against two 3×3"]
    line = of_depth.lines[0]
    assert line.get_xdata().tolist() == [1, 4]
    assert line.get_ydata().tolist() == pytest.approx([0.5, 2])
    assert "by blocks at each size: 1: −50 % [−50 %, −50 %]; 4: +100 %" in drawing.seen[-1]


def test_without_exchanged_blocks_there_is_nothing_to_compare(results):
    assert ablation.draw(results([{"entry": "ae", "test_squared_error": 1.0}])).missing


def test_no_figure_needs_an_entry(results):
    empty = results([{"entry": "ae", "test_squared_error": 1.0}])
    nobody = Results(empty.layout, ())
    assert all(
        module.draw(nobody).missing for module in (denoising, ablation, aggregated_posterior)
    )
