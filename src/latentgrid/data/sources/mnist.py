"""MNIST (LeCun, Cortes and Burges) through torchvision, from the first mirror that has it whole."""

import shutil
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential
from torchvision.datasets import MNIST

from latentgrid.data import Images
from latentgrid.data.sources import Size
from latentgrid.errors import UserError
from latentgrid.files import replacing, sha256

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
# Not OSError as a whole: a full disk is not the mirror's fault.
MIRROR_FAULTS = (RuntimeError, URLError, HTTPException, ConnectionError, TimeoutError, ssl.SSLError)
SIZE = Size(60_000, 10_000, (1, 28, 28))
MIRRORS = (*MNIST.mirrors, "https://storage.googleapis.com/cvdf-datasets/mnist/")
ATTEMPTS = 3
SECONDS_OF_SILENCE = 30


class _NoMirrorError(Exception):
    """No mirror served all archives; the text says why, a line for each."""


def load(folder: Path, mirror: str | None) -> Images:
    """Download, verify and read the four archives.

    Archives stay in `folder`, so that an interrupted download goes on with the next file; each is
    trusted only by its checksum, and what is unpacked from them is removed again.

    Args:
        folder: where the archives are kept.
        mirror: URL or folder to ask instead of the public mirrors.

    Raises:
        UserError: no mirror served a file with the right checksum.
    """
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    if mirror and not mirror.startswith(("http://", "https://")):
        _copy(Path(mirror).expanduser(), raw)
    with _unpacked_only_here(raw), _socket_timeout():
        _download(folder, (mirror.rstrip("/") + "/",) if mirror else MIRRORS)
        for name in SHA256:
            _verify(raw / name)
        train, test = (MNIST(folder, train=train) for train in (True, False))
    return Images(
        train.data[:, None], train.targets.byte(), test.data[:, None], test.targets.byte()
    )


def _copy(mirror: Path, raw: Path) -> None:
    """Take the archives from a folder; torchvision then finds them there and fetches nothing."""
    for name in SHA256:
        if not (mirror / name).is_file():
            raise UserError(f"mirror: {mirror} is neither a URL nor a folder that holds {name}")
        _verify(mirror / name)
        with replacing(raw / name) as part:
            shutil.copyfile(mirror / name, part)


def _verify(archive: Path) -> None:
    found = sha256(archive)
    if found != SHA256[archive.name]:
        raise UserError(
            f"{archive}: is not the original MNIST file (sha256 {found[:12]}…, expected "
            f"{SHA256[archive.name][:12]}…); it may be cut short: delete it or fetch it again"
        )


def _download(folder: Path, mirrors: Sequence[str]) -> None:
    retrying = Retrying(
        retry=retry_if_exception_type(_NoMirrorError),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential(multiplier=0.5),
        reraise=True,
    )
    try:
        retrying(_ask_each, folder, mirrors)
    except _NoMirrorError as error:
        raise UserError(
            f"MNIST could not be fetched; set `mirror:` in params.yaml to a URL or folder that "
            f"holds {', '.join(SHA256)}. Tried {ATTEMPTS} times:\n       {error}"
        ) from None


def _ask_each(folder: Path, mirrors: Sequence[str]) -> None:
    """Let torchvision fetch what is missing; given all mirrors, it would stop at one that hangs."""
    reasons = []
    for mirror in mirrors:
        try:
            type("MNIST", (MNIST,), {"mirrors": [mirror]})(folder, download=True)
        except MIRROR_FAULTS as error:
            text = str(error).strip() or type(error).__name__
            reasons.append(f"{mirror}: {text.splitlines()[-1]}")
        else:
            return
    raise _NoMirrorError("\n       ".join(reasons))


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


@contextmanager
def _socket_timeout() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SECONDS_OF_SILENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
