"""A folder of images: one subfolder a class, or none; split by chance into training and test."""

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from latentgrid.data import Images
from latentgrid.data.contract import MAX_CLASSES, MIN_IMAGES, Size
from latentgrid.data.readers._pictures import (
    COLOUR,
    GREY,
    Cut,
    UnfitPictureError,
    as_array,
    has_alpha,
    is_grey,
    named,
    upright_size,
)
from latentgrid.errors import UserError, one_line
from latentgrid.grid.hyperparameters import Flag, FolderName, OptionalPixels, Part, Seed

T = TypeVar("T")
PARTS = ("train", "test")
# What Pillow raises on files that are cut short, corrupt, or larger than it takes to be safe.
FAULTS = (
    *(OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, KeyError),
    *(Image.DecompressionBombError, Image.DecompressionBombWarning, OverflowError, MemoryError),
)
MIN_SIDE = 4  # pixels
LONGEST_MARK = 16  # bytes at a file's beginning, from which Pillow tells formats apart
# Pillow knows PDF, videos and the like by their ends, and cannot read them.
SUFFIXES = frozenset(
    {
        *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".dib", ".tif", ".tiff"),
        *(".webp", ".avif", ".jp2", ".j2k", ".pgm", ".pbm", ".ppm", ".pnm", ".tga", ".ico"),
        *(".pcx", ".xbm", ".xpm"),
    }
)


@dataclass(frozen=True)
class Entry:
    """A file in the folder.

    Attributes:
        path: where it is.
        label: the number of its class.
        part: train or test, if the folder says so; else None.
    """

    path: Path
    label: int
    part: str | None


@dataclass(frozen=True)
class Header:
    """What a picture's header says: its size after the cut, and what is special about it."""

    shape: tuple[int, int]
    is_grey: bool
    has_alpha: bool
    is_animated: bool


