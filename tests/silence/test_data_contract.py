"""What a data source returns is stored as it is meant, or refused in one line that names it."""

import re
import sys
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
import torch

from latentgrid.data import Images, load_images, sources
from latentgrid.data.contract import Size, check_data, check_size
from latentgrid.errors import UserError
from latentgrid.grid import plugins
from latentgrid.steps.data import prepare

SIZE = Size(12, 6, (1, 4, 8), classes=3)


def pictures(n, shape=SIZE.shape):
    draws = torch.Generator().manual_seed(n)
    return torch.randint(256, (n, *shape), generator=draws).to(torch.uint8)


def labels(n):
    return torch.arange(n).remainder(3).to(torch.uint8)


def images(**other):
    parts = {
        "train_images": pictures(12),
        "train_labels": labels(12),
        "test_images": pictures(6),
        "test_labels": labels(6),
    }
    return Images(**parts | other)


def assert_refused(given, *words, size=SIZE):
    with pytest.raises(UserError) as caught:
        check_data(given, size)
    text = str(caught.value)
    assert "\n" not in text
    for word in words:
        assert word in text


def assert_same(found, expected):
    for name, tensor in expected.tensors().items():
        assert torch.equal(found.tensors()[name], tensor), name
        assert found.tensors()[name].dtype == torch.uint8
        assert found.tensors()[name].is_contiguous()


def test_what_keeps_the_contract_is_stored_as_it_is():
    assert_same(check_data(images(), SIZE), images())


def test_files_of_bytes_may_begin_with_the_largest():
    """IDX archives hold their numbers in the order that most computers do not."""
    given = images(train_labels=labels(12).numpy().astype(">i4"))
    assert_same(check_data(given, SIZE), images())


# Counts, channels and sides


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"train_images": pictures(11)}, ["train_images", "(11, 1, 4, 8)", "(12, 1, 4, 8)"]),
        ({"test_images": pictures(7)}, ["test_images", "(7, 1, 4, 8)", "(6, 1, 4, 8)"]),
        ({"train_images": pictures(12, (1, 8, 4))}, ["train_images", "(12, 1, 8, 4)"]),
        ({"test_images": pictures(6, (3, 4, 8))}, ["test_images", "(6, 3, 4, 8)"]),
        (
            {"train_images": pictures(12, (4, 8, 1))},
            ["train_images", "channels come last", "permute(0, 3, 1, 2)"],
        ),
        ({"train_images": pictures(12, (4, 8))}, ["no axis of channels", "images[:, None]"]),
        ({"test_images": pictures(6, (4, 8))}, ["test_images", "images[:, None]"]),
        ({"train_images": pictures(0)}, ["train_images", "(0, 1, 4, 8)"]),
        ({"test_images": pictures(0), "test_labels": labels(0)}, ["test_images", "(0, 1, 4, 8)"]),
    ],
)
def test_images_that_are_not_what_size_says(given, words):
    assert_refused(images(**given), *words)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (Size(12, 6, (28, 28, 1), 3), ["channels come last", "permute(0, 3, 1, 2)"]),
        (Size(12, 6, (32, 32, 3), 3), ["channels come last"]),
        (Size(1, 6, (1, 4, 8), 3), ["1 training and 6 test images", "2 or more of both"]),
        (Size(12, 1, (1, 4, 8), 3), ["12 training and 1 test images", "2 or more of both"]),
        (Size(0, 6, (1, 4, 8), 3), ["1 or more"]),
        (Size(12, 0, (1, 4, 8), 3), ["1 or more"]),
        (Size(12, 6, (1, 4, 8), 0), ["1 or more"]),
        (Size(12, 6, (4, 8), 3), ["three of them in shape"]),
        (Size(12, 6, (1, 4.0, 8), 3), ["whole numbers"]),
        (Size(12, 6, 28, 3), ["shape=28", "three of them in shape"]),
        (Size(12, 6, None, 3), ["three of them in shape"]),
        (Size(12, 6, (2, 8, 8), 3), ["2 channels", "1 for grey, or 3"]),
        (Size(12, 6, (4, 8, 8), 3), ["4 channels", "1 for grey, or 3"]),
        (Size(12, 6, (1, 4, 8), 257), ["257 classes", "up to 256"]),
        ((12, 6, (1, 4, 8)), ["Size(train, test, (channels, height, width), classes)"]),
        (None, ["Size(train, test"]),
    ],
)
def test_a_size_that_cannot_be_true(size, words):
    with pytest.raises(UserError) as caught:
        check_size(size)
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 1, 1), (3, 4, 4), (3, 8, 3)])
def test_a_size_that_can_be_true(shape):
    assert check_size(Size(2, 2, shape, 256)).shape == shape


