"""Scenes of several images, the weights of their pixels, and the U-Net that segments them."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt
from torch.nn import functional

from latentgrid.contracts.models import labelled
from latentgrid.data import Batch, as_batch
from latentgrid.data.borders import distance, nearness, sigma_of
from latentgrid.data.scenes import Scenes, bright, compose, deformed, grown, overlap, places, put
from latentgrid.evaluation.measures.segmentation import intersection_over_union
from latentgrid.randomness import random_generator
from latentgrid.training.snapshots import snapshot
from networks import build


def draws(seed=0):
    return random_generator(seed, "scenes")


def masks(*shape, share=0.3):
    return torch.rand(*shape, generator=draws()) < share


@pytest.fixture
def digits(few_images):
    """Digits of 18 pixels in images of 28, as in MNIST."""
    batch = as_batch(few_images.train_images[:40], few_images.train_labels[:40])
    small = functional.interpolate(batch.images, (18, 18), mode="area")
    return Batch(functional.pad(small, (5, 5, 5, 5)), batch.labels)


# Distances and weights


def test_distance_is_scipys():
    mask = masks(3, 9, 14, share=0.05)
    expected = np.stack([distance_transform_edt(~of.numpy()) for of in mask])
    np.testing.assert_allclose(distance(mask), expected, atol=1e-5)


def test_a_pixel_between_two_objects_is_near_and_others_are_not():
    objects = torch.zeros(1, 3, 5, 9, dtype=torch.bool)
    objects[0, 0, :, :2], objects[0, 1, :, 3:5] = True, True  # the third is nowhere
    near = nearness(objects, sigma=2.0)
    assert near[0, 2, 2].item() == pytest.approx(math.exp(-(2**2) / 8))
    assert near[0, 2, 8].item() == pytest.approx(math.exp(-((4 + 7) ** 2) / 8))


def test_with_one_object_alone_no_pixel_is_near_two():
    objects = torch.zeros(1, 3, 20, 20, dtype=torch.bool)
    objects[0, 0, 4:8, 4:8] = True
    assert nearness(objects, sigma_of(20, 20)).max() < 1e-10


def test_sigma_is_five_pixels_for_mnist():
    assert sigma_of(28, 28) == 5
    assert sigma_of(8, 12) == pytest.approx(5 * 8 / 28)


def test_background_and_objects_weigh_alike_and_the_border_is_added(digits):
    plain, heavy = (
        build("unet_segmentation", channels=2, border_weights=on) for on in (False, True)
    )
    scenes = compose(digits, draws(), deform=False)
    weights, background = plain.weights(scenes), scenes.classes == 0
    pixels = background[0].numel()
    for part in (background, ~background):
        torch.testing.assert_close(
            (weights * part).sum(dim=(1, 2)), torch.full((40,), pixels / 2), rtol=1e-4, atol=0
        )
    added = heavy.weights(scenes) - weights
    torch.testing.assert_close(
        added, 10 * nearness(scenes.objects, 5.0) * background, rtol=1e-4, atol=1e-4
    )
    assert not added[~background].any()
    assert 5 < added.max() <= 10


# Scenes


def test_overlap_counts_the_pixels_that_fall_on_taken_ones():
    taken, mask = masks(2, 9, 11), masks(2, 4, 5, share=0.5)
    found = overlap(taken, mask)
    assert found.shape == (2, 6, 7)
    for row in range(6):
        for column in range(7):
            both = taken[:, row : row + 4, column : column + 5] & mask
            np.testing.assert_allclose(
                found[:, row, column], both.sum(dim=(1, 2)), rtol=0, atol=1e-4
            )


def test_images_are_put_where_they_should_be():
    images = torch.rand(2, 3, 4, 5, generator=draws())
    canvas = put(images, torch.Size([9, 8]), torch.tensor([0, 5]), torch.tensor([3, 1]))
    assert torch.equal(canvas[0, :, 0:4, 3:8], images[0])
    assert torch.equal(canvas[1, :, 5:9, 1:6], images[1])
    assert canvas.count_nonzero() == images.count_nonzero()


def test_objects_are_put_one_pixel_apart_from_what_is_there():
    taken = torch.zeros(50, 20, 20, dtype=torch.bool)
    taken[:, 8:12, 5:15] = True
    mask = masks(50, 6, 6, share=0.6)
    placed = put(mask[:, None].float(), taken.shape[1:], *places(taken, mask, draws()))[:, 0] > 0
    assert not (grown(taken, 1) & placed).any()
    assert (grown(taken, 2) & placed).any(dim=(1, 2)).all()


def test_without_a_place_beside_it_an_object_covers_what_is_there():
    full = torch.ones(3, 8, 8, dtype=torch.bool)
    rows, columns = places(full, torch.ones(3, 4, 4, dtype=torch.bool), draws())
    assert rows.max() <= 4
    assert columns.max() <= 4


def test_the_first_object_may_lie_anywhere():
    free = torch.zeros(3000, 6, 8, dtype=torch.bool)
    rows, columns = places(free, masks(3000, 4, 5), draws())
    counts = torch.bincount(4 * rows + columns, minlength=12)
    assert (counts - 250).abs().max() < 5 * 250**0.5


def test_a_scene_has_its_own_image_and_the_two_that_follow(digits):
    scenes = compose(digits, draws(), deform=False)
    assert scenes.images.shape == (40, 1, 56, 56)
    assert (scenes.objects.sum(dim=1) <= 1).all()
    assert torch.equal(scenes.objects.any(dim=1), scenes.classes > 0)
    areas = bright(digits.images).sum(dim=(1, 2))
    for number in range(3):
        labels = digits.labels.roll(-number)
        inside = scenes.classes[:, None] * scenes.objects[:, [number]]
        assert torch.equal(inside.amax(dim=(1, 2, 3)), 1 + labels)
        # Hardly any is covered by a later one.
        seen = scenes.objects[:, number].sum(dim=(1, 2))
        assert (seen == areas.roll(-number)).float().mean() > 0.9
    near = grown(scenes.objects[:, 0], 2) & scenes.objects[:, 1:].any(dim=1)
    assert near.any(dim=(1, 2)).float().mean() > 0.9


def test_a_batch_of_one_makes_a_scene_of_one_image_three_times(digits):
    scenes = compose(Batch(digits.images[:1], digits.labels[:1]), draws(), deform=True)
    assert set(scenes.classes.unique().tolist()) == {0, 1 + int(digits.labels[0])}


# Elastic deformations


def test_a_deformation_moves_pixels_by_as_much_as_it_should():
    """A ramp's value says from where a pixel came: 1.4 of 28 pixels at the drawn points."""
    across = torch.arange(28.0).expand(400, 1, 28, 28) / 28
    moved = 28 * (deformed(across, draws()) - across)[:, 0, 7:21, 7:21]
    assert moved[:, 7, 7].std().item() == pytest.approx(1.4, rel=0.15)
    beside = np.corrcoef(moved[:, 7, 7], moved[:, 8, 7])[0, 1]
    assert beside > 0.98, "neighbours move together"
    assert moved.mean().abs() < 0.2