class Folder:
    """Images in a folder of the user's.

    Each subfolder is a class and bears its name; what lies in folders below it counts too. Without
    subfolders the images have no labels. If the subfolders are `train` and `test`, they are the
    parts and classes lie in them. Hidden files and files that are no images by the ends of their
    names are left out.

    Args:
        folder: the folder.
        resize: side in pixels of the images: of each the largest square in its middle is scaled to
            it. None leaves them as they are; then all must be of one size.
        crop: side in pixels of the square that is cut from the middle before that; None for none.
        split: the share of each class's images that become test images, rounded, and at least one
            of two or more; of no meaning where the folder itself has `train` and `test`.
        seed: of the draw of the test images, and of the order of all.
        grey: whether colours are left out (ITU-R 601 luma, as Pillow does). Without it, images are
            grey if all of them are, else all are red, green and blue.
    """

    def __init__(
        self,
        folder: FolderName,
        resize: OptionalPixels = None,
        crop: OptionalPixels = None,
        split: Part = 0.2,
        seed: Seed = 0,
        grey: Flag = False,
    ) -> None:
        self.folder = folder
        self.cut = Cut(crop, resize)
        self.split, self.seed, self.grey = split, seed, grey

    def size(self) -> Size:
        """Return numbers and shape, from the names of all files and the headers of their pictures.

        Raises:
            UserError: there are too few images, or some are unfit; the text names all of these.
        """
        train, test = self._parts
        if min(self._shape) < MIN_SIDE:
            height, width = self._shape
            raise UserError(
                f"{self.folder}: the images have {width}×{height} pixels; allowed: {MIN_SIDE} or "
                f"more a side; set resize"
            )
        return Size(
            len(train), len(test), (self._channels, *self._shape), classes=max(1, len(self._names))
        )

    def load(self, folder: Path, mirror: str | None) -> Images:
        """Decode all images; nothing is stored in `folder`.

        Raises:
            UserError: `mirror` is set, or an image is cut short or corrupt; the text names all such
                files.
        """
        if mirror is not None:
            raise UserError("a folder of images is not fetched; leave out mirror:")
        for said in self._said():
            print(f"{self.folder}: {said}", flush=True)
        parts = [self._read(part) for part in self._parts]
        labels = [torch.tensor([entry.label for entry in part]) for part in self._parts]
        names = tuple(self._names) if len(self._names) > 1 else ()
        return Images(parts[0], labels[0], parts[1], labels[1], class_names=names)

    @cached_property
    def _root(self) -> Path:
        root = Path(self.folder).expanduser()
        if not root.is_dir():
            raise UserError(f"{self.folder}: is no folder")
        return root

    @cached_property
    def _has_parts(self) -> bool:
        found = {path.name for path in _folders(self._root)}
        seems_to = "train" in found or {name.lower() for name in found} == {*PARTS}
        if seems_to and found != {*PARTS}:
            raise UserError(
                f"{self.folder}: has the subfolders {', '.join(sorted(found))}; allowed: train and "
                f"test alone, with classes in them; or one subfolder a class"
            )
        return found == {*PARTS}

    @cached_property
    def _names(self) -> list[str]:
        """The names of the classes; empty if there are no labels."""
        roots = [self._root / part for part in PARTS] if self._has_parts else [self._root]
        return sorted({path.name for root in roots for path in _folders(root) if any(_files(path))})

    @cached_property
    def _entries(self) -> list[Entry]:
        """All images in the order of their names."""
        beside = [path for path in _inside(self._root) if _is_picture(path)]
        if beside and self._has_parts:
            raise UserError(
                f"{self.folder}: has images beside train and test, as {beside[0].name}; allowed: "
                f"train and test alone"
            )
        roots = (
            {part: self._root / part for part in PARTS} if self._has_parts else {None: self._root}
        )
        found = []
        for part, root in roots.items():
            loose = [path for path in _inside(root) if _is_picture(path)]
            if loose and self._names:
                raise UserError(
                    f"{root}: has images beside its subfolders, as {loose[0].name}; allowed: one "
                    f"subfolder a class, or images alone"
                )
            found += [Entry(path, 0, part) for path in loose]
            for label, name in enumerate(self._names):
                found += [Entry(path, label, part) for path in _files(root / name)]
        if len(self._names) > MAX_CLASSES:
            raise UserError(
                f"{self.folder}: has {len(self._names)} subfolders, each a class; allowed: up to "
                f"{MAX_CLASSES}"
            )
        if not found:
            raise UserError(
                f"{self.folder}: holds no images; allowed: {', '.join(sorted(SUFFIXES))}"
            )
        return found

    @cached_property
    def _parts(self) -> tuple[list[Entry], list[Entry]]:
        """Training images and test images, each in random order: figures show the first ones."""
        generator = torch.Generator().manual_seed(self.seed)
        if self._has_parts:
            parts = [[e for e in self._entries if e.part == part] for part in PARTS]
        else:
            parts = self._drawn(generator)
        train, test = (_shuffled(part, generator) for part in parts)
        if min(len(train), len(test)) < MIN_IMAGES:
            raise UserError(
                f"{self.folder}: gives {len(train)} training and {len(test)} test images; allowed: "
                f"{MIN_IMAGES} or more of both; add images, or change split"
            )
        untaught = {*range(len(self._names))} - {entry.label for entry in train}
        if untaught:
            raise UserError(f"{self._names[min(untaught)]}: has no training image; add some")
        return train, test

    def _drawn(self, generator: torch.Generator) -> list[list[Entry]]:
        """Return training and test images, drawn class by class."""
        test: set[Path] = set()
        for label in range(max(1, len(self._names))):
            of_class = [entry for entry in self._entries if entry.label == label]
            wanted = min(max(1, round(self.split * len(of_class))), len(of_class) - 1)
            test |= {entry.path for entry in _shuffled(of_class, generator)[:wanted]}
        return [
            [entry for entry in self._entries if entry.path not in test],
            [entry for entry in self._entries if entry.path in test],
        ]

    @cached_property
    def _headers(self) -> list[Header]:
        found = _of_each(self._entries, self._header)
        sizes = {header.shape for header in found}
        if len(sizes) > 1:
            raise UserError(self._mixed(found))
        return found

    def _header(self, entry: Entry) -> Header:
        with Image.open(entry.path) as picture:
            return Header(
                self.cut.size(*upright_size(picture)),
                is_grey(picture),
                has_alpha(picture),
                getattr(picture, "n_frames", 1) > 1,
            )

    def _mixed(self, found: Sequence[Header]) -> str:
        """Say how many images there are of each size, with one of each."""
        examples: dict[tuple[int, int], list[str]] = {}
        for entry, header in zip(self._entries, found, strict=True):
            examples.setdefault(header.shape, []).append(str(entry.path))
        listed = [
            f"{width}×{height}: {len(paths)}, as {paths[0]}"
            for (height, width), paths in sorted(examples.items(), key=lambda one: -len(one[1]))
        ]
        return (
            f"{self.folder}: the images have {len(listed)} sizes; set resize, as in resize: 64:"
            f"\n       {named(listed, most=10)}"
        )

    @property
    def _shape(self) -> tuple[int, int]:
        return self._headers[0].shape

    @property
    def _channels(self) -> int:
        return GREY if self.grey or all(header.is_grey for header in self._headers) else COLOUR

    def _said(self) -> Iterator[str]:
        """Yield what is done with images that are not plain."""
        grey = sum(header.is_grey for header in self._headers)
        if grey and self._channels == COLOUR:
            yield f"{grey} grey images become red, green and blue as the others are"
        if alpha := sum(header.has_alpha for header in self._headers):
            yield f"{alpha} images may be transparent and are laid on white"
        if animated := sum(header.is_animated for header in self._headers):
            yield f"of {animated} animations the first frame is taken"
        tested = {entry.label for entry in self._parts[1]}
        for name in (name for label, name in enumerate(self._names) if label not in tested):
            yield f"{name} has no test image"
        if len(self._names) == 1:
            yield f"has one class, {self._names[0]}, which labels nothing"
        others = [path for path in _everything(self._root) if not _is_picture(path)]
        if others:
            yield f"{len(others)} files are no images and left out, as {others[0]}"

    def _read(self, entries: Sequence[Entry]) -> Tensor:
        images = torch.empty(len(entries), self._channels, *self._shape, dtype=torch.uint8)
        places = iter(range(len(entries)))

        def read(entry: Entry) -> None:
            place = next(places)
            with Image.open(entry.path) as picture:
                images[place] = torch.from_numpy(as_array(picture, self._channels, self.cut).copy())

        _of_each(entries, read)
        return images


