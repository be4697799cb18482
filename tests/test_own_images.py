"""docs/data.md: its configurations are accepted, and its five minutes with one's own images."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from latentgrid.data.readers import torchvision
from latentgrid.data.sources import size
from latentgrid.grid import catalogue, components, reading
from project import copy_project, run, write_params

PAGE = (Path(__file__).parents[1] / "docs" / "data.md").read_text()
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.S)]
OWN = next(block for block in BLOCKS if "models" in block)
CLASSES = ("daisy", "wild rose")


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: str(block["dataset"]))
def test_the_configurations_of_the_page_are_accepted(block):
    assert reading.check({"models": {"pca": {"latent_dim": 2}}} | block, "docs/data.md").dataset


def test_the_page_has_every_option_and_every_data_set():
    for reader in components.names("readers"):
        for option in catalogue.options_schema(reader).model_fields:
            assert f"`{option}`" in PAGE or f"{option}:" in PAGE
    for name in torchvision.NAMES:
        assert f"`{name.lower()}`" in PAGE
    for name in ("qmnist", "emnist", "usps", "svhn", "stl10", "celeba"):
        known = size(name)
        assert f"{known.train:,} + {known.test:,}" in PAGE
        assert " × ".join(map(str, known.shape)) in PAGE


def draw_flowers(folder):
    draws = np.random.default_rng(0)
    for number, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for i in range(60):
            pixels = draws.integers(120, 255, (20 + i % 5, 24, 3)).astype(np.uint8)
            pixels[6:14, 8:16, number] = 0
            Image.fromarray(pixels).save(folder / name / f"{i}.png")


@pytest.mark.slow
@pytest.mark.xdist_group("own images")
def test_your_own_images_in_five_minutes(tmp_path):
    project = copy_project(tmp_path / "project")
    draw_flowers(project / "flowers")
    few = {"training": {"epochs": 1, "batch_size": 32}, "evaluation": {"judge": "lenet5"}}
    few["evaluation"]["likelihood"] = None
    few["figures"] = ["latent", "class_means", "reconstructions"]
    write_params(project, OWN | few)
    run(project, "snakemake", "--cores", "2")
    results = project / "results/flowers,resize=32"
    assert (pd.read_csv(results / "tables/runs.csv")["status"] == "finished").all()
    page = (results / "report.html").read_text()
    shown = re.sub(r"<script.*?</script>|<style.*?</style>|base64,[^\"]*", "", page, flags=re.S)
    assert "wild rose" in page
    assert "(2 at best)" in shown
    assert "digit" not in shown
    # Studies that are not judged, as they are about other images, and nothing else.
    assert {line for line in shown.splitlines() if "MNIST" in line} == {
        line for line in shown.splitlines() if "Not judged here" in line
    }
    again = yaml.safe_load((results / "models/pca.yaml").read_text())
    assert again["dataset"] == {"folder": "flowers", "resize": 32}

    def would_train():
        return "to train: " in run(project, "snakemake", "-n").stderr

    assert not would_train()
    (project / "flowers/daisy/0.png").touch()
    assert not would_train()
    (project / "flowers/daisy/0.png").unlink()
    assert would_train()
