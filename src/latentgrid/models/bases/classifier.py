"""The base class of classifiers: log-probabilities and the cross entropy with the labels."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from latentgrid.data import Batch
from latentgrid.models import Losses, Model
from latentgrid.nets.dropout import draw_dropout_from


class CrossEntropyClassifier(Model):
    r"""A network of logits, trained by maximum likelihood; a subclass chooses the network.

    .. math::

        \mathcal{L}(x, y) = -\log p(y \mid x), \qquad
        p(y \mid x) = \frac{\exp h(x)_y}{\sum_{c} \exp h(x)_c}

    y is the class of the image x, and the network h gives a logit for each class c (source 001).

    Attributes:
        network: maps images (n, c, h, w) to logits (n, classes).
    """

    terms: ClassVar = {"cross_entropy": "nats per image"}
    loss_description: ClassVar = "cross entropy, nats per image"

    network: nn.Module

    def classify(self, images: Tensor) -> Tensor:
        """Map images (n, c, h, w) to log-probabilities (n, classes)."""
        return functional.log_softmax(self.network(images), dim=1)

    def losses(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return −log p(label│image) in nats per image; guessing gives log(classes).

        In training, dropout draws from `rng`.
        """
        draw_dropout_from(self, rng)
        log_probabilities = self.classify(batch.images)
        return {
            "cross_entropy": functional.nll_loss(log_probabilities, batch.labels, reduction="none")
        }
