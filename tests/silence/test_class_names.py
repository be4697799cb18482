"""Classes bear their names in figures, and images are drawn as they are seen best."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from safetensors.numpy import save_file

from latentgrid.errors import UserError
from latentgrid.figures import palette, style
from latentgrid.results import trained

LABELS = np.array([0, 1, 1, 2], np.uint8)
NAMES = ("round stones", "sails", "a class whose name is very long indeed")
POINTS = np.arange(8.0).reshape(4, 2)


def shown(labels=LABELS, names=NAMES):
    return trained.TestSet(np.zeros((len(labels), 1, 2, 2), np.uint8), labels, names)


def legend_of(test):
    figure = Figure()
    style.class_legend(figure, test.labels, test.name_of)
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def named_in_panel(test):
    panel = Figure().subplots()
    panel.set(xlim=(-1, 7), ylim=(0, 8))
    style.name_classes(panel, POINTS, test.labels, test.name_of)
    return [text.get_text() for text in panel.texts]


def test_names_stand_in_legend_and_panel():
    expected = ["round stones", "sails", "a class whose n…"]
    assert legend_of(shown()) == named_in_panel(shown()) == expected
    assert shown().first(2).name_of(1) == "sails"


def test_without_names_the_numbers_stand():
    assert legend_of(shown(names=())) == named_in_panel(shown(names=())) == ["0", "1", "2"]


def test_one_class_has_neither_legend_nor_name():
    one = shown(np.zeros(4, np.uint8))
    assert legend_of(one) == named_in_panel(one) == []
    assert (one.has_classes, shown().has_classes) == (False, True)


def test_names_that_would_cover_the_points_are_left_to_the_legend():
    labels = np.arange(100, dtype=np.uint8)
    many = shown(labels, tuple(f"kind of flower {label}" for label in labels))
    assert named_in_panel(many) == []
    assert len(legend_of(many)) == len(palette.PALETTE) * len(style.MARKERS)


def test_names_are_read_from_the_data(tmp_path):
    tensors = {"test_images": np.zeros((4, 1, 2, 2), np.uint8), "test_labels": LABELS}
    path = tmp_path / "images.safetensors"
    save_file(tensors, path, metadata={"class names": '["a", "b", "ç"]'})
    assert trained.load_test_set(path).class_names == ("a", "b", "ç")
    save_file(tensors, path)
    assert trained.load_test_set(path).class_names == ()
    save_file(tensors, path, metadata={"class names": "["})
    with pytest.raises(UserError, match="is damaged"):
        trained.load_test_set(path)


def framed(corner, channels=1):
    images = np.full((5, channels, 6, 6), 200, np.uint8)
    images[:, :, 0, :], images[:, :, -1, :] = corner, corner
    return images


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (framed(0), style.ON_WHITE),
        (framed(90), style.AS_IT_IS),
        (framed(0, channels=3), style.AS_IT_IS),
        (np.zeros((0, 1, 1, 1), np.uint8), style.ON_WHITE),
    ],
)
def test_strokes_on_black_are_drawn_on_white_and_others_as_they_are(images, expected):
    with style.images_like(images):
        assert mpl.rcParams["image.cmap"] == expected
    assert mpl.rcParams["image.cmap"] == style.ON_WHITE


@pytest.mark.parametrize(("corner", "channels", "paper"), [(0, 1, 0), (90, 1, 255), (0, 3, 255)])
def test_the_gaps_between_images_are_white(corner, channels, paper):
    images = framed(corner, channels)
    with style.images_like(images):
        assert (style.image_grid(images, 5)[:2] == paper).all()
