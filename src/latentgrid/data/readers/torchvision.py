"""Data sets for image classification that torchvision has, by their names there."""

import http.client
import inspect
import os
import shutil
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
import torch
from PIL import Image
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential
from torch import Tensor
from torchvision import datasets
from torchvision.datasets import celeba, utils

from latentgrid.data import Images
from latentgrid.data.contract import Size
from latentgrid.data.readers._pictures import COLOUR, GREY, Cut, UnfitPictureError, as_array
from latentgrid.errors import UserError, one_line
from latentgrid.files.atomic import replacing
from latentgrid.grid.hyperparameters import Flag, OptionalPixels, OptionalText, Text

SAME_FROM_ANY_MIRROR = True  # torchvision knows each archive's checksum
NAMES = (
    "FashionMNIST",
    "KMNIST",
    "EMNIST",
    "QMNIST",
    "USPS",
    "CIFAR10",
    "CIFAR100",
    "SVHN",
    "CelebA",
    "STL10",
    "GTSRB",
    "Flowers102",
    "Food101",
    "OxfordIIITPet",
    "DTD",
    "FGVCAircraft",
    "Country211",
    "Imagenette",
)
ATTEMPTS = 3
SECONDS_OF_SILENCE = 30
MAX_BYTES = 2**35  # of an archive; the largest here, Country211's, has 2**33.4
FAULTS = (URLError, http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError)


@dataclass(frozen=True)
class Known:
    """What is known of a data set before it is fetched.

    Attributes:
        train, test: the numbers of images.
        classes: the number of classes.
        shape: channels, height and width; None for colour images of several sizes.
        parts: torchvision's names of the parts that are trained and tested on.
    """

    train: int
    test: int
    classes: int
    shape: tuple[int, int, int] | None = None
    parts: tuple[str, str] = ("train", "test")


OF_MNIST = Known(60_000, 10_000, 10, (1, 28, 28))
# As the data sets' own publications count them; `contract.check_data` compares what is fetched.
SETS = {
    "FashionMNIST": OF_MNIST,
    "KMNIST": OF_MNIST,
    "QMNIST": Known(60_000, 60_000, 10, (1, 28, 28)),
    "USPS": Known(7_291, 2_007, 10, (1, 16, 16)),
    "CIFAR10": Known(50_000, 10_000, 10, (3, 32, 32)),
    "CIFAR100": Known(50_000, 10_000, 100, (3, 32, 32)),
    "SVHN": Known(73_257, 26_032, 10, (3, 32, 32)),
    "CelebA": Known(162_770, 19_962, 1, (3, 218, 178)),
    "STL10": Known(5_000, 8_000, 10, (3, 96, 96)),
    "GTSRB": Known(26_640, 12_630, 43),
    "Flowers102": Known(1_020, 6_149, 102),
    "Food101": Known(75_750, 25_250, 101),
    "OxfordIIITPet": Known(3_680, 3_669, 37, parts=("trainval", "test")),
    "DTD": Known(1_880, 1_880, 47),
    "FGVCAircraft": Known(6_667, 3_333, 100, parts=("trainval", "test")),
    "Country211": Known(31_650, 21_100, 211),
    "Imagenette": Known(9_469, 3_925, 10, parts=("train", "val")),
}
# Of EMNIST (Cohen et al. 2017, table II).
SUBSETS = {
    "balanced": Known(112_800, 18_800, 47, (1, 28, 28)),
    "byclass": Known(697_932, 116_323, 62, (1, 28, 28)),
    "bymerge": Known(697_932, 116_323, 47, (1, 28, 28)),
    "letters": Known(124_800, 20_800, 26, (1, 28, 28)),
    "digits": Known(240_000, 40_000, 10, (1, 28, 28)),
    "mnist": OF_MNIST,
}
NOT_A_CLASS = "N/A"  # what torchvision calls class 0 of EMNIST's letters, which no image is of


