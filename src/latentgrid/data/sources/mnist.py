"""MNIST (LeCun, Cortes and Burges) by torchvision, from the first mirror that has all its files."""

import hashlib
import shutil
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential
from torchvision.datasets import MNIST

from latentgrid.data import Images
from latentgrid.data.sources import Size
from latentgrid.errors import UserError, one_line
from latentgrid.files.atomic import replacing, sha256

SHA256 = {
    "train-images-idx3-ubyte.gz": (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
    ),
    "train-labels-idx1-ubyte.gz": (
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
    ),
    "t10k-images-idx3-ubyte.gz": (
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
    ),
}
BYTES = {
    "train-images-idx3-ubyte.gz": 9_912_422,
    "train-labels-idx1-ubyte.gz": 28_881,
    "t10k-images-idx3-ubyte.gz": 1_648_877,
    "t10k-labels-idx1-ubyte.gz": 4_542,
}
# Not every OSError, as a full disk is not the mirror's fault. ValueError: a text that is no URL.
MIRROR_FAULTS = (URLError, HTTPException, ConnectionError, TimeoutError, ssl.SSLError, ValueError)
SIZE = Size(60_000, 10_000, (1, 28, 28), classes=10)
SAME_FROM_ANY_MIRROR = True  # each archive has the checksum above, or is refused
MIRRORS = (*MNIST.mirrors, "https://storage.googleapis.com/cvdf-datasets/mnist/")
ATTEMPTS = 3
SECONDS_OF_SILENCE = 30


class _NoMirrorError(Exception):
    """No mirror served all archives; the text says why, a line for each."""


def load(folder: Path, mirror: str | None) -> Images:
    """Fetch, verify and read the four archives.

    Archives stay in `folder`, so that an interrupted download continues with the next file. An
    archive is unpacked only after its checksum was verified; unpacked files are removed at the end.

    Args:
        folder: where the archives are kept.
        mirror: URL or folder to ask instead of the public mirrors.

    Raises:
        UserError: no mirror served a file with the right checksum.
    """
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    if mirror and not mirror.lower().startswith(("http://", "https://")):
        _copy(mirror, raw)
    else:
        _download(raw, (mirror.rstrip("/") + "/",) if mirror else MIRRORS)
    with _unpacked_only_here(raw):
        # torchvision finds the archives there and fetches nothing.
        train, test = (MNIST(folder, train=train, download=True) for train in (True, False))
    return Images(
        train.data[:, None], train.targets.byte(), test.data[:, None], test.targets.byte()
    )


def _copy(mirror: str, raw: Path) -> None:
    """Copy the archives from a folder."""
    try:
        folder = Path(mirror).expanduser()
        missing = [name for name in SHA256 if not (folder / name).is_file()]
    except (OSError, RuntimeError) as error:  # too long a name, no such home
        raise UserError(f"mirror: {mirror}: {one_line(error)}") from None
    if missing:
        raise UserError(f"mirror: {mirror} is neither a URL nor a folder that holds {missing[0]}")
    for name in SHA256:
        if not _is_original(folder / name):
            raise UserError(
                f"mirror: {folder / name}: is not the original MNIST file; it may be cut short: "
                f"fetch it again"
            )
        with replacing(raw / name) as part:
            shutil.copyfile(folder / name, part)


def _is_original(archive: Path) -> bool:
    """Tell whether an archive exists and has the right size and checksum; the size comes first."""
    return (
        archive.is_file()
        and archive.stat().st_size == BYTES[archive.name]
        and sha256(archive) == SHA256[archive.name]
    )


def _download(raw: Path, mirrors: Sequence[str]) -> None:
    retrying = Retrying(
        retry=retry_if_exception_type(_NoMirrorError),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential(multiplier=0.5),
        reraise=True,
    )
    try:
        retrying(_ask_each, raw, mirrors)
    except _NoMirrorError as error:
        raise UserError(
            f"MNIST could not be fetched; set `mirror:` in params.yaml to a URL or folder that "
            f"holds {', '.join(SHA256)}. Tried {ATTEMPTS} times:\n       {error}"
        ) from None


def _ask_each(raw: Path, mirrors: Sequence[str]) -> None:
    """Fetch the missing archives from the first mirror that has all of them."""
    reasons = []
    for mirror in mirrors:
        try:
            for name in SHA256:
                if not _is_original(raw / name):
                    _fetch(mirror + name, raw / name)
        except MIRROR_FAULTS as error:
            reasons.append(f"{mirror}: {one_line(error)}")
        else:
            return
    raise _NoMirrorError("\n       ".join(reasons))


def _fetch(url: str, archive: Path) -> None:
    """Download one archive, reading no more than its size; torchvision would read without end."""
    with urlopen(url, timeout=SECONDS_OF_SILENCE) as answer:  # noqa: S310 - `load` saw its scheme
        content = answer.read(BYTES[archive.name] + 1)
    if hashlib.sha256(content).hexdigest() != SHA256[archive.name]:
        raise ValueError(f"{archive.name} is corrupted")
    with replacing(archive) as part:
        part.write_bytes(content)


@contextmanager
def _unpacked_only_here(raw: Path) -> Iterator[None]:
    def remove() -> None:
        for unpacked in raw.glob("*-ubyte"):
            unpacked.unlink()

    remove()
    try:
        yield
    finally:
        remove()
