"""Images of sides that a network cannot take are named with the run, in one line."""

import warnings

import pytest

from latentgrid.data.sources import Size
from latentgrid.errors import UserError
from latentgrid.grid import catalogue
from latentgrid.training.trial import try_run

CONVOLUTIONAL = {
    "conv_vae": {},
    "mmd_vae": {},
    "conv5_vae": {},
    "conv_ae": {"channels": 4},
    "dae": {"channels": 4},
    "unet": {"channels": 4},
    "gan": {"network": "conv", "channels": 4},
    "cond_gan": {"network": "conv", "channels": 4},
    "wgan": {"network": "conv", "channels": 4},
}


def tried(model, shape, **hyperparameters):
    if "latent_dim" in catalogue.model_hyperparameters(model):
        hyperparameters["latent_dim"] = 2
    settings = {
        "model": model,
        "hyperparameters": hyperparameters,
        "optimizer": "adam",
        "learning_rate": 0.001,
        "precision": "float32",
        "epochs": 2,
        "batch_size": 10,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try_run(f"{model}/seed=0", settings, Size(100, 10, shape, 4))


@pytest.mark.parametrize("model", CONVOLUTIONAL)
@pytest.mark.parametrize("sides", [(1, 1), (2, 2), (3, 5), (5, 5), (6, 8), (30, 30), (28, 30)])
def test_sides_that_cannot_be_halved_twice_are_named(model, sides):
    height, width = sides
    with pytest.raises(UserError) as caught:
        tried(model, (1, *sides), **CONVOLUTIONAL[model])
    smallest = 4 if model == "conv5_vae" else 8
    assert str(caught.value) == (
        f"{model}/seed=0: fails when tried on images of 1×{height}×{width}: images of "
        f"{height}×{width} pixels do not fit this network; allowed: multiples of 4, {smallest} or "
        "more"
    )


@pytest.mark.parametrize("model", CONVOLUTIONAL)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 12)])
def test_multiples_of_4_fit(model, shape):
    tried(model, shape, **CONVOLUTIONAL[model])
