"""How samples, codes and manifold change over the epochs, drawn and animated."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image
from safetensors.numpy import save_file

from latentgrid.evaluation.distances import movement
from latentgrid.figures.comparisons import evolution
from latentgrid.figures.results import Results
from latentgrid.figures.style import save_animation
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from latentgrid.results.trained import TrainedRun
from legible import complaints
from tiny import seal

N = 12


@pytest.fixture
def layout(tmp_path, monkeypatch):
    """Five two-dimensional runs with snapshots after many epochs; the last one has no samples."""
    monkeypatch.chdir(tmp_path)
    layout = Layout("digits")
    draws = np.random.default_rng(0)
    images = draws.integers(0, 255, (N, 3, 4, 4), np.uint8)
    layout.data.mkdir(parents=True)
    labels = np.arange(N, dtype=np.uint8) % 3
    save_file({"test_images": images, "test_labels": labels}, layout.images)
    rows = []
    for entry in "abcde":
        row = {"run": f"{entry}/x", "entry": entry, "model": "vae", "latent_dim": 2}
        rows.append(row | {"status": "finished", "reason": "", "min_train_loss": 1.0})
        files = layout.run(f"{entry}/x")
        write_json(files.outcome, {"status": "finished", "reason": "", "epochs": 10})
        kept = {}
        for epoch in range(11):
            kept[f"{epoch}/codes"] = (epoch + draws.normal(size=(N, 2))).astype(np.float32)
            kept[f"{epoch}/manifold"] = draws.integers(0, 255, (9, 3, 4, 4), np.uint8)
            if entry != "a":
                kept[f"{epoch}/samples"] = draws.integers(0, 255, (5, 3, 4, 4), np.uint8)
        save_file(kept, files.snapshots)
        seal(files)
    layout.tables.mkdir(parents=True)
    pd.DataFrame(rows).to_csv(layout.tables / "runs.csv")
    write_json(layout.plan, [{"name": r["run"], "axes": {"latent_dim": 2}} for r in rows])
    return layout


def test_snapshots_are_read_in_the_order_of_the_epochs(layout):
    epochs = TrainedRun(layout.run("b/x")).over_epochs("codes")
    assert list(epochs) == list(range(11))
    assert TrainedRun(layout.run("a/x")).over_epochs("samples") == {}


def test_up_to_three_models_have_a_block_with_the_same_axes_at_all_epochs(layout):
    drawn = evolution.draw(Results(layout, tuple("abcde")))
    assert not complaints(drawn.figure)
    blocks = np.array(drawn.figure.axes).reshape(3, 4, evolution.COLUMNS)
    assert [block[0, 0].texts[0].get_text() for block in blocks] == ["b", "c", "d"]
    for _, _, codes, _ in blocks:
        assert len({panel.get_xlim() + panel.get_ylim() for panel in codes}) == 1
    titles = [panel.get_title() for panel in blocks[0, 1]]
    assert (titles[0], titles[-1]) == ("epoch 0", "epoch 10")
    assert len(drawn.figure.legends) == 1
    assert len(drawn.frames) == 11
    assert evolution.draw(Results(layout, ("a",))).missing


def test_codes_move_by_multiples_of_their_spread():
    last = np.array([[0.0, 1.0], [0.0, -1.0]])
    codes = {0: last - [4.0, 0.0], 4: last}
    assert movement(codes, 0, 4) == pytest.approx(4.0)


def test_the_sentence_says_in_what_codes_are_said_to_move(layout):
    (sentence,) = evolution.draw(Results(layout, ("b",))).seen
    codes = TrainedRun(layout.run("b/x")).over_epochs("codes")
    moved = np.linalg.norm(codes[10] - codes[9], axis=1).mean()
    radius = np.linalg.norm(codes[10] - codes[10].mean(axis=0), axis=1)
    assert "of the root mean squared distance of the last codes from their mean" in sentence
    said = float(sentence.split(", ")[-1].split(" between epochs 9 and 10")[0])
    assert said == pytest.approx(moved / np.sqrt(np.square(radius).mean()), rel=0.05)


def test_an_animation_has_a_frame_a_figure(tmp_path):
    figures = [Figure(figsize=(1, 1), facecolor=level) for level in ("0.2", "0.8")]
    save_animation(figures, tmp_path / "moving.webp")
    with Image.open(tmp_path / "moving.webp") as moving:
        assert moving.n_frames == 2
        assert moving.size == (100, 100)
