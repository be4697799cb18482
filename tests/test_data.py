"""Data sets: what they hold, and that nothing but the whole original is ever trusted."""

import contextlib
import hashlib
import json
import os
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from tenacity import wait_none

from latentgrid.data import Images, checksum, load_images, to_unit_interval
from latentgrid.data.sources import digits, mnist
from latentgrid.errors import UserError
from latentgrid.files.atomic import replacing, write_json
from latentgrid.steps.data import prepare

FIRST = "train-images-idx3-ubyte.gz"


# scikit-learn's digits


def test_digits_are_what_scikit_learn_has(digits_file):
    data = load_images(digits_file)
    assert data.train_images.shape == (1437, 1, 28, 28)
    assert data.test_images.shape == (360, 1, 28, 28)
    assert data.train_labels.shape == (1437,)
    assert data.test_labels.shape == (360,)
    assert data.shape == (1, 28, 28)
    for tensor in data.tensors().values():
        assert tensor.dtype == torch.uint8
    assert data.train_images.min() == 0
    assert data.train_images.max() == 255


def test_every_class_of_the_digits_is_split_in_the_same_share(digits_file):
    data = load_images(digits_file)
    train, test = data.train_labels.bincount(), data.test_labels.bincount()
    assert len(train) == len(test) == 10
    assert (train + test).tolist() == np.bincount(load_digits().target).tolist()
    assert ((test - 0.2 * (train + test)).abs() <= 1).all()


def enlarged(small):
    """Bilinear interpolation (n, 8, 8) → (n, 28, 28) with pixel centres at ½, 1½, …, edges held."""
    centres = np.clip((np.arange(28) + 0.5) * 8 / 28 - 0.5, 0, 7)
    weights = np.maximum(0, 1 - np.abs(centres[:, None] - np.arange(8)))
    return weights @ small @ weights.T


def test_no_digit_is_in_both_parts_and_none_is_lost(digits_file):
    data = load_images(digits_file)
    images = torch.cat([data.train_images, data.test_images]).flatten(1).float()
    labels = torch.cat([data.train_labels, data.test_labels])
    originals = load_digits()
    expected = torch.from_numpy(enlarged(originals.images) * 255 / 16).flatten(1).float()
    nearest = torch.cdist(images, expected).argmin(dim=1)
    assert sorted(nearest.tolist()) == list(range(1797))
    assert (images - expected[nearest]).abs().max() <= 0.51
    assert labels.tolist() == originals.target[nearest].tolist()


def test_digits_are_the_same_bits_every_time(digits_file, tmp_path):
    prepare("digits", tmp_path / "images.safetensors", tmp_path / "description.json")
    assert (tmp_path / "images.safetensors").read_bytes() == digits_file.read_bytes()
    first, again = digits.load(tmp_path, None), load_images(digits_file)
    assert all(torch.equal(value, again.tensors()[name]) for name, value in first.tensors().items())


def test_the_description_says_what_is_stored(digits_file):
    description = json.loads((digits_file.parent / "description.json").read_text())
    data = load_images(digits_file)
    assert description == {
        "dataset": "digits",
        "training images": 1437,
        "test images": 360,
        "image shape": [1, 28, 28],
        "classes": 10,
        "sha256": data.checksum,
    }
    digest = hashlib.sha256()
    for name, tensor in data.tensors().items():
        digest.update(f"{name}{tuple(tensor.shape)}".encode() + tensor.numpy().tobytes())
    assert data.checksum == digest.hexdigest()


def test_unit_interval():
    pixels = torch.tensor([0, 51, 255], dtype=torch.uint8)
    assert torch.equal(to_unit_interval(pixels), torch.tensor([0, 0.2, 1]))
    assert pixels.tolist() == [0, 51, 255]


# MNIST


def assert_is_mnist(data):
    """Counts of each digit and the mean pixel as published; the first test image is a 7."""
    assert data.train_images.shape == (60_000, 1, 28, 28)
    assert data.test_images.shape == (10_000, 1, 28, 28)
    assert data.train_labels.bincount().tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949
    ]  # fmt: skip
    assert data.test_labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert all(tensor.dtype == torch.uint8 for tensor in data.tensors().values())
    seven = data.test_images[0, 0] > 127
    assert seven[7:9].sum() > 15  # the bar of the seven
    assert seven[12:, :10].sum() == 0  # and nothing to the lower left
    assert data.train_images.double().mean().item() / 255 == pytest.approx(0.1307, abs=1e-4)


