"""Larger classifiers by their names in torchvision, judges of images."""

from typing import Literal

import torch
from torch import Tensor, nn

from latentgrid.models import ImageShape
from latentgrid.models.bases.classifier import CrossEntropyClassifier
from latentgrid.nets.dropout import replace_dropout

RGB = 3
# The smallest side of an image for which each network's last layer gets at least one pixel, and its
# batch normalisation more than one value when a batch is a single image.
SIDES = {
    "alexnet": 63,
    "googlenet": 47,
    "plain18": 33,
    "plain34": 33,
    "resnet18": 33,
    "resnet34": 33,
    "vgg11": 32,
    "zfnet": 53,
}


class Classifier(CrossEntropyClassifier):
    """A large convolutional classifier from AlexNet to ResNet-34, not trained before.

    The families of source 001, as torchvision has them: AlexNet (Krizhevsky 2014), VGG-11
    (Simonyan and Zisserman 2015), GoogLeNet (Szegedy et al. 2015, with batch normalisation, and
    without its two classifiers at half the depth), ResNet-18 and -34 (He et al. 2016). And made of
    its parts: ZFNet (Zeiler and Fergus 2014), and `plain18` and `plain34`, the ResNets without
    their skip connections. They were made for large coloured images. So

    - images whose shorter side is below the network's in `SIDES` are enlarged to it, bilinearly;
    - a single channel is repeated; other numbers than one and three pass a learnt 1×1 convolution
      to three;
    - before the dense layers of AlexNet, ZFNet and VGG-11 there is no pooling to 6×6 or 7×7, which
      would only copy the few pixels that small images leave.

    Dropout stays, with draws from the run's generator; weights start as every model's do.
    """

    def __init__(
        self,
        image_shape: ImageShape,
        classes: int,
        network: Literal[
            "alexnet",
            "googlenet",
            "plain18",
            "plain34",
            "resnet18",
            "resnet34",
            "vgg11",
            "zfnet",
        ] = "resnet18",
    ) -> None:
        from latentgrid.nets.classifiers import classifier  # a second to import

        super().__init__()
        channels, height, width = image_shape
        enlarged = max(1.0, SIDES[network] / min(height, width))
        size = (round(enlarged * height), round(enlarged * width))
        body = classifier(network, classes)
        if hasattr(body, "features"):
            _leave_out_pooling(body, size)
        replace_dropout(body)
        self.network = nn.Sequential(
            nn.Upsample(size, mode="bilinear", align_corners=False), _to_rgb(channels), body
        )


class Repeat(nn.Module):
    """Repeats a single channel three times."""

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, 1, h, w) to (n, 3, h, w)."""
        return images.expand(-1, RGB, -1, -1)


def _to_rgb(channels: int) -> nn.Module:
    if channels == RGB:
        return nn.Identity()
    return Repeat() if channels == 1 else nn.Conv2d(channels, RGB, 1, bias=False)


@torch.no_grad()
def _leave_out_pooling(network: nn.Module, size: tuple[int, int]) -> None:
    """Remove the pooling and fit the first dense layer to what the convolutions return.

    Besides, adaptive pooling has no deterministic gradient on CUDA.

    Args:
        network: an AlexNet, ZFNet or VGG.
        size: height and width of the images.
    """
    left: Tensor = network.features(torch.zeros(1, RGB, *size))  # type: ignore[operator]
    dense: nn.Sequential = network.classifier  # type: ignore[assignment]
    place, first = next((i, x) for i, x in enumerate(dense) if isinstance(x, nn.Linear))
    dense[place] = nn.Linear(left.numel(), first.out_features)
    network.avgpool = nn.Identity()
