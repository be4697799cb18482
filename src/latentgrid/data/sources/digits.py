"""scikit-learn's handwritten digits: 1,797 images that come with the library, for any machine."""

from pathlib import Path

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.nn import functional as F

from latentgrid.data import Images
from latentgrid.data.sources import Size

SIDE = 28
SIZE = Size(1_437, 360, (1, SIDE, SIDE), classes=10)
SAME_FROM_ANY_MIRROR = True  # it fetches nothing
MAX_INTENSITY = 16
TEST_SHARE = 0.2


def load(folder: Path, mirror: str | None) -> Images:
    """Return the 8×8 digits enlarged to 28×28: 1,437 to train on, 360 to test on, by class."""
    digits = load_digits()
    small = torch.from_numpy(digits.images).float()[:, None] / MAX_INTENSITY
    large = F.interpolate(small, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    images = large.mul(255).round().to(torch.uint8)
    labels = torch.from_numpy(digits.target).to(torch.uint8)
    train, test = train_test_split(
        range(len(labels)), test_size=TEST_SHARE, stratify=labels, random_state=0
    )
    return Images(images[train], labels[train], images[test], labels[test])
