"""Folders of images: what is read, what is mended, and what is named before any training."""

import json
import os
import re
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from latentgrid.data import load_images, sources
from latentgrid.data.readers._pictures import Cut, as_array
from latentgrid.errors import UserError
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from latentgrid.grid.datasets import EXAMPLE, READ_FROM, Source, of_text, read
from latentgrid.grid.messages import EntryError
from latentgrid.grid.own_results import require_own_results
from latentgrid.pipeline.mirror import fingerprint_of_files
from latentgrid.steps.data import prepare

DRAWS = np.random.default_rng(0)


def noise(mode="RGB", size=(8, 8)):
    shape = size[::-1] if mode == "L" else (*size[::-1], len(mode))
    return Image.fromarray(DRAWS.integers(0, 256, shape, dtype=np.uint8), mode=mode)


@pytest.fixture
def folder(tmp_path):
    """Two classes, `big cats` and `dogs`, of ten images each."""
    root = tmp_path / "My animals"
    for name in ("dogs", "big cats"):
        (root / name).mkdir(parents=True)
        for i in range(10):
            noise().save(root / name / f"{i}.png")
    return root


def given(folder, **options):
    return json.dumps({"folder": str(folder), **options})


def loaded(folder, **options):
    return sources.load(given(folder, **options), folder, None)


def refused(folder, **options):
    with pytest.raises(UserError) as caught:
        loaded(folder, **options)
    assert str(caught.value).startswith("dataset: ")
    return str(caught.value)


def every(images):
    return torch.cat([images.train_images, images.test_images])


def test_each_subfolder_is_a_class(folder):
    found = loaded(folder)
    assert found.class_names == ("big cats", "dogs")
    assert found.train_labels.bincount().tolist() == [8, 8]
    assert found.test_labels.bincount().tolist() == [2, 2]
    stored = {image.numpy().tobytes(): 0 for image in found.train_images[found.train_labels == 0]}
    cats = [np.array(Image.open(path)) for path in (folder / "big cats").iterdir()]
    assert stored.keys() < {cat.transpose(2, 0, 1).tobytes() for cat in cats}


def test_no_image_is_lost_and_none_is_in_both_parts(folder):
    paths = folder.rglob("*.png")
    originals = {np.array(Image.open(path)).transpose(2, 0, 1).tobytes() for path in paths}
    images = [image.numpy().tobytes() for image in every(loaded(folder))]
    assert len(images) == 20
    assert {*images} == originals


def test_the_first_images_are_not_all_of_one_class(folder):
    found = loaded(folder, split=0.5)
    assert len({*found.train_labels[:6].tolist()}) == len({*found.test_labels[:6].tolist()}) == 2


def test_the_draw_hangs_on_the_seed_alone(folder):
    first, again, other = loaded(folder), loaded(folder), loaded(folder, seed=1)
    assert torch.equal(first.test_images, again.test_images)
    assert not torch.equal(first.test_images, other.test_images)
    assert len(loaded(folder, split=0.5).test_labels) == 10


def test_without_subfolders_there_are_no_labels(tmp_path, capsys):
    for i in range(10):
        noise("L").save(tmp_path / f"{i}.png")
    source = given(tmp_path, name="loose")
    (tmp_path / "data").mkdir()
    images = tmp_path / "data" / "images.safetensors"
    (tmp_path / "data").rmdir()
    prepare(source, images, images.with_name("description.json"))
    found = load_images(images)
    assert (found.classes, found.class_names, found.shape) == (1, (), (1, 8, 8))
    assert (
        "loose: no labels: measures and figures of classes are left out" in capsys.readouterr().out
    )


def test_the_description_says_what_was_read(folder, tmp_path):
    place = tmp_path / "data" / "images.safetensors"
    prepare(given(folder, crop=6), place, place.with_name("description.json"))
    told = json.loads(place.with_name("description.json").read_text())
    assert told["dataset"] == "my_animals,crop=6"
    assert told["class names"] == ["big cats", "dogs"]
    assert told["read from"] == {"folder": str(folder), "crop": 6}
    assert load_images(place).class_names == ("big cats", "dogs")


def test_one_class_labels_nothing(folder, capsys):
    (folder / "dogs").rename(folder.parent / "dogs")
    assert loaded(folder).classes == 1
    assert "one class, big cats, which labels nothing" in capsys.readouterr().out


