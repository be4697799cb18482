"""Untrained models, built as a training builds them."""

import torch

from latentgrid import models
from latentgrid.grid import catalogue
from latentgrid.randomness import generator, seed_of

MNIST_SHAPE = (1, 28, 28)


def build(name, latent_dim=3, shape=MNIST_SHAPE, seed=0, classes=10, **hyperparameters):
    if "latent_dim" in catalogue.model_hyperparameters(name):
        hyperparameters["latent_dim"] = latent_dim
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "construction"))
        model = models.build({"model": name, "hyperparameters": hyperparameters}, shape, classes)
    model.initialise(generator(seed, "weights"))
    return model