def _shuffled(entries: Sequence[Entry], generator: torch.Generator) -> list[Entry]:
    return [entries[i] for i in torch.randperm(len(entries), generator=generator).tolist()]


def _of_each(entries: Sequence[Entry], look: Callable[[Entry], T]) -> list[T]:
    """Return what is found in each file.

    Raises:
        UserError: some cannot be read; the text names them all, with the reason.
    """
    found, unfit = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        for entry in entries:
            try:
                found.append(look(entry))
            except FAULTS as error:
                unfit.append(f"{entry.path}: {_reason(entry.path, error)}")
    if unfit:
        many = f"{len(unfit)} images" if len(unfit) > 1 else "an image"
        raise UserError(f"{many} cannot be used; mend or remove:\n       {named(unfit)}")
    return found


def _reason(path: Path, error: BaseException) -> str:
    match error:
        case UnidentifiedImageError():
            return _unidentified(path)
        case UnfitPictureError():
            return str(error)
        case Image.DecompressionBombError() | Image.DecompressionBombWarning():
            return f"has more than {Image.MAX_IMAGE_PIXELS:,} pixels"
        case OSError() if error.strerror:
            return error.strerror
    return f"is damaged: {one_line(error)}"


def _unidentified(path: Path) -> str:
    """Say why Pillow does not know a file: nothing is in it, or too little, or no image."""
    with path.open("rb") as file:
        first = file.read(LONGEST_MARK)
    if not first:
        return "is empty"
    padded = first.ljust(LONGEST_MARK, b"\0")
    for name in Image.ID:
        _, begins = Image.OPEN[name]
        if begins and begins(padded) is True:
            return f"begins as {name} and is cut short or damaged"
    return "is no image that Pillow knows"


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def _inside(folder: Path) -> list[Path]:
    """Return what lies in a folder but folders and hidden files, sorted; dangling links too."""
    with _readable(folder):
        return sorted(p for p in folder.iterdir() if not p.name.startswith(".") and not p.is_dir())


def _folders(folder: Path) -> list[Path]:
    """Return the folders in a folder that are not hidden, links to folders too, sorted."""
    with _readable(folder):
        return sorted(p for p in folder.iterdir() if not p.name.startswith(".") and p.is_dir())


def _files(folder: Path) -> Iterator[Path]:
    """Yield the pictures in a folder and in those below it, in the order of their names."""
    return filter(_is_picture, _everything(folder))


def _everything(folder: Path) -> Iterator[Path]:
    """Yield all files in a folder and in those below it, but not behind a link to one above."""
    yield from _below(folder, frozenset(map(os.path.realpath, folder.absolute().parents)))


def _below(folder: Path, above: frozenset[str]) -> Iterator[Path]:
    place = os.path.realpath(folder)
    if place in above or not folder.is_dir():
        return
    yield from _inside(folder)
    for under in _folders(folder):
        yield from _below(under, above | {place})


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"{folder}: {error.strerror}") from None
