"""Untrained models, built as a training builds them."""

from latentgrid.contracts.models import MNIST as MNIST_SHAPE
from latentgrid.contracts.models import build_untrained
from latentgrid.grid import catalogue

# What lets a model train on fewer images than its default needs.
ON_FEW_IMAGES = {"vamp_vae": {"pseudo_inputs": 5}}


def build(name, latent_dim=3, shape=MNIST_SHAPE, seed=0, classes=10, **hyperparameters):
    if "latent_dim" in catalogue.model_hyperparameters(name):
        hyperparameters["latent_dim"] = latent_dim
    hyperparameters = ON_FEW_IMAGES.get(name, {}) | hyperparameters
    return build_untrained(name, shape, seed, classes, **hyperparameters)
