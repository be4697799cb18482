"""Three test images, two classes of 26 among them: everything that can be drawn of them is."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from latentgrid.data import Images, checksum
from latentgrid.evaluation import planes
from latentgrid.figures.draw import drawn
from latentgrid.figures.results import Results
from latentgrid.figures.style import scatter_by_class
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from latentgrid.grid import catalogue, params
from latentgrid.grid.runs import canonical, plan_of, planned_runs
from latentgrid.results.tables import read_runs
from latentgrid.steps import embed_codes, embed_images, evaluate
from latentgrid.steps import interactive as interactive_step
from latentgrid.steps import tables as tabulate
from latentgrid.training.run import train_run
from project import ROOT, TINY

LAYOUT = Layout("digits")
TEST_LABELS = [0, 25, 25]
STEPS = {"optimizer": "adam", "learning_rate": 0.001}
MODELS = {
    "lenet5": STEPS,
    "pca": {"latent_dim": [2, 3]},
    "ae": {"latent_dim": [2, 4], "hidden": 8, **STEPS},
    "vae_bce": {"latent_dim": 2, "hidden": 8, **STEPS},
    "gan": {"latent_dim": 2, "hidden": 8, **STEPS},
    "cond_gan": {"latent_dim": 2, "hidden": 8, **STEPS},
    "dae": {"latent_dim": 2, "channels": 2, **STEPS},
    "unet": {"channels": 2, **STEPS},
}
RAW = TINY | {
    "models": MODELS,
    "training": TINY["training"] | {"batch_size": 26},
    "evaluation": {"test_images": 3, "judge": "lenet5"},
    "figures": "all",
}
# An experiment takes seconds and does not look at the images.
FIGURES = [
    figure
    for figure in catalogue.figures()
    if not any(read.startswith("experiments/") for read in catalogue.figure(figure).reads)
]


def letters():
    draws = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (55, 1, 8, 8), generator=draws).to(torch.uint8)
    labels = torch.tensor([*range(26), *range(26), *TEST_LABELS]).to(torch.uint8)
    return Images(pixels[3:], labels[:52], pixels[:3], labels[52:])


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The steps of the workflow, one after the other, in a folder of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("few"))
        data, chosen = letters(), params.check(RAW, "params.yaml")
        LAYOUT.data.mkdir(parents=True)
        shutil.copytree(ROOT / "reference", "reference")
        save_file(data.tensors(), LAYOUT.images, metadata={"checksum": checksum(data)})
        write_json(LAYOUT.description, {"sha256": checksum(data)})
        write_json(LAYOUT.plan, json.loads(canonical(plan_of(chosen))))
        runs = planned_runs(chosen)
        for run in runs:
            train_run(run.settings, LAYOUT.images, LAYOUT.run(run.name), "cpu", "code")
        names = [run.name for run in runs]
        for name in names:
            evaluate.main("digits", name, 3, judge=names[0], read=["judged"])
        tabulate.main("digits")
        embed_images.main("digits")
        embed_codes.main("digits", list(MODELS))
        yield chosen.figures_to_draw()


def test_every_run_has_ended(results):
    runs = read_runs(LAYOUT)
    assert set(runs["status"]) == {"finished"}
    assert runs["test_accuracy"].dropna().between(0, 1).all()
    judged = runs.set_index("entry")["sample_classes"].dropna()
    assert set(judged.index) >= {"gan", "cond_gan", "vae_bce"}
    assert judged.between(1, 26).all()


@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_is_drawn(results, figure):
    if figure in results:
        drawing = drawn(figure, Results(LAYOUT, tuple(results[figure])))
        assert not drawing.missing.startswith("It failed")
        drawing.figure.savefig(LAYOUT.results / "drawn.png")


def test_every_run_has_its_picture_and_the_report_its_plots(results):
    assert all(run.overview.exists() for run in map(LAYOUT.run, read_runs(LAYOUT)["run"]))
    interactive_step.main("digits", results["latent"])
    assert LAYOUT.interactive.exists()


def test_the_images_lie_in_the_plane_as_far_apart_as_they_are(results):
    pixels = letters().test_images.flatten(1).double().numpy() / 255
    expected = np.linalg.norm(pixels[:, None] - pixels[None], axis=2)
    for plane in load_file(LAYOUT.tensors("embedded_images")).values():
        found = np.linalg.norm(plane[:, None] - plane[None], axis=2)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("method", "points", "dimensions"),
    [
        (planes.pca, 2, 5),
        (planes.pca, 4, 1),
        (planes.tsne, 2, 5),
        (planes.tsne, 3, 1),
        (planes.tsne, 4, 1),
        (planes.umap, 2, 5),
        (planes.umap, 3, 1),
    ],
)
def test_few_points_have_a_place_in_the_plane(method, points, dimensions):
    draws = np.random.default_rng(0).random((points, dimensions), np.float32)
    assert method(draws).shape == (points, 2)
    assert np.isfinite(method(draws)).all()


def test_no_two_of_80_classes_look_alike():
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    scatter_by_class(axes, np.zeros((80, 2)), np.arange(80))
    looks = [
        (dots.get_paths()[0].vertices.tobytes(), tuple(colour))
        for dots in axes.collections
        for colour in dots.get_facecolor()
    ]
    assert len(looks) == len(set(looks)) == 80