class Torchvision:
    """A data set of torchvision's, split into training and test as it was published.

    Args:
        torchvision: its name there, as CIFAR10.
        subset: of EMNIST, which of its six: balanced, byclass, bymerge, letters, digits or mnist;
            None is balanced.
        label: of CelebA, the attribute that is the label, as Smiling; None for no labels.
        resize: side in pixels of the images: of each the largest square in its middle is scaled to
            it. None leaves them as they are.
        crop: side in pixels of the square that is cut from the middle before that; None for none.
        grey: whether colours are left out (ITU-R 601 luma, as Pillow does).
    """

    def __init__(
        self,
        torchvision: Text,
        subset: OptionalText = None,
        label: OptionalText = None,
        resize: OptionalPixels = None,
        crop: OptionalPixels = None,
        grey: Flag = False,
    ) -> None:
        self.name, self.subset, self.label = torchvision, subset, label
        self.cut, self.grey = Cut(crop, resize), grey

    def size(self) -> Size:
        """Return the published size, after cutting.

        Raises:
            UserError: an option does not fit the data set.
        """
        known = self._known()
        if self.label is not None and self.name != "CelebA":
            raise UserError(f"label: is an option of CelebA; {self.name} has one label an image")
        if known.shape is None:
            if self.cut.resize is None:
                raise UserError(f"{self.name} has images of several sizes; set resize, as in 64")
            shape = (COLOUR, self.cut.resize, self.cut.resize)
        else:
            channels, height, width = known.shape
            try:
                shape = (channels, *self.cut.size(width, height))
            except UnfitPictureError as error:
                raise UserError(f"an image of {self.name} {error}") from None
        classes = known.classes if self.label is None else 2
        return Size(known.train, known.test, (GREY if self.grey else shape[0], *shape[1:]), classes)

    def load(self, folder: Path, mirror: str | None) -> Images:
        """Fetch the archives that torchvision names, and read them by its own code.

        Archives stay in `folder`; what they are unpacked to is removed at the end.

        Args:
            folder: where the archives are kept.
            mirror: URL or folder to ask for the archives by their names; None for their own places.

        Raises:
            UserError: an archive cannot be fetched or has another checksum than torchvision knows.
        """
        unpacked = folder / "unpacked"
        shutil.rmtree(unpacked, ignore_errors=True)
        archives = Archives(folder, mirror)
        try:
            with archives.given_to_torchvision():
                train, test = (self._part(unpacked, part, archives) for part in self._known().parts)
                names = self._class_names(train)
            parts = [_mixed(*self._read(part)) for part in (train, test)]
        finally:
            shutil.rmtree(unpacked, ignore_errors=True)
        return Images(*parts[0], *parts[1], class_names=names)

    def _known(self) -> Known:
        if self.name != "EMNIST":
            if self.subset is not None:
                raise UserError(f"subset: is an option of EMNIST; {self.name} has none")
            return SETS[self.name]
        if (self.subset or "balanced") not in SUBSETS:
            raise UserError(f"subset: found {self.subset!r}; allowed: {', '.join(SUBSETS)}")
        return SUBSETS[self.subset or "balanced"]

    def _part(self, root: Path, part: str, archives: "Archives") -> Any:
        """Return a part of torchvision's data set; its items are a picture and a label."""
        make = getattr(datasets, self.name)
        given: dict[str, Any] = {"root": root, "download": True}
        if self.name == "EMNIST":
            given |= {"split": self.subset or "balanced", "train": part == "train"}
        elif "train" in inspect.signature(make).parameters:
            given["train"] = part == "train"
        else:
            given["split"] = part
        root.mkdir(parents=True, exist_ok=True)
        try:
            return make(**given)
        except (RuntimeError, *FAULTS, EOFError, ValueError) as error:
            archives.forget()
            raise UserError(archives.fault(self.name, error)) from None

    def _class_names(self, part: Any) -> tuple[str, ...]:
        if self.name == "CelebA":
            if self.label is None:
                return ()
            if self.label not in part.attr_names:
                listed = ", ".join(filter(None, part.attr_names))
                raise UserError(f"label: found {self.label!r}; allowed: {listed}")
            return (f"not {self.label}", self.label)
        # Imagenette's are ("tench", "Tinca tinca"), QMNIST's "0 - zero"; SVHN and USPS have none.
        classes = getattr(part, "classes", ())
        firsts = (name[0] if isinstance(name, tuple) else name for name in classes)
        named = (name.partition(" - ")[0] for name in firsts)
        return tuple(name for name in named if name != NOT_A_CLASS)

    def _read(self, part: Any) -> tuple[Tensor, Tensor]:
        size = self.size()
        images = torch.empty(len(part), *size.shape, dtype=torch.uint8)
        labels = torch.empty(len(part), dtype=torch.int64)
        column = part.attr_names.index(self.label) if self.label else None
        for place in range(len(part)):
            picture, label = part[place]
            images[place] = torch.from_numpy(self._pixels(picture, size.shape[0]).copy())
            labels[place] = self._label(label, column)
        return images, labels - self._first_label()

    def _pixels(self, picture: Image.Image, channels: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        if self.name == "EMNIST":  # its files hold the images with rows and columns exchanged
            picture = picture.transpose(Image.Transpose.TRANSPOSE)
        return as_array(picture, channels, self.cut)

    def _label(self, label: Any, column: int | None) -> int:
        if self.name == "CelebA":
            return 0 if column is None else int(label[column])
        return int(label)

    def _first_label(self) -> int:
        return 1 if self.subset == "letters" else 0


def _mixed(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return images that come class by class in random order, others as they are.

    Figures and measures take the first ones.
    """
    if len(labels) < 2 or labels.max() == 0 or bool((labels.diff() < 0).any()):  # noqa: PLR2004
        return images, labels
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    return images[order], labels[order]


@dataclass(frozen=True)
class Archives:
    """Fetches archives for torchvision, and keeps them.

    Attributes:
        folder: where they are kept.
        mirror: URL or folder to ask, by the archives' names; None for the places torchvision names.
        fetched: those that torchvision was given in this call.
    """

    folder: Path
    mirror: str | None
    fetched: list[Path] = field(default_factory=list)

    @contextmanager
    def given_to_torchvision(self) -> Iterator[None]:
        """Let torchvision fetch through here, whatever its data set; it verifies what it gets."""
        of_drive = celeba.download_file_from_google_drive
        with (
            patch.object(utils, "_is_remote_location_available", lambda: True),
            patch.object(utils, "_download_file_from_remote_location", self._give),
            patch.object(celeba, "download_file_from_google_drive", self._from_drive(of_drive)),
        ):
            yield

    def fault(self, name: str, error: Exception) -> str:
        """Return what to do where torchvision could not be given what it asked for."""
        last = self.fetched[-1].name if self.fetched else "its archives"
        place = f" from {self.mirror}" if self.mirror else ""
        return (
            f"{name}: {last} cannot be had{place}: {one_line(error)}; set `mirror:` in params.yaml "
            f"to a URL or folder that holds it"
        )

    def forget(self) -> None:
        """Delete the archive that was fetched last, which torchvision found corrupt."""
        if self.fetched:
            self.fetched[-1].unlink(missing_ok=True)

    def _give(self, place: str, url: str) -> None:
        """Give torchvision the archive of a URL, at the place where it wants it."""
        kept = self.folder / Path(place).name
        self.fetched.append(kept)
        if not kept.exists():
            self._fetch(url, kept)
        try:
            os.link(kept, place)
        except OSError:  # a file system without links
            shutil.copyfile(kept, place)

    def _from_drive(self, of_drive: Callable[..., None]) -> Callable[..., None]:
        """Return what gives torchvision a file of Google Drive's, which needs a library to ask."""

        def give(
            file_id: str, root: str | Path, filename: str | None = None, md5: str | None = None
        ) -> None:
            name = filename or file_id
            self.folder.mkdir(parents=True, exist_ok=True)
            if self.mirror is None and not (self.folder / name).exists():
                self.fetched.append(self.folder / name)
                of_drive(file_id, self.folder, name, md5)
            utils.download_url(f"{file_id}/{name}", str(root), name, md5)

        return give

    def _fetch(self, url: str, kept: Path) -> None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        if self.mirror is None:
            self._download(url, kept)
        elif self.mirror.lower().startswith(("http://", "https://")):
            self._download(f"{self.mirror.rstrip('/')}/{kept.name}", kept)
        else:
            self._copy(Path(self.mirror), kept)

    def _copy(self, mirror: Path, kept: Path) -> None:
        try:
            archive = mirror.expanduser() / kept.name
            if not archive.is_file():
                raise ValueError(f"neither a URL nor a folder that holds {kept.name}")
            with replacing(kept) as part:
                shutil.copyfile(archive, part)
        except (PermissionError, RuntimeError) as error:
            raise ValueError(one_line(error)) from None

    def _download(self, url: str, kept: Path) -> None:
        retrying = Retrying(
            retry=retry_if_exception_type(FAULTS),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential(multiplier=0.5),
            reraise=True,
        )
        retrying(_stream, url, kept)


def _stream(url: str, kept: Path) -> None:
    """Write what a URL answers to a file, up to MAX_BYTES."""
    with (
        urlopen(url, timeout=SECONDS_OF_SILENCE) as answer,  # noqa: S310 - http or https
        replacing(kept) as part,
        part.open("wb") as file,
    ):
        left = MAX_BYTES
        while left and (content := answer.read(min(left, 2**20))):
            file.write(content)
            left -= len(content)
