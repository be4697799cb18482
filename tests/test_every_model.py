"""config/models.yaml through the real pipeline, one short run a model."""

import json

import pandas as pd
import pytest
import yaml

from latentgrid.files.layout import Layout
from latentgrid.grid import catalogue, reading
from project import ROOT, copy_project, has_nothing_to_do, run, without_links, write_params

LAYOUT = Layout("digits")
FILE = ROOT / "config" / "models.yaml"


# One for each ability that a model may have; all others are drawn of a few models elsewhere, and
# toy experiments and embeddings, whose libraries compile for half a minute, are made elsewhere too.
FIGURES = (
    "denoising",
    "latent",
    "learning_curves",
    "manifold",
    "marginal_effects",
    "rate_distortion",
    "reconstructions",
    "samples",
)


def short(raw):
    """The same entries with one value on each axis, one epoch (the mixture two) and few draws."""
    first = {
        name: {
            axis: values[0] if isinstance(values, list) else values
            for axis, values in entry.items()
            if axis not in ("epochs", "batch_size")
        }
        for name, entry in raw["models"].items()
    }
    first["gmvae"] |= {"pretraining": 1, "epochs": 2}
    for entry in first.values():
        if "channels" in entry:
            entry["channels"] = 4
    training = {"epochs": 1, "batch_size": 100, "device": "cpu", "jobs_per_gpu": 1}
    snapshots = {"epochs": [0, 1], "samples": 20, "manifold": 4}
    evaluation = raw["evaluation"] | {"likelihood": {"images": 2, "draws": 20}}
    few = {"training": training, "snapshots": snapshots, "evaluation": evaluation}
    few["figures"] = list(FIGURES)
    return raw | {"models": first} | few


def test_the_file_names_every_model():
    entries = reading.load([FILE]).models.values()
    assert {entry.model for entry in entries} == set(catalogue.models())


@pytest.mark.slow
def test_every_model_is_trained_measured_drawn_and_reported(tmp_path):
    project = copy_project(tmp_path / "project")
    write_params(project, short(yaml.safe_load(FILE.read_text())))
    run(project, "snakemake", "--cores", "2")

    runs = pd.read_csv(project / LAYOUT.tables / "runs.csv").set_index("entry")
    assert set(runs["model"]) == set(catalogue.models())
    assert set(runs["status"]) == {"finished"}
    assert runs["train_loss"].notna().all()
    assert runs["test_loss"].notna().all()
    # What each can do is measured, and nothing else.
    reconstructing = runs.index[runs["test_squared_error"].notna()]
    assert {"pca", "unet", "aae", "flow"} - set(reconstructing) == {"flow"}
    assert set(runs.index[runs["clustering_accuracy"].notna()]) == {"gmvae", "gmvae_2016"}
    assert set(runs.index[runs["test_accuracy"].notna()]) == {
        "lenet5",
        "lenet5_1998",
        "classifier",
    }
    assert set(runs.index[runs["mean_iou"].notna()]) == {"unet_segmentation"}
    judged = runs["sample_confidence"].dropna()
    assert {"gan", "cond_gan", "wgan", "flow", "vae"} <= set(judged.index)
    assert judged.between(0.1, 1).all()
    assert (runs.loc[judged.index, "sample_classes"] >= 1).all()
    bounded = runs.dropna(subset=["importance_bound"])
    with_density = {"vae", "conv_vae", "vae_bce", "beta_vae", "conv5_vae", "gmvae"}
    with_density |= {"gmvae_2016", "vamp_vae"}
    assert set(bounded.index) == with_density
    assert set(runs.index[runs["active_units"].notna()]) == with_density
    assert (bounded["elbo"] <= bounded["importance_bound"]).all()
    # What a run was made with names the libraries that it used.
    for entry, library in (("pca", "scikit-learn"), ("flow", "zuko"), ("vae", "torch")):
        config = json.loads((project / LAYOUT.run(runs.loc[entry, "run"]).config).read_text())
        assert library in config["libraries"]
    page = without_links(project / LAYOUT.report)
    for model in catalogue.models():
        assert catalogue.description(model).split(",")[0].replace("'", "&#39;") in page
    assert has_nothing_to_do(project, "-n")