def test_train_and_test_may_be_there_already(folder, tmp_path):
    root = tmp_path / "split"
    root.mkdir()
    for part in ("train", "test"):
        folder.rename(root / part)
        if part == "train":
            for name in ("dogs", "big cats"):
                (folder / name).mkdir(parents=True)
                for i in range(2):
                    noise().save(folder / name / f"{i}.png")
    found = loaded(root)
    assert (len(found.train_labels), len(found.test_labels)) == (20, 4)
    assert found.class_names == ("big cats", "dogs")
    (root / "val").mkdir()
    assert "has the subfolders test, train, val; allowed: train and test alone" in refused(root)


# Cutting


def test_the_middle_is_cut_and_scaled(tmp_path):
    """Left half black, right half white, wide frame: the middle square keeps both halves."""
    for i in range(8):
        pixels = np.zeros((8, 16), np.uint8)
        pixels[:, 8:] = 255
        pixels[:, :8] = i
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    found = every(loaded(tmp_path, resize=4))
    assert found.shape == (8, 1, 4, 4)
    assert found[..., 0].max() < 8
    assert found[..., 3].min() == 255
    cut = every(loaded(tmp_path, crop=4))
    assert cut.shape == (8, 1, 4, 4)
    assert cut[..., :2].max() < 8
    assert cut[..., 2:].min() == 255
    assert "is 16×8, smaller than crop: 9" in refused(tmp_path, crop=9)


def test_several_sizes_are_listed_without_resize(folder):
    noise(size=(9, 12)).save(folder / "dogs" / "tall.png")
    said = refused(folder)
    assert "the images have 2 sizes; set resize" in said
    assert f"8×8: 20, as {folder}/big cats/0.png" in said
    assert f"9×12: 1, as {folder}/dogs/tall.png" in said
    assert every(loaded(folder, resize=8)).shape == (21, 3, 8, 8)


# What is mended


def one_more(folder, picture, name="one.png", **save):
    """The array that becomes of a picture beside grey ones."""
    root = folder / "grey"
    root.mkdir()
    for i in range(10):
        Image.fromarray(np.full((8, 8), 10 * i, np.uint8)).save(root / f"{i}.png")
    before = every(loaded(root))
    assert before.shape[1] == 1
    picture.save(root / name, **save)
    known = {image.numpy().tobytes() for image in before}
    after = every(loaded(root))
    new = [image for image in after if image[:1].numpy().tobytes() not in known]
    [image] = new
    return image.numpy()


def test_an_image_is_turned_upright_as_its_exif_says(tmp_path):
    upright = np.zeros((8, 8), np.uint8)
    upright[:2] = 255  # a bar on top
    exif = Image.Exif()
    exif[274] = 6  # the camera was held so that the top is at the right of the file
    turned = Image.fromarray(np.rot90(upright, 1))
    assert (one_more(tmp_path, turned, exif=exif)[0] == upright).all()


def test_sixteen_bits_are_scaled_to_eight(tmp_path):
    deep = np.linspace(0, 65535, 64).round().astype(np.uint16).reshape(8, 8)
    found = one_more(tmp_path, Image.fromarray(deep))
    assert (found[0] == np.rint(deep / 257)).all()


@pytest.mark.parametrize(("kind", "scale"), [(np.uint8, 1), (np.uint16, 257)])
def test_the_transparent_grey_of_a_picture_is_white(tmp_path, kind, scale):
    grey = np.arange(64, dtype=kind).reshape(8, 8) * kind(scale)
    Image.fromarray(grey).save(tmp_path / "grey.png", transparency=5 * scale)
    with Image.open(tmp_path / "grey.png") as picture:
        found = as_array(picture, 1, Cut()).flatten()
    assert found.tolist() == [255 if value == 5 else value for value in range(64)]


def test_transparent_parts_are_laid_on_white(tmp_path, capsys):
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[..., 0] = 200
    pixels[:4, :, 3], pixels[4:, :, 3] = 255, 0
    found = one_more(tmp_path, Image.fromarray(pixels))
    assert (found[:, 0, 0].tolist(), found[:, 7, 7].tolist()) == ([200, 0, 0], [255, 255, 255])
    said = capsys.readouterr().out
    assert "1 images may be transparent and are laid on white" in said
    assert "10 grey images become red, green and blue" in said


def test_of_an_animation_the_first_frame_is_taken(tmp_path, capsys):
    frames = [Image.fromarray(np.full((8, 8), v, np.uint8)) for v in (200, 5)]
    found = one_more(tmp_path, frames[0], "one.gif", save_all=True, append_images=frames[1:])
    assert (found == 200).all()
    assert "of 1 animations the first frame is taken" in capsys.readouterr().out


def test_colours_are_left_out_on_demand(folder):
    grey = loaded(folder, grey=True)
    assert grey.shape == (1, 8, 8)
    colour = loaded(folder).test_images.float()
    luma = torch.einsum("c,nchw->nhw", torch.tensor([0.299, 0.587, 0.114]), colour)
    assert (grey.test_images[:, 0] - luma).abs().max() < 1