# Bytes


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.int64, torch.bool])
def test_images_that_are_no_bytes(part, kind):
    name = f"{part}_images"
    given = getattr(images(), name).to(kind)
    assert_refused(
        images(**{name: given}), name, str(kind).removeprefix("torch."), "mul(255)", "torch.uint8"
    )


@pytest.mark.parametrize("part", ["train", "test"])
def test_bytes_of_0_and_1_would_be_black(part):
    name = f"{part}_images"
    binary = getattr(images(), name) // 128
    assert binary.unique().tolist() == [0, 1]
    assert_refused(images(**{name: binary}), name, "black", "255")


def test_binary_images_of_0_and_255_are_fine():
    binary = images(train_images=pictures(12) // 128 * 255)
    assert_same(check_data(binary, SIZE), binary)


@pytest.mark.parametrize("part", ["train", "test"])
def test_images_that_are_all_the_same(part):
    name = f"{part}_images"
    given = getattr(images(), name)
    assert_refused(images(**{name: given[:1].expand_as(given)}), name, "all images are the same")


# Labels


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"train_labels": labels(11)}, ["train_labels", "(11,)", "(12,), one label for each"]),
        ({"test_labels": labels(7)}, ["test_labels", "(7,)", "(6,)"]),
        ({"train_labels": labels(12)[:, None]}, ["train_labels", "(12, 1)"]),
        ({"test_labels": labels(6).float()}, ["test_labels", "float32", "integers"]),
        ({"test_labels": labels(6).bool()}, ["test_labels", "bool", "integers"]),
        ({"test_labels": labels(6).long() - 1}, ["test_labels", "from -1 to 1", "0 to 2"]),
        ({"train_labels": labels(12) + 1}, ["train_labels", "from 1 to 3", "0 to 2"]),
        ({"test_labels": labels(6).long() + 256}, ["test_labels", "from 256 to 258"]),
        ({"train_labels": labels(12).clamp(1)}, ["train_labels", "no image is of class 0"]),
        ({"train_labels": labels(12).clamp(0, 1)}, ["train_labels", "no image is of class 2"]),
        ({"train_labels": [0] * 12}, ["train_labels", "found list", "tensor"]),
        ({"train_labels": np.array(["a"] * 12)}, ["train_labels", "numbers"]),
    ],
)
def test_labels_that_are_none(given, words):
    assert_refused(images(**given), *words)


@pytest.mark.parametrize(
    "kind",
    [
        *(torch.int8, torch.int16, torch.int32, torch.int64),
        *(torch.uint8, torch.uint16, torch.uint32, torch.uint64),
    ],
)
def test_integers_of_any_width_are_labels(kind):
    wide = images(train_labels=labels(12).to(kind), test_labels=labels(6).to(kind))
    assert_same(check_data(wide, SIZE), images())


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (None, ["found nothing", "() for none"]),
        (np.array(["a", "b", "c"]), ["a tuple of texts"]),
        ("abc", ["found 'abc'", "a tuple of texts"]),
        (("a", "b", 3), ["found ('a', 'b', 3)", "a tuple of texts"]),
        (("a", "b", "\udcff"), [r"'\udcff'", "that can be printed"]),
        (("a", "b"), ["found 2 names", "one for each of 3"]),
        (("a", "b", "a"), ["found 2 names", "one for each of 3"]),
    ],
)
def test_names_of_classes_that_are_none(names, words):
    assert_refused(images(class_names=names), "class_names", *words)


@pytest.mark.parametrize("names", [(), ("a", "b", "c"), ["a", "b", "c"]])
def test_names_of_classes_are_kept(names):
    assert check_data(images(class_names=names), SIZE).class_names == (*names,)