def test_mnist_from_a_folder(mnist_mirror, tmp_path):
    images = tmp_path / "images.safetensors"
    prepare("mnist", images, tmp_path / "description.json", str(mnist_mirror))
    assert_is_mnist(load_images(images))
    kept = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert kept == {"images.safetensors", "description.json", *mnist.SHA256}


def test_checksums_are_those_of_the_mirror(mnist_mirror):
    for name, expected in mnist.SHA256.items():
        assert hashlib.sha256((mnist_mirror / name).read_bytes()).hexdigest() == expected


@contextlib.contextmanager
def serving(respond):
    """A server on loopback; `respond(handler, name)` answers. Gives its URL and what was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.rpartition("/")[2]
            asked.append(name)
            with contextlib.suppress(ConnectionError):
                respond(self, name)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/mnist", asked
    finally:
        server.shutdown()
        server.server_close()


def send(handler, body, length=None):
    handler.send_response(200)
    handler.send_header("Content-Length", str(length or len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def error_page(handler, _):
    send(handler, b"<!DOCTYPE html><title>Sign in</title>")


def not_found(handler, _):
    handler.send_error(404)


def overloaded(handler, _):
    handler.send_error(503)


def silence(handler, _):
    time.sleep(0.5)


def noise(handler, _):
    handler.wfile.write(b"\x00\x01 not HTTP at all\r\n\r\n")


def hang_up(handler, _):
    handler.connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def archives(mnist_mirror):
    return {name: (mnist_mirror / name).read_bytes() for name in mnist.SHA256}


@pytest.fixture
def hasty(monkeypatch):
    """No waiting between attempts, and no proxy before the loopback."""
    monkeypatch.setattr(mnist, "wait_exponential", lambda **_: wait_none())
    monkeypatch.setenv("no_proxy", "*")


def assert_refused(tmp_path, mirror, says):
    with pytest.raises(UserError) as caught:
        prepare("mnist", tmp_path / "images.safetensors", tmp_path / "description.json", mirror)
    assert says in str(caught.value)
    assert "mirror" in str(caught.value)
    assert not (tmp_path / "images.safetensors").exists()
    assert not (tmp_path / "description.json").exists()
    assert not list(tmp_path.rglob("*-ubyte"))


@pytest.mark.parametrize(
    ("respond", "says"),
    [
        (error_page, "corrupted"),
        (not_found, "404"),
        (overloaded, "503"),
        (silence, "timed out"),
        (noise, "not HTTP"),
        (hang_up, "closed connection"),
    ],
)
def test_a_bad_mirror_ends_in_one_message_that_names_it(
    hasty, tmp_path, respond, says, monkeypatch
):
    monkeypatch.setattr(mnist, "SECONDS_OF_SILENCE", 0.2 if respond is silence else 10)
    with serving(respond) as (url, asked):
        assert_refused(tmp_path, url, says)
        assert_refused(tmp_path, url + "/", f"{url}/: ")
    assert set(asked) == {FIRST}
    assert mnist.ATTEMPTS <= len(asked) / 2 <= 2 * mnist.ATTEMPTS


def test_a_mirror_that_nobody_serves(hasty, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert_refused(tmp_path, f"http://127.0.0.1:{port}/", "refused")


def truncated(archives):
    def respond(handler, name):
        send(handler, archives[name][:-1000])

    return respond


def cut(archives):
    def respond(handler, name):
        send(handler, archives[name][: len(archives[name]) // 2], len(archives[name]))

    return respond


def swapped(archives):
    def respond(handler, name):
        send(handler, archives[name.replace("train", "t10k")])

    return respond


def flipped(archives):
    def respond(handler, name):
        body = bytearray(archives[name])
        body[len(body) // 2] ^= 1
        send(handler, body)

    return respond


def endless(archives):
    def respond(handler, _):
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(archives[FIRST])

    return respond


@pytest.mark.parametrize("make", [truncated, cut, swapped, flipped, endless])
def test_an_archive_that_is_not_the_original_is_never_trusted(
    hasty, tmp_path, archives, make, monkeypatch
):
    monkeypatch.setattr(mnist, "ATTEMPTS", 1)
    with serving(make(archives)) as (url, _):
        assert_refused(tmp_path, url, "corrupted")


def test_a_mirror_that_fails_at_first_and_then_serves(hasty, tmp_path, archives):
    first_calls = iter([not_found, cut(archives)])

    def respond(handler, name):
        answer = next(first_calls, None)
        answer(handler, name) if answer else send(handler, archives[name])

    with serving(respond) as (url, _):
        assert_is_mnist(mnist.load(tmp_path, url))


@pytest.mark.parametrize("bad", [error_page, silence, noise])
def test_the_next_mirror_is_asked_when_one_is_bad(hasty, tmp_path, bad, monkeypatch):
    monkeypatch.setattr(mnist, "ATTEMPTS", 1)
    monkeypatch.setattr(mnist, "SECONDS_OF_SILENCE", 0.2 if bad is silence else 10)
    with serving(bad) as (first, _), serving(not_found) as (second, asked):
        monkeypatch.setattr(mnist, "MIRRORS", (f"{first}/", f"{second}/"))
        with pytest.raises(UserError) as caught:
            mnist.load(tmp_path, None)
    assert FIRST in asked
    assert f"{first}/: " in str(caught.value)
    assert f"{second}/: " in str(caught.value)


def test_an_interrupted_download_goes_on_and_trusts_no_leftover(hasty, tmp_path, archives):
    """Two good archives, one cut short, one missing, and rubbish where they would be unpacked."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    good, good_too, short, _missing = archives
    for name in (good, good_too):
        (raw / name).write_bytes(archives[name])
    (raw / short).write_bytes(archives[short][:5000])
    for name in archives:
        (raw / name.removesuffix(".gz")).write_bytes(b"rubbish")

    with serving(lambda handler, name: send(handler, archives[name])) as (url, asked):
        assert_is_mnist(mnist.load(tmp_path, url))
    assert not {good, good_too} & set(asked)
    assert not list(raw.glob("*-ubyte"))