@pytest.mark.parametrize("mode", ["1", "P", "CMYK", "LA", "YCbCr"])
def test_images_of_other_modes_are_converted(folder, mode):
    for i, path in enumerate(sorted((folder / "dogs").iterdir())):
        Image.open(path).convert(mode).save(path.with_suffix(".tiff"))
        path.unlink()
        assert i < 10
    assert loaded(folder).shape == (3, 8, 8)


def test_links_are_followed_but_not_in_circles(folder, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    (folder / "dogs").rename(elsewhere)
    (folder / "dogs").symlink_to(elsewhere)
    (elsewhere / "again").symlink_to(elsewhere)
    noise().save(tmp_path / "far.png")
    (folder / "big cats" / "link.png").symlink_to(tmp_path / "far.png")
    assert len(every(loaded(folder))) == 21


def test_a_link_to_a_folder_above_puts_no_image_into_two_classes(folder):
    before = len(every(loaded(folder)))
    (folder / "dogs" / "up").symlink_to("..")
    assert len(every(loaded(folder))) == before


def test_images_too_small_for_any_network_are_refused_for_their_size(tmp_path):
    for number in range(10):
        noise(size=(1, 1)).save(tmp_path / f"{number}.png")
    assert "the images have 1×1 pixels; allowed: 4 or more a side; set resize" in refused(tmp_path)


def test_a_class_without_a_test_image_is_named(folder, capsys):
    (folder / "one").mkdir()
    noise().save(folder / "one" / "1.png")
    loaded(folder)
    assert "one has no test image" in capsys.readouterr().out


def test_other_files_are_left_out_and_hidden_ones_not_even_named(folder, capsys):
    (folder / "dogs" / "notes.txt").write_text("which dog is which")
    (folder / "dogs" / ".DS_Store").write_bytes(b"1")
    (folder / ".thumbnails").mkdir()
    (folder / "empty").mkdir()
    assert loaded(folder).class_names == ("big cats", "dogs")
    assert "1 files are no images and left out, as" in capsys.readouterr().out


# What is refused


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-60])


def a_web_page(path):
    path.write_bytes(b"<!DOCTYPE html>")


def empty(path):
    path.write_bytes(b"")


def cut_to_its_mark(path):
    path.write_bytes(path.read_bytes()[:12])


def floating_point(path):
    path.unlink()
    Image.fromarray(np.ones((8, 8), np.float32)).save(path.with_suffix(".tiff"))


def dangling(path):
    path.unlink()
    path.symlink_to("nowhere.png")


def huge(path):
    Image.new("1", (20_000, 20_000)).save(path)


def unreadable(path):
    path.chmod(0)