def test_256_classes_do_not_wrap():
    size = Size(256, 2, SIZE.shape, 256)
    many = images(
        train_images=pictures(256),
        train_labels=torch.arange(256),
        test_images=pictures(2),
        test_labels=torch.tensor([255, 0]),
    )
    found = check_data(many, size)
    assert found.train_labels.tolist() == list(range(256))
    assert found.test_labels.tolist() == [255, 0]
    assert found.classes == 256


# Memory


def test_images_that_lie_in_another_order_are_stored_in_theirs():
    coloured = images(train_images=pictures(12, (3, 4, 8)), test_images=pictures(6, (3, 4, 8)))
    channels_last = coloured.train_images.permute(0, 2, 3, 1).contiguous()
    turned = replace(coloured, train_images=channels_last.permute(0, 3, 1, 2))
    assert not turned.train_images.is_contiguous()
    assert_same(check_data(turned, replace(SIZE, shape=(3, 4, 8))), coloured)


def test_arrays_of_numpy_are_as_good_as_tensors():
    arrays = {name: tensor.numpy() for name, tensor in images().tensors().items()}
    arrays["train_images"] = arrays["train_images"].transpose(0, 1, 3, 2)[:, :, ::-1]
    turned = pictures(12).transpose(2, 3).flip(2)
    arrays["test_images"] = arrays["test_images"].transpose(0, 1, 3, 2)[:, :, ::-1]
    found = check_data(Images(**arrays), Size(12, 6, (1, 8, 4), 3))
    assert_same(found, images(train_images=turned, test_images=pictures(6).transpose(2, 3).flip(2)))


def test_something_else_than_images():
    assert_refused((1, 2), "must return Images, not tuple")


# The data step, with a source of the user's


@pytest.fixture
def source(monkeypatch, tmp_path_factory):
    """A source called `mine` in a plugin folder; tests change what it defines."""
    folder = tmp_path_factory.mktemp("plugins") / "extensions" / "datasets"
    folder.mkdir(parents=True)
    (folder / "mine.py").touch()
    (folder / "nobodys.py").write_text("import nobody_has_this\n")
    monkeypatch.setenv(plugins.CHOSEN, "[]")
    plugins.choose([str(folder.parent)])
    module = ModuleType("extensions.datasets.mine")
    module.SIZE, module.load = SIZE, lambda folder, mirror: images()
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def prepared(folder):
    prepare("mine", folder / "images.safetensors", folder / "description.json")
    return load_images(folder / "images.safetensors")


def test_shared_and_turned_memory_is_stored(source, tmp_path):
    every = pictures(12).transpose(2, 3).contiguous().transpose(2, 3)
    source.SIZE = Size(12, 12, SIZE.shape, 3)
    shared = images(
        train_images=every, test_images=every, train_labels=labels(12), test_labels=labels(12)
    )
    source.load = lambda folder, mirror: shared
    assert_same(prepared(tmp_path), shared)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"train_images": pictures(12).float() / 255}, r"load: train_images: found float32"),
        ({"train_images": pictures(12, (4, 8, 1))}, r"load: train_images: .*channels come last"),
        ({"test_labels": labels(5)}, r"load: test_labels: found \(5,\)"),
    ],
)
def test_the_file_is_named_and_nothing_is_stored(source, tmp_path, wrong, words):
    source.load = lambda folder, mirror: images(**wrong)
    with pytest.raises(UserError, match=rf"extensions/datasets/mine\.py: {words}"):
        prepared(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_source_that_lacks_a_part_or_cannot_be_imported(source, tmp_path):
    del source.SIZE
    with pytest.raises(UserError, match=r"mine\.py: needs SIZE and load.*has no SIZE"):
        sources.size("mine")
    del source.load
    with pytest.raises(UserError, match=r"mine\.py: .*has no load"):
        prepared(tmp_path)
    with pytest.raises(
        UserError, match=r"nobodys\.py, line 1: cannot be imported: ModuleNotFoundError"
    ):
        sources.size("nobodys")


@pytest.mark.parametrize("dataset", ["digits", "mnist"])
def test_our_own_sources_say_how_many_classes_there_are(dataset):
    assert sources.size(dataset).classes == 10


def test_the_stored_classes_are_the_datas(source, tmp_path):
    found = prepared(tmp_path)
    assert found.classes == 3
    description = (tmp_path / "description.json").read_text()
    assert re.search(r'"classes": 3\b', description)
