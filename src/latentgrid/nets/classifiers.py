"""Classifiers that torchvision lacks, made of its parts."""

from typing import Any

from torch import Tensor, nn
from torchvision.models import AlexNet, ResNet, get_model
from torchvision.models.resnet import BasicBlock

PLAIN = {"plain18": [2, 2, 2, 2], "plain34": [3, 4, 6, 3]}  # blocks at each size


class PlainBlock(BasicBlock):  # type: ignore[misc]
    """The two convolutions of a ResNet's block, without the input that it adds to them."""

    def __init__(self, *sizes: Any, **others: Any) -> None:
        super().__init__(*sizes, **others)
        self.downsample = None

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inplanes, h, w) to (n, planes, h / stride, w / stride)."""
        middle = self.relu(self.bn1(self.conv1(x)))
        after: Tensor = self.relu(self.bn2(self.conv2(middle)))
        return after


def zfnet(classes: int) -> AlexNet:
    """Return the network of Zeiler and Fergus (2014, figure 3), for RGB images.

    AlexNet with smaller and denser first kernels, 7×7 and 5×5 at stride 2. As in torchvision's
    AlexNet there is no normalisation over channels.
    """
    network: AlexNet = AlexNet(num_classes=classes)
    network.features = nn.Sequential(
        nn.Conv2d(3, 96, kernel_size=7, stride=2, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, padding=1),
        nn.Conv2d(96, 256, kernel_size=5, stride=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, padding=1),
        nn.Conv2d(256, 384, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 384, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 256, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
    )
    return network


def classifier(name: str, classes: int) -> nn.Module:
    """Return a classifier of RGB images by its name, (n, 3, h, w) to logits (n, classes).

    It is one of torchvision's, `zfnet`, or a ResNet without its skip connections: `plain18` and
    `plain34` (He et al. 2016, table 1). GoogLeNet comes without its two classifiers at half
    the depth, which would see single pixels of small images.
    """
    if name in PLAIN:
        network: nn.Module = ResNet(PlainBlock, PLAIN[name], num_classes=classes)
    elif name == "zfnet":
        network = zfnet(classes)
    elif name == "googlenet":
        network = get_model(name, num_classes=classes, aux_logits=False, init_weights=False)
    else:
        network = get_model(name, num_classes=classes)
    return network
