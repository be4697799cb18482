"""pythae's trainer (Chadebec, Vincent and Allassonnière 2022), with its losses and our networks."""

import logging
import tempfile
from collections.abc import Callable
from typing import Any

from pythae.data.datasets import BaseDataset
from pythae.models import VAE, WAE_MMD, VAEConfig, WAE_MMD_Config
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from torch import Tensor, nn

from implementations.task import CLASSES, Task
from latentgrid import models

LOSS = {"vae": "mse", "conv_vae": "mse", "conv5_vae": "bce"}


class Encoder(BaseEncoder):
    """An encoder of ours, whose outputs are mean and log-variance."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> ModelOutput:
        """Return both."""
        mean, log_variance = self.network(images).chunk(2, dim=1)
        return ModelOutput(embedding=mean, log_covariance=log_variance)


class PlainEncoder(Encoder):
    """An encoder of ours, whose outputs are codes."""

    def forward(self, images: Tensor) -> ModelOutput:
        """Return them."""
        return ModelOutput(embedding=self.network(images))


class Decoder(BaseDecoder):
    """A decoder of ours."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, codes: Tensor) -> ModelOutput:
        """Return the images."""
        return ModelOutput(reconstruction=self.network(codes))


def prepare(task: Task) -> Callable[[], object]:
    """Return what trains for one epoch, without evaluation, checkpoints and copies of the model."""
    logging.disable(logging.INFO)
    ours: Any = models.build(task.settings, task.shape, CLASSES)
    shape, d = task.shape, task.hyperparameters["latent_dim"]
    decoder = Decoder(ours.decoder)
    if task.model == "mmd_vae":
        config = WAE_MMD_Config(input_dim=shape, latent_dim=d)
        model = WAE_MMD(config, PlainEncoder(ours.encoder), decoder)
    else:
        config = VAEConfig(input_dim=shape, latent_dim=d, reconstruction_loss=LOSS[task.model])
        model = VAE(config, Encoder(ours.encoder), decoder)
    settings = BaseTrainerConfig(
        output_dir=tempfile.mkdtemp(),
        per_device_train_batch_size=task.batch_size,
        learning_rate=task.learning_rate,
        no_cuda=task.device == "cpu",
    )
    data = BaseDataset(task.images.float() / 255, task.labels)
    trainer = BaseTrainer(model, data, training_config=settings)
    trainer.prepare_training()
    return lambda: trainer.train_step(1)
