"""What all figures share can be read on A4: letters, colours, names of classes, labels of axes."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from latentgrid.figures import palette, style
from legible import complaints

# Machado, Oliveira and Fernandes (2009), table 1, severity 1: linear RGB as it is seen.
SIGHTS = {
    "common": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
NEAREST = {"common": 15, "protanopia": 9, "deuteranopia": 9, "tritanopia": 8}


def oklab(colour, sight):
    """Björn Ottosson's Oklab, in hundredths, of a colour as a sight has it."""
    values = np.array(to_rgb(colour))
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(sight) @ linear, 0, 1)
    cones = np.cbrt(
        np.array([[0.4122214708, 0.5363325363, 0.0514459929],
                  [0.2119034982, 0.6806995451, 0.1073969566],
                  [0.0883024619, 0.2817188376, 0.6299787005]]) @ seen
    )  # fmt: skip
    lab = np.array([[0.2104542553, 0.7936177850, -0.0040720468],
                    [1.9779984951, -2.4285922050, 0.4505937099],
                    [0.0259040371, 0.7827717662, -0.8086757660]])  # fmt: skip
    return 100 * lab @ cones


@pytest.mark.parametrize("sight", SIGHTS)
def test_no_two_of_ten_colours_look_alike_to_any_sight(sight):
    seen = [oklab(colour, SIGHTS[sight]) for colour in palette.PALETTE]
    nearest = min(np.linalg.norm(one - other) for one, other in combinations(seen, 2))
    assert len(seen) == 10
    assert nearest > NEAREST[sight]


def test_no_colour_is_grey_or_too_light_to_be_seen_on_white():
    seen = np.array([oklab(colour, SIGHTS["common"]) for colour in palette.PALETTE])
    assert (np.hypot(seen[:, 1], seen[:, 2]) > 7).all()
    assert (seen[:, 0] < 85).all()


def test_a_reader_complains_of_small_cut_and_covered_letters():
    figure = Figure(figsize=(3, 2))
    figure.text(0.5, 0.5, "one")
    figure.text(0.5, 0.5, "two", fontsize=6)
    figure.text(0.9, 0.1, "a long text")
    assert complaints(figure) == [
        "'two' has 6.0 pt",
        "'a long text' leaves the figure",
        "'one' and 'two' overlap",
    ]
    assert complaints(Figure(figsize=(8, 2))) == ["the figure is 8.0 inches wide"]


@pytest.mark.parametrize("names", ["0123456789", ("Sandal", "Shirt", "Sneaker", "Bag", "Trouser")])
def test_names_of_classes_that_lie_close_part(names):
    labels = np.arange(400) % len(names)
    points = np.random.default_rng(0).normal(size=(400, 2))
    points[:, 0] += labels / 2
    figure, (panel, *_) = style.panels(3)
    style.scatter_plane(panel, points, labels, lambda label: names[label])
    style.class_legend(figure, labels, lambda label: names[label])
    assert not complaints(figure)
    assert {text.get_text() for text in panel.texts} == set(names)
    for text in panel.texts:  # and stay near their points
        middle = np.median(points[labels == names.index(text.get_text())], axis=0)
        assert np.hypot(*text.get_position() - middle) < 2


def test_names_without_a_place_near_their_points_are_left_to_the_legend():
    labels = np.arange(400) % 10
    points = np.random.default_rng(0).normal(size=(400, 2))
    figure, (panel, *_) = style.panels(3)
    style.scatter_plane(panel, points, labels)
    style.class_legend(figure, labels)
    assert not panel.texts
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list("0123456789")


def test_one_panel_of_a_row_and_of_a_column_carries_a_label():
    figure, places = style.panels(5)
    for number, panel in enumerate(places):
        panel.set(xlim=(0, 1), ylim=(0, 1 + number // 3), xlabel="x", ylabel="y")
    style.label_outer(places)
    assert not complaints(figure)
    assert [p.xaxis.label.get_visible() for p in places] == [False, False, True, True, True]
    assert [p.yaxis.label.get_visible() for p in places] == [True, False, False, True, False]
    assert [p.yaxis.get_tick_params()["labelleft"] for p in places[:3]] == [True, False, False]
    panel, other = style.panels(2)[1]
    panel.set(ylim=(0, 1), ylabel="y")
    other.set(ylim=(0, 2), ylabel="y")
    style.label_outer([panel, other])
    assert other.yaxis.get_tick_params()["labelleft"]  # another scale


def test_panels_whose_ticks_are_named_otherwise_keep_the_names():
    _, places = style.panels(5)
    for panel, names in zip(places, ["23", "23", "23", "45", "23"], strict=True):
        panel.set_xticks([0, 1], list(names))
        panel.set(xlim=(-0.5, 1.5), ylim=(0, 1), xlabel="latent dimension")
    style.label_outer(places)
    kept = [panel.xaxis.get_tick_params()["labelbottom"] for panel in places]
    assert kept == [True, False, True, True, True]


def test_where_panels_have_several_horizontal_axes_each_keeps_its_own():
    _, places = style.panels(4)
    for panel, label in zip(places, ["x", "rate", "x", "x"], strict=True):
        panel.set(xlim=(0, 1), ylim=(0, 1), xlabel=label)
    style.label_outer(places)
    assert all(panel.xaxis.label.get_visible() for panel in places)
    assert all(panel.xaxis.get_tick_params()["labelbottom"] for panel in places)


@pytest.mark.parametrize("n", [1, 3, 10, 15])
def test_figures_of_many_panels_fit_a_page_with_their_labels(n):
    label = "vae_with_a_long_name\nd = 20, optimizer adam_keras, lr 0.00075"
    figure, places = style.labelled_panels([label] * n)
    for panel in places:
        panel.set(xticks=[], yticks=[])
        panel.set_box_aspect(1)
    assert figure.get_figheight() <= style.PAGE
    assert not complaints(figure)


def test_a_long_label_heightens_its_own_row_alone():
    short, long = "pca\nd = 32", "blocks\nnormalisation batch, upsampling bilinear, channels 8"
    heights = [
        style.labelled_panels(labels)[0].get_figheight()
        for labels in ([short] * 9, [*[short] * 8, long], [long] * 9)
    ]
    without, with_one, with_all = heights
    assert with_one - without > 0.1
    assert with_all - without == pytest.approx(3 * (with_one - without))


def test_labels_are_folded_between_settings():
    folded = style.folded("vae\nd = 20, adam_keras, lr 0.00075", 20)
    assert folded.splitlines() == ["vae", "d = 20, adam_keras,", "lr 0.00075"]
