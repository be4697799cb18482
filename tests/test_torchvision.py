"""Data sets of torchvision's: small archives in each one's own format, read by torchvision's code.

Only sizes and checksums, which are facts about the originals, are those of the small archives.
"""

import bz2
import contextlib
import gzip
import hashlib
import io
import pickle
import struct
import tarfile
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat
from torchvision import datasets

from latentgrid.data import load_images, sources
from latentgrid.data.readers import torchvision
from latentgrid.data.readers.torchvision import SETS, SUBSETS, Known
from latentgrid.errors import UserError
from latentgrid.grid import components
from latentgrid.grid.datasets import of_text
from latentgrid.steps.data import prepare

TRAIN, TEST = 12, 6
DRAWS = np.random.default_rng(0)


def pictures(n, *shape):
    return DRAWS.integers(0, 256, (n, *shape), dtype=np.uint8)


def mixed(n, classes, first=0):
    """Labels of which each class has some, in no order."""
    return first + np.arange(n)[::-1] % classes


def md5(path):
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def idx(array, kind=0x08):
    """The format of MNIST's files: a magic number, the lengths of the axes, the bytes."""
    head = struct.pack(">HBB", 0, kind, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype({0x08: ">u1", 0x0C: ">i4"}[kind]).tobytes()


def parts(shape, classes, first=0):
    return {
        "train": (pictures(TRAIN, *shape), mixed(TRAIN, classes, first)),
        "test": (pictures(TEST, *shape), mixed(TEST, classes, first)),
    }


def like_mnist(mirror, monkeypatch, name):
    made = parts((28, 28), 10)
    resources = []
    for part, start in (("train", "train"), ("test", "t10k")):
        for content, end in zip(made[part], ("images-idx3", "labels-idx1"), strict=True):
            file = mirror / f"{start}-{end}-ubyte.gz"
            file.write_bytes(gzip.compress(idx(content)))
            resources.append((file.name, md5(file)))
    monkeypatch.setattr(getattr(datasets, name), "resources", resources)
    return {part: (images[:, None], labels) for part, (images, labels) in made.items()}


def qmnist(mirror, monkeypatch, name):
    made = parts((28, 28), 10)
    resources = {}
    for part, (images, labels) in made.items():
        full = np.zeros((len(labels), 8), int)  # writer, series and so on beside the class
        full[:, 0] = labels
        resources[part] = []
        for content, end, kind in ((images, "images-idx3-ubyte", 8), (full, "labels-idx2-int", 12)):
            file = mirror / f"qmnist-{part}-{end}.gz"
            file.write_bytes(gzip.compress(idx(content, kind)))
            resources[part].append((f"https://nowhere.invalid/{file.name}", md5(file)))
    monkeypatch.setattr(datasets.QMNIST, "resources", resources)
    return {part: (images[:, None], labels) for part, (images, labels) in made.items()}


def emnist(mirror, monkeypatch, name, subset="letters", first=1):
    made = parts((28, 28), 5, first)
    with zipfile.ZipFile(mirror / "gzip.zip", "w") as archive:
        for part, (images, labels) in made.items():
            for content, end in ((images, "images-idx3"), (labels, "labels-idx1")):
                inside = f"gzip/emnist-{subset}-{part}-{end}-ubyte.gz"
                archive.writestr(inside, gzip.compress(idx(content)))
    monkeypatch.setattr(datasets.EMNIST, "md5", md5(mirror / "gzip.zip"))
    # The originals hold columns where MNIST holds rows.
    return {
        part: (images.transpose(0, 2, 1)[:, None], labels - first)
        for part, (images, labels) in made.items()
    }


def usps(mirror, monkeypatch, name):
    made = parts((16, 16), 10)
    split = {}
    for part, (images, labels) in made.items():
        file = mirror / ("usps.bz2" if part == "train" else "usps.t.bz2")
        lines = [
            " ".join([str(label + 1), *(f"{i + 1}:{v / 127.5 - 1:.6f}" for i, v in enumerate(row))])
            for row, label in zip(images.reshape(len(images), -1), labels, strict=True)
        ]
        file.write_bytes(bz2.compress("\n".join(lines).encode()))
        split[part] = [f"https://nowhere.invalid/{file.name}", file.name, md5(file)]
    monkeypatch.setattr(datasets.USPS, "split_list", split)
    return {part: (images[:, None], labels) for part, (images, labels) in made.items()}


def cifar(mirror, monkeypatch, name):
    fine = name == "CIFAR100"
    made = parts((3, 32, 32), 10)
    cls = getattr(datasets, name)
    files = {}
    for part, (images, labels) in made.items():
        of_labels = "fine_labels" if fine else "labels"
        content = {"data": images.reshape(len(images), -1), of_labels: labels.tolist()}
        files[part] = pickle.dumps(content)
    key = "fine_label_names" if fine else "label_names"
    files["meta"] = pickle.dumps({key: [f"kind {i}" for i in range(10)]})
    with tarfile.open(mirror / cls.filename, "w:gz") as archive:
        for file, content in files.items():
            info = tarfile.TarInfo(f"{cls.base_folder}/{file}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))

    def listed(part):
        return [[part, hashlib.md5(files[part], usedforsecurity=False).hexdigest()]]

    monkeypatch.setattr(cls, "train_list", listed("train"))
    monkeypatch.setattr(cls, "test_list", listed("test"))
    monkeypatch.setattr(cls, "tgz_md5", md5(mirror / cls.filename))
    meta = {"filename": "meta", "key": key, "md5": listed("meta")[0][1]}
    monkeypatch.setattr(cls, "meta", meta)
    return made


def svhn(mirror, monkeypatch, name):
    made = parts((3, 32, 32), 10)
    split = {}
    for part, (images, labels) in made.items():
        file = mirror / f"{part}_32x32.mat"
        stored = np.where(labels == 0, 10, labels)[:, None]
        savemat(file, {"X": images.transpose(2, 3, 1, 0), "y": stored})
        split[part] = [f"https://nowhere.invalid/{file.name}", file.name, md5(file)]
    monkeypatch.setattr(datasets.SVHN, "split_list", split)
    return made


def celeba(mirror, monkeypatch, name):
    n = TRAIN + TEST
    names = [f"{i:06}.png" for i in range(1, n + 1)]
    images = pictures(n, 218, 178, 3)
    smiling = mixed(n, 2)
    with zipfile.ZipFile(mirror / "img_align_celeba.zip", "w") as archive:
        for file, image in zip(names, images, strict=True):
            content = io.BytesIO()
            Image.fromarray(image).save(content, "png")
            archive.writestr(f"img_align_celeba/{file}", content.getvalue())
    of_part = [0] * TRAIN + [2] * TEST  # torchvision's numbers of train and test
    tables = {
        "list_attr_celeba.txt": [str(n), "Bald Smiling"]
        + [f"{f}  -1 {2 * s - 1:2}" for f, s in zip(names, smiling, strict=True)],
        "identity_CelebA.txt": [f"{f} 7" for f in names],
        "list_bbox_celeba.txt": [str(n), "image_id x_1 y_1 width height"]
        + [f"{f} 1 2 3 4" for f in names],
        "list_landmarks_align_celeba.txt": [str(n), "a b"] + [f"{f} 1 2" for f in names],
        "list_eval_partition.txt": [f"{f} {p}" for f, p in zip(names, of_part, strict=True)],
    }
    for file, lines in tables.items():
        (mirror / file).write_text("\n".join(lines) + "\n")
    every = ["img_align_celeba.zip", *tables]
    monkeypatch.setattr(
        datasets.CelebA, "file_list", [(f"id-{f}", md5(mirror / f), f) for f in every]
    )
    images = images.transpose(0, 3, 1, 2)
    return {"train": (images[:TRAIN], smiling[:TRAIN]), "test": (images[TRAIN:], smiling[TRAIN:])}


# How each archive is made, what `dataset:` says, and the first class's name.
CASES = {
    "fashionmnist": (partial(like_mnist, name="FashionMNIST"), "fashionmnist", "T-shirt/top"),
    "kmnist": (partial(like_mnist, name="KMNIST"), "kmnist", "o"),
    "qmnist": (partial(qmnist, name="QMNIST"), "qmnist", "0"),
    "emnist": (partial(emnist, name="EMNIST"), "emnist,subset=letters", "a"),
    "usps": (partial(usps, name="USPS"), "usps", None),
    "cifar10": (partial(cifar, name="CIFAR10"), "cifar10", "kind 0"),
    "cifar100": (partial(cifar, name="CIFAR100"), "cifar100", "kind 0"),
    "svhn": (partial(svhn, name="SVHN"), "svhn", None),
    "celeba": (partial(celeba, name="CelebA"), "celeba,label=Smiling", "not Smiling"),
}


@pytest.fixture
def mirror(tmp_path):
    folder = tmp_path / "mirror"
    folder.mkdir()
    return folder


def shrink(monkeypatch, dataset, made):
    """Let the known size be that of the small archives."""
    images, labels = made["train"]
    classes = 1 if dataset.startswith("celeba") else int(labels.max()) + 1
    known = Known(TRAIN, TEST, classes, images.shape[1:])
    for table, key in ((SETS, of_text(dataset).options["torchvision"]), (SUBSETS, "letters")):
        if key in table:
            monkeypatch.setitem(table, key, known)


@pytest.mark.parametrize("case", CASES)
def test_archives_are_read_as_they_are(case, mirror, tmp_path, monkeypatch):
    make, dataset, first = CASES[case]
    made = make(mirror, monkeypatch)
    shrink(monkeypatch, dataset, made)
    if case == "emnist":  # 26 letters, of which the small archives have the first five
        monkeypatch.setitem(
            datasets.EMNIST.classes_split_dict, "letters", ["N/A", "a", "b", "c", "d", "e"]
        )
    folder = tmp_path / "data"
    prepare(dataset, folder / "images.safetensors", folder / "description.json", str(mirror))
    found = load_images(folder / "images.safetensors")
    for part, (images, labels) in made.items():
        # USPS is written in decimals, which its reader cuts off.
        apart = 1 if case == "usps" else 0
        stored = getattr(found, f"{part}_images").int() - torch.from_numpy(images.astype(int))
        assert stored.abs().max() <= apart
        assert getattr(found, f"{part}_labels").tolist() == labels.tolist()
    assert (found.class_names[0] if found.class_names else None) == first
    kept = {path.name for path in folder.rglob("*") if path.is_file()}
    assert kept == {"images.safetensors", "description.json", *(p.name for p in mirror.iterdir())}


def test_every_name_has_a_size_and_torchvision_has_it():
    assert {*torchvision.NAMES} == {*SETS, "EMNIST"}
    for name in torchvision.NAMES:
        assert hasattr(datasets, name)
        assert sources.size(f'{{"torchvision": "{name}", "resize": 32}}').shape[1:] == (32, 32)
    assert not {n.lower() for n in torchvision.NAMES} & {*components.names("datasets")}


@pytest.mark.parametrize(
    ("name", "classes", "first"),
    [
        ("Imagenette", [*datasets.Imagenette._WNID_TO_CLASS.values()], "tench"),
        ("QMNIST", datasets.QMNIST.classes, "0"),
        ("FashionMNIST", datasets.FashionMNIST.classes, "T-shirt/top"),
    ],
)
def test_a_class_bears_one_name(name, classes, first):
    found = torchvision.Torchvision(name)._class_names(SimpleNamespace(classes=classes))
    assert len({*found}) == SETS[name].classes
    assert found[0] == first


def test_sizes_after_cutting():
    assert sources.size("cifar10").shape == (3, 32, 32)
    assert sources.size("cifar10,grey=true,crop=20").shape == (1, 20, 20)
    assert sources.size("celeba,crop=148,resize=64").shape == (3, 64, 64)
    assert sources.size("emnist").classes == 47
    assert (sources.size("celeba").classes, sources.size("celeba,label=Male").classes) == (1, 2)


@pytest.mark.parametrize(
    ("dataset", "says"),
    [
        ("cifar10,subset=letters", "subset: is an option of EMNIST"),
        ("emnist,subset=all", "subset: found 'all'; allowed: balanced, byclass"),
        ("svhn,label=Male", "label: is an option of CelebA"),
        ("food101", "Food101 has images of several sizes; set resize"),
        ("cifar10,crop=40", r"is 32×32, smaller than crop: 40"),
    ],
)
def test_options_that_do_not_fit_are_named(dataset, says):
    with pytest.raises(UserError, match=rf"^dataset: .*{says}"):
        sources.size(dataset)


def test_an_unknown_attribute_is_named(mirror, tmp_path, monkeypatch):
    made = celeba(mirror, monkeypatch, "CelebA")
    shrink(monkeypatch, "celeba", made)
    with pytest.raises(UserError, match="label: found 'Smilling'; allowed: Bald, Smiling"):
        sources.load("celeba,label=Smilling", tmp_path, str(mirror))


def test_without_an_attribute_there_are_no_labels(mirror, tmp_path, monkeypatch):
    shrink(monkeypatch, "celeba", celeba(mirror, monkeypatch, "CelebA"))
    found = sources.load("celeba,resize=16", tmp_path, str(mirror))
    assert found.train_images.shape == (TRAIN, 3, 16, 16)
    assert (found.classes, found.class_names) == (1, ())


@contextlib.contextmanager
def serving(folder):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_mirror_may_be_a_url_and_is_asked_once(mirror, tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    shrink(monkeypatch, "cifar10", cifar(mirror, monkeypatch, "CIFAR10"))
    with serving(mirror) as url:
        first = sources.load("cifar10", tmp_path, url)
    again = sources.load("cifar10", tmp_path, url)  # the archive was kept
    assert torch.equal(first.train_images, again.train_images)


@pytest.mark.parametrize("damage", ["cut short", "missing"])
def test_a_bad_archive_is_named_and_not_kept(damage, mirror, tmp_path, monkeypatch):
    shrink(monkeypatch, "cifar10", cifar(mirror, monkeypatch, "CIFAR10"))
    archive = mirror / datasets.CIFAR10.filename
    whole = archive.read_bytes()
    archive.write_bytes(whole[:-100])
    if damage == "missing":
        archive.unlink()
    folder = tmp_path / "data"
    with pytest.raises(UserError, match=rf"CIFAR10: {archive.name} cannot be had from {mirror}"):
        sources.load("cifar10", folder, str(mirror))
    assert not [path for path in folder.rglob("*") if path.is_file()]
    archive.write_bytes(whole)
    assert len(sources.load("cifar10", folder, str(mirror)).train_labels) == TRAIN


def test_images_that_come_class_by_class_are_mixed():
    images, labels = torch.arange(90).reshape(30, 3, 1, 1), torch.arange(30) // 10
    mixed_images, mixed_labels = torchvision._mixed(images, labels)
    assert mixed_labels.tolist() != labels.tolist()
    assert (mixed_images[:, 0, 0, 0] // 30).tolist() == mixed_labels.tolist()
    assert sorted(mixed_images.flatten().tolist()) == list(range(90))
    unsorted = labels.flip(0)
    assert torchvision._mixed(images, unsorted)[1] is unsorted
