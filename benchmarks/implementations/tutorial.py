"""A training loop as tutorials write it: torchvision's MNIST, ToTensor, a DataLoader, Adam."""

import struct
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torchvision.datasets import MNIST
from torchvision.transforms import ToTensor

from implementations.task import CLASSES, Task
from latentgrid import models
from latentgrid.data import Batch

UNSIGNED_BYTE = 8


def prepare(task: Task) -> Callable[[], object]:
    """Return what trains for one epoch."""
    loader = DataLoader(_dataset(task), batch_size=task.batch_size, shuffle=True)
    model = models.build(task.settings, task.shape, CLASSES).to(task.device)
    optimizer = torch.optim.Adam(model.parameters(), lr=task.learning_rate)
    noise = torch.Generator(task.device)

    def train() -> float:
        model.train()
        total = 0.0
        for images, labels in loader:
            batch = Batch(images.to(task.device), labels.to(task.device))
            optimizer.zero_grad()
            loss = model.batch_loss(model.losses(batch, noise))
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.item()
            optimizer.step()
        return total / len(loader)

    return train


def _dataset(task: Task) -> MNIST:
    """Return the images as torchvision reads them from the four files of MNIST."""
    folder = Path(tempfile.mkdtemp())
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("train", "t10k"):
        _write(raw / f"{part}-images-idx3-ubyte", task.images[:, 0])
        _write(raw / f"{part}-labels-idx1-ubyte", task.labels)
    return MNIST(str(folder), train=True, transform=ToTensor())


def _write(path: Path, tensor: Tensor) -> None:
    head = struct.pack(f">BBBB{tensor.dim()}I", 0, 0, UNSIGNED_BYTE, tensor.dim(), *tensor.shape)
    path.write_bytes(head + tensor.numpy().tobytes())