def test_images_are_deformed_in_training_alone_and_only_if_asked(digits):
    model = build("unet_segmentation", channels=2)
    unmoved = compose(digits, draws(), deform=False).images
    assert not torch.equal(model.train().compose(digits, draws()).images, unmoved)
    assert torch.equal(model.eval().compose(digits, draws()).images, unmoved)
    without = build("unet_segmentation", channels=2, elastic=False).train()
    assert torch.equal(without.compose(digits, draws()).images, unmoved)


# The loss, and what is measured


@torch.no_grad()
def test_the_loss_is_the_weighted_cross_entropy_of_each_pixel(digits):
    model = build("unet_segmentation", channels=2).eval()
    scenes = model.compose(digits, draws())
    entropy = functional.cross_entropy(
        model.network(scenes.images), scenes.classes, reduction="none"
    )
    expected = (model.weights(scenes) * entropy).flatten(1).sum(dim=1)
    torch.testing.assert_close(model.losses(digits, draws())["cross_entropy"], expected)


def test_a_perfect_answer_costs_nothing_and_is_measured_so(few_images, monkeypatch):
    model = build("unet_segmentation", channels=2)
    kept: list[Scenes] = []
    compose_ = model.compose
    monkeypatch.setattr(
        model, "compose", lambda batch, rng: kept.append(compose_(batch, rng)) or kept[-1]
    )

    def right(images):
        assert torch.equal(images, kept[-1].images)
        return 50 * functional.one_hot(kept[-1].classes, 11).movedim(3, 1).float() - 50

    monkeypatch.setattr(model, "segment", right)
    shown = labelled(torch.rand(3, 1, 28, 28))
    assert model.eval().losses(shown, draws())["cross_entropy"].max() < 1e-3
    taken = snapshot(model, few_images, seed=0, samples=1, manifold=1)
    assert set(intersection_over_union(taken["confusion"].numpy())) <= {1, None}
    assert taken["between"][0] == taken["between"][1] > 0
    assert torch.equal(taken["segmented"], taken["scene_classes"])
    assert taken["confusion"].sum() == 30 * 56 * 56


def test_intersection_over_union_by_hand():
    confusion = np.array([[6, 2, 0], [1, 3, 0], [0, 0, 0]])
    assert intersection_over_union(confusion) == [6 / 9, 3 / 6, None]