DAMAGES = {
    cut_short: "is damaged",
    a_web_page: "is no image that Pillow knows",
    empty: "3.png: is empty$",
    cut_to_its_mark: "begins as PNG and is cut short or damaged",
    floating_point: "has pixels in floating point",
    dangling: "No such file",
    huge: "has more than .* pixels",
    unreadable: "Permission denied",
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_an_image_that_cannot_be_used_is_named(folder, damage):
    if damage is unreadable and os.geteuid() == 0:
        pytest.skip("root may read any file; run this test as another user")
    damage(folder / "dogs" / "3.png")
    said = refused(folder, resize=8)
    assert "dogs/3." in said
    assert re.search(DAMAGES[damage], said)


def test_all_bad_files_are_named_in_one_message(folder):
    for path in (folder / "dogs").iterdir():
        a_web_page(path)
    said = refused(folder)
    assert "10 images cannot be used; mend or remove:" in said
    assert all(f"dogs/{i}.png: is no image" in said for i in range(10))


@pytest.mark.parametrize(
    ("paths", "says"),
    [
        ([], "holds no images"),
        (["1.png", "2.png", "3.png"], "gives 2 training and 1 test images"),
        (["a/1.png", "b/2.png", "3.png"], "has images beside its subfolders, as 3.png"),
        (["train/a/1.png", "test/a/1.png", "3.png"], "images beside train and test, as 3.png"),
        (["Train/a/1.png", "Test/a/1.png"], "has the subfolders Test, Train; allowed: train and"),
        (["train/a/1.png"], "has the subfolders train; allowed: train and test alone"),
    ],
)
def test_folders_from_which_nothing_can_be_learnt(tmp_path, paths, says):
    for path in paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        noise().save(tmp_path / path)
    assert says in refused(tmp_path)


def test_a_folder_that_is_none(tmp_path):
    assert "is no folder" in refused(tmp_path / "nowhere")


def test_a_mirror_is_of_no_use(folder):
    with pytest.raises(
        UserError, match=r"^dataset: a folder of images is not fetched; leave out mirror:"
    ):
        sources.load(given(folder), folder, "https://nowhere.invalid")


def test_images_that_do_not_fit_into_memory_are_refused(folder, monkeypatch):
    monkeypatch.setattr("psutil.virtual_memory", lambda: type("", (), {"available": 1000}))
    assert "the images take 3.84 kB, too much for memory" in refused(folder)


# What `dataset:` may say


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("mnist", "mnist"),
        ("cifar10", "cifar10"),
        ({"torchvision": "cifar10"}, "cifar10"),
        ("emnist,subset=letters", "emnist,subset=letters"),
        ({"torchvision": "CelebA", "resize": 64, "label": "Male"}, "celeba,label=Male,resize=64"),
        ({"folder": "pictures/My Flowers/"}, "my_flowers"),
        ({"folder": "flowers", "resize": 64, "split": 0.2}, "flowers,resize=64"),
        ({"folder": "mnist", "name": "mine"}, "mine"),
    ],
)
def test_what_a_data_set_is_called(said, name):
    source = read(said)
    assert source.name == name
    assert of_text(source.text) == source == read(source.given)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("nothing", "found 'nothing'; allowed: celeba, cifar10"),
        (3, "found 3; allowed: celeba"),
        ({}, f"allowed: one of the keys folder or torchvision, as in {EXAMPLE}"),
        ({"folder": "a", "torchvision": "USPS"}, "allowed: one of the keys folder or torchvision"),
        ({"torchvision": "MNIST"}, "dataset.torchvision: found 'MNIST'; allowed: dataset: mnist"),
        ({"torchvision": "Cifar"}, "dataset.torchvision: found 'Cifar'; allowed: FashionMNIST"),
        (
            {"folder": "a", "resize": 0},
            "dataset.resize: found 0; allowed: a whole number of pixels",
        ),
        ({"folder": "a", "resise": 9}, "dataset.resise: unknown key, found 9; allowed: folder, re"),
        ({"folder": "a", "seed": True}, "dataset.seed: found True"),
        ({"folder": "a\0b"}, "dataset.folder: found 'a\\x00b'; allowed: a folder"),
        ({1: 2, "folder": "a"}, "dataset.1: unknown key"),
        ({"folder": "x/cifar10"}, "makes the name 'cifar10'; allowed: the key name: letters"),
        ({"folder": "/"}, "makes the name ''; allowed: the key name"),
        ({"folder": "a", "name": "../b"}, "dataset.name: found '../b'; allowed: letters"),
        ({"folder": "a", "name": "mnist"}, "dataset.name: found 'mnist'"),
    ],
)
def test_what_a_data_set_may_not_be(said, words):
    with pytest.raises(EntryError) as caught:
        read(said)
    assert words in str(caught.value)


def test_an_edit_in_the_folder_is_seen_and_a_date_is_not(folder):
    source = of_text(given(folder))
    before = fingerprint_of_files(source)
    path = folder / "dogs" / "3.png"
    os.utime(path, (0, 0))
    assert fingerprint_of_files(source) == before
    path.rename(folder / "big cats" / "x.png")
    moved = fingerprint_of_files(source)
    noise().save(folder / "dogs" / "3.png")
    assert len({*map(tuple, (before, moved, fingerprint_of_files(source)))}) == 3
    assert fingerprint_of_files(Source("mnist")) == []


def test_an_edit_behind_a_link_is_seen(folder, tmp_path):
    (folder / "dogs").rename(tmp_path / "elsewhere")
    (folder / "dogs").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "again").symlink_to(folder)
    before = fingerprint_of_files(of_text(given(folder)))
    noise().save(tmp_path / "elsewhere" / "3.png")
    assert fingerprint_of_files(of_text(given(folder))) != before


def test_a_second_folder_of_one_name_is_refused(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    other = tmp_path / "elsewhere" / folder.name
    shutil.copytree(folder, other)
    source, layout = of_text(given(folder)), Layout("my_animals")
    write_json(layout.description, {READ_FROM: source.given})
    require_own_results(source, layout)
    require_own_results(of_text(given(folder.name)), layout)
    second = of_text(given(other, resize=8, name="my_animals"))
    with pytest.raises(
        UserError, match=f"{layout.results} is of the images in {folder}; allowed: "
    ) as no:
        require_own_results(second, layout)
    assert "name: my_animals_2}; or delete data/my_animals to" in str(no.value)
    shutil.rmtree(folder)  # it was moved
    require_own_results(second, layout)
