"""Plots whose points show their images, in a page that needs no network."""

import base64
import re
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from safetensors.numpy import save_file

from latentgrid.figures.results import Results
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from latentgrid.report import interactive
from tiny import seal

ADDRESS = re.compile(r"data:image/png;base64,([\w+/=]+)")
N = 6
MARKS = ("circle", "triangle", "square")
LABELS = {"unlabelled": [0] * N, "twenty": [3, 3, 13, 13, 13, 23]}


@pytest.fixture
def layout(tmp_path, monkeypatch, request):
    """Two runs with codes of one and of three dimensions, on images of this kind."""
    monkeypatch.chdir(tmp_path)
    layout = Layout("digits")
    draws = np.random.default_rng(0)
    channels = 3 if request.param == "colour" else 1
    images = draws.integers(0, 255, (N, channels, 4, 4), np.uint8)
    if request.param == "strokes":
        images[:, :, [0, 0, -1, -1], [0, -1, 0, -1]] = 0
    layout.data.mkdir(parents=True)
    labels = np.array(LABELS.get(request.param, [3, 3, 5, 5, 5, 9]), np.uint8)
    save_file({"test_images": images, "test_labels": labels}, layout.images)
    rows = []
    for entry, dimension in (("a", 1), ("b", 3), ("without_codes", 3)):
        row = {"run": f"{entry}/x", "entry": entry, "model": "ae", "latent_dim": dimension}
        rows.append(row | {"status": "finished", "reason": "", "min_train_loss": 1.0})
        files = layout.run(f"{entry}/x")
        write_json(files.outcome, {"status": "finished", "reason": "", "epochs": 1})
        name = "1/samples" if entry == "without_codes" else "1/codes"
        save_file({name: draws.normal(size=(N, dimension)).astype(np.float32)}, files.snapshots)
        seal(files)
    layout.tables.mkdir(parents=True)
    pd.DataFrame(rows).to_csv(layout.tables / "runs.csv")
    write_json(layout.plan, [{"name": r["run"], "axes": {}} for r in rows])
    return layout


@pytest.mark.parametrize("layout", ["strokes", "grey", "colour"], indirect=True)
def test_each_image_is_there_once_whatever_the_number_of_plots(layout, request):
    plots = interactive.plot_latent(Results(layout))
    addresses = ADDRESS.findall(plots.script)
    assert len(addresses) == N
    first = np.asarray(Image.open(BytesIO(base64.b64decode(addresses[0]))))
    image = Results(layout).test.images[0]
    shown = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
    if request.node.callspec.params["layout"] == "strokes":
        shown = 255 - shown
    np.testing.assert_array_equal(first, shown)
    assert plots.script.count('"name":"Figure"') == 2
    assert plots.script.count('"name":"LegendItem"') == 2 * 3
    assert "http" not in plots.script
    assert re.search(r"<script[^>]* src=", plots.library) is None


@pytest.mark.parametrize("layout", ["grey", "unlabelled"], indirect=True)
def test_classes_are_named_where_there_are_some(layout, request):
    script = interactive.plot_latent(Results(layout)).script
    has_classes = request.node.callspec.params["layout"] == "grey"
    assert ("LegendItem" in script, "@label" in script) == (has_classes, has_classes)
    assert "test image @row" in script


@pytest.mark.parametrize("layout", ["twenty"], indirect=True)
def test_classes_of_one_colour_differ_in_their_marks(layout):
    script = interactive.plot_latent(Results(layout, ("b",))).script
    marks = {mark: script.count(f'"marker":{{"type":"value","value":"{mark}"') for mark in MARKS}
    assert marks["circle"] == 0  # what Bokeh draws unless it is told otherwise
    assert marks["triangle"] == marks["square"] > 0


@pytest.mark.parametrize("layout", ["grey"], indirect=True)
def test_a_grid_without_codes_has_no_plots(layout):
    assert interactive.plot_latent(Results(layout, ("without_codes",))) == interactive.Interactive(
        "", "", ""
    )


@pytest.mark.parametrize("layout", ["grey"], indirect=True)
def test_no_name_in_the_page_is_drawn_anew_each_time(layout):
    plots = interactive.plot_latent(Results(layout, ("b",)))
    assert 'id="plots-0"' in plots.place
    assert interactive.UUID.search(plots.script + plots.place) is None