def test_a_folder_that_lacks_an_archive_or_holds_a_bad_one(tmp_path, archives):
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    assert_refused(tmp_path / "data", str(mirror), f"{mirror} is neither a URL nor a folder")
    for name, content in archives.items():
        (mirror / name).write_bytes(content)
    (mirror / FIRST).write_bytes(archives[FIRST][:-1])
    with pytest.raises(UserError, match="is not the original MNIST file"):
        mnist.load(tmp_path / "data", str(mirror))
    assert not list((tmp_path / "data").rglob("*ubyte*"))


def test_a_full_disk_is_not_blamed_on_the_mirror(hasty, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mnist, "urlopen", full)
    with pytest.raises(OSError, match="No space left"):
        mnist.load(tmp_path, "http://127.0.0.1:9/")


# The stored tensors


def tiny():
    draws = torch.Generator().manual_seed(0)
    images = torch.randint(256, (6, 1, 2, 2), generator=draws).byte()
    labels = torch.arange(6).byte()
    return Images(images[:4], labels[:4], images[4:], labels[4:])


def stored(path):
    save_file(tiny().tensors(), path, metadata={"checksum": checksum(tiny())})
    return path


def test_stored_images_are_read_back(tmp_path):
    found = load_images(stored(tmp_path / "images.safetensors"))
    assert found.checksum == checksum(tiny())
    assert all(torch.equal(found.tensors()[n], value) for n, value in tiny().tensors().items())


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-1])


def empty(path):
    path.write_bytes(b"")


def one_pixel_changed(path):
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)


def html(path):
    path.write_bytes(b"<!DOCTYPE html><title>Sign in</title>")


def without_labels(path):
    save_file({"train_images": tiny().train_images}, path, metadata={"checksum": "abc"})


def without_checksum(path):
    save_file(tiny().tensors(), path, metadata={"made by": "someone else"})


def without_metadata(path):
    save_file(tiny().tensors(), path)


@pytest.mark.parametrize(
    "damage",
    [cut_short, empty, one_pixel_changed, html, without_labels, without_checksum, without_metadata],
)
def test_damaged_images_are_refused(tmp_path, damage):
    path = stored(tmp_path / "images.safetensors")
    damage(path)
    with pytest.raises(UserError, match=r"images\.safetensors: is damaged .*; delete it"):
        load_images(path)


def test_missing_images_are_named(tmp_path):
    with pytest.raises(UserError, match=r"images\.safetensors: is missing"):
        load_images(tmp_path / "images.safetensors")


# Writing files


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "folder" / "value.json"
    write_json(path, {"old": 1})
    with pytest.raises(KeyboardInterrupt), replacing(path) as part:
        part.write_text("half of")
        raise KeyboardInterrupt
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"new": float("nan")})
    assert json.loads(path.read_text()) == {"old": 1}
    assert list(path.parent.iterdir()) == [path]


def test_a_written_file_has_the_usual_permissions(tmp_path):
    before = os.umask(0o027)
    try:
        write_json(tmp_path / "value.json", 1)
    finally:
        os.umask(before)
    assert (tmp_path / "value.json").stat().st_mode & 0o777 == 0o640
