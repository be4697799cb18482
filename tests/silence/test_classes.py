"""How many classes there are is said by the data, to models, judges and what is kept of a run."""

from dataclasses import replace

import pytest
import torch

from latentgrid import models
from latentgrid.data import Images, checksum
from latentgrid.data.sources import Size
from latentgrid.errors import UserError
from latentgrid.grid import catalogue, reading
from latentgrid.models.bases.classifier import CrossEntropyClassifier
from latentgrid.nets.dense import dense
from latentgrid.results.loaded import load_model
from latentgrid.results.trained import TrainedRun
from latentgrid.training.run import made_with, new_model
from latentgrid.training.snapshots import snapshot
from latentgrid.training.trial import try_run, try_step
from networks import build
from tiny import LAYOUT, a_run, seal, tiny_results

SHAPE = (1, 8, 8)
SIZE = Size(52, 26, SHAPE, 26)
TOLD = ["classifier", "cond_gan", "lenet5"]


def letters(classes):
    """Images of so many classes, two of each to train on."""
    draws = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (3 * classes, *SHAPE), generator=draws).to(torch.uint8)
    labels = torch.arange(classes).to(torch.uint8)
    data = Images(pixels[classes:], labels.repeat(2), pixels[:classes], labels)
    return replace(data, checksum=checksum(data))


def settings(model, **hyperparameters):
    if "latent_dim" in catalogue.model_hyperparameters(model):
        hyperparameters["latent_dim"] = 2
    return {
        "model": model,
        "hyperparameters": hyperparameters,
        "optimizer": "adam",
        "learning_rate": 0.001,
        "precision": "float32",
        "epochs": 1,
        "batch_size": 26,
        "seed": 0,
        "snapshots": {"epochs": [1], "samples": 26, "manifold": 2},
    }


def test_the_data_count_their_classes():
    assert [letters(n).classes for n in (2, 4, 26, 256)] == [2, 4, 26, 256]


@pytest.mark.parametrize("model", TOLD)
@pytest.mark.parametrize("classes", [2, 4, 26])
def test_models_are_tried_with_as_many_classes_as_there_are(model, classes):
    try_run("a", settings(model), replace(SIZE, classes=classes))


@pytest.mark.parametrize("model", TOLD)
def test_a_model_that_is_shown_classes_is_refused_without_labels(model):
    with pytest.raises(UserError, match=r"a: is shown classes, and the images have no labels"):
        try_run("a", settings(model), replace(SIZE, classes=1))


@pytest.mark.parametrize("model", TOLD)
def test_the_number_of_classes_is_no_hyperparameter(model, raw_params):
    assert "classes" not in catalogue.model_hyperparameters(model)
    axes = {"optimizer": "adam", "learning_rate": 0.001, "classes": 10}
    if model == "cond_gan":
        axes["latent_dim"] = 2
    raw_params["models"] = {model: axes}
    with pytest.raises(UserError, match=rf"models\.{model}\.classes: unknown key"):
        reading.check(raw_params, "params.yaml")


@pytest.mark.parametrize("classes", [4, 26])
def test_a_judge_has_a_probability_for_each_class(classes):
    data = letters(classes)
    judge = new_model(settings("lenet5"), data, "cpu").eval()
    assert judge.classify(data.test_images.float() / 255).shape == (classes, classes)
    assert made_with(judge, data, settings("lenet5"), ("commit", "digest"))["classes"] == classes


def test_a_conditional_gan_makes_an_image_of_each_class():
    asked = []
    model = new_model(settings("cond_gan", hidden=4), letters(26), "cpu")
    model.generate = lambda codes, labels: asked.append(labels)
    model.sample(52, torch.Generator())
    assert asked[0].tolist() == [letter for letter in range(26) for _ in range(2)]


@pytest.mark.parametrize("label", [-1, 4, 12, 255])
def test_a_label_without_a_class_is_no_vector_of_zeros(label):
    model = build("cond_gan", shape=SHAPE, classes=4, hidden=4)
    assert model.one_hot(torch.arange(4)).tolist() == torch.eye(4).tolist()
    with pytest.raises(IndexError):
        model.one_hot(torch.tensor([0, label]))


class TenOutputs(CrossEntropyClassifier):
    """A classifier of somebody's that knows ten classes, whatever the data."""

    def __init__(self):
        super().__init__()
        self.network = dense([64, 10])


@pytest.mark.parametrize("classes", [4, 26])
def test_a_classifier_of_other_classes_than_the_datas_is_named(classes):
    with pytest.raises(UserError, match=r"^mine: fails when tried on images of 1×8×8: "):
        try_step("mine", TenOutputs(), settings("lenet5"), replace(SIZE, classes=classes))
    try_step("mine", TenOutputs(), settings("lenet5"), replace(SIZE, classes=10))


class Numbered(models.Model):
    """Puts each image into the cluster that its first two pixels spell, of 1,000."""

    def losses(self, batch, generator):
        raise NotImplementedError

    def cluster(self, images):
        pixels = (images[:, 0, 0, :2] * 255).round().long()
        return torch.eye(1000)[pixels[:, 0] * 256 + pixels[:, 1]]


def test_clusters_above_255_do_not_wrap():
    numbers = torch.tensor([0, 255, 256, 300, 999])
    images = torch.zeros(5, *SHAPE, dtype=torch.uint8)
    images[:, 0, 0, 0], images[:, 0, 0, 1] = numbers // 256, numbers % 256
    data = Images(images, numbers.byte(), images, numbers.byte())
    assert snapshot(Numbered(), data, 0, 1, 2)["clusters"].tolist() == numbers.tolist()


def test_a_class_of_256_is_kept():
    data = letters(256)
    model = new_model(settings("lenet5"), data, "cpu")
    with torch.no_grad():
        model.network[-2].bias[255] = 1e6
    assert snapshot(model, data, 0, 1, 2)["classes"].tolist() == [255] * 256


def test_a_trained_network_is_restored_with_its_classes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiny_results(letters(10), [a_run("lenet5")])
    judge = load_model(TrainedRun(LAYOUT.run("lenet5/0")))
    assert judge.classify(torch.zeros(1, *SHAPE)).shape == (1, 10)
    path = LAYOUT.run("lenet5/0").config
    path.write_text(path.read_text().replace('"classes": 10', '"grades": 10'))
    seal(LAYOUT.run("lenet5/0"))
    with pytest.raises(UserError, match="lacks classes"):
        load_model(TrainedRun(LAYOUT.run("lenet5/0")))
