"""The page of a run: what it holds, and that a browser decodes the codes as Python does."""

import gzip
import hashlib
import re
from contextlib import chdir
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

import latentgrid as lg
from latentgrid import models
from latentgrid.api import abilities
from latentgrid.cli import app
from latentgrid.data import Images
from latentgrid.errors import UserError
from latentgrid.files.atomic import read_json, write_json
from latentgrid.grid import components
from latentgrid.webpage.codes import (
    CHOICES,
    DRAWS,
    SEED,
    codes_of_samples,
    draws_of,
    images_in_turn,
)
from latentgrid.webpage.page import RUNTIME, _words, write_page
from networks import build
from project import ROOT
from test_report_page import DESKTOP, in_a_browser, opened, violations
from trained import train

pytestmark = pytest.mark.xdist_group("page of a run")
PHONE = {"width": 360, "height": 740}
VIEWS = {
    "desktop": {"viewport": DESKTOP},
    "dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "has_touch": True},
}
DRAWING = [
    name for name in components.names("models") if {"decode", "sample"} <= {*dir(models.load(name))}
]
MOST_MILLISECONDS = 16


def in_colour(images):
    """Images of three channels that are not square."""

    def coloured(grey):
        return grey[..., 4:24, 2:26].repeat(1, 3, 1, 1)

    train_images, test_images = coloured(images.train_images), coloured(images.test_images)
    return Images(train_images, images.train_labels, test_images, images.test_labels)


@pytest.fixture(scope="module")
def made(tmp_path_factory, few_images):
    """The run and the page of each of some models, by name, made when it is asked for."""
    given = {
        "vae": (few_images, {"latent_dim": 2}),
        "ae": (in_colour(few_images), {"latent_dim": 3, "hidden": 16}),
        "pca": (few_images, {"latent_dim": 1}),
        "gan": (few_images, {"latent_dim": 4, "network": "dense", "hidden": 16}),
    }
    known = {}

    def of(model):
        if model not in known:
            images, hyperparameters = given[model]
            folder = train(tmp_path_factory.mktemp(model), images, model, **hyperparameters)
            write_json(folder / "metrics.json", {"status": "finished", "silhouette": 0.25})
            run = lg.load(folder)
            file = folder.parent / "page.html"
            write_page(run, file)
            known[model] = run, file
        return known[model]

    return of


@pytest.fixture
def command(made, tmp_path):
    """Call `latentgrid export-page` on a run, in a folder of its own."""

    def call(folder, *options):
        with chdir(tmp_path):
            done = CliRunner().invoke(app, ["export-page", str(folder), *options])
        if isinstance(done.exception, UserError):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.output

    return call


@pytest.mark.parametrize("model", DRAWING)
def test_new_codes_are_those_that_the_model_samples(model):
    network = build(model, latent_dim=4).eval()
    codes = codes_of_samples(network, 5)
    assert codes.shape == (5, 4)
    again = abilities.decode(network, codes)
    assert np.allclose(again, abilities.sample(network, 5, SEED), atol=1e-6)
    assert "decode" not in vars(network)


def test_a_model_whose_samples_are_no_decoded_codes_has_no_new_codes():
    network = build("vae", latent_dim=2)
    network.sample = lambda n, rng: network.decode(torch.zeros(n, 2)) + 0.1
    assert codes_of_samples(network, 5).size == 0


def test_classes_take_turns_among_the_images():
    images = np.arange(6).reshape(6, 1, 1, 1)
    labels = np.array([3, 3, 1, 1, 1, 2])
    test_set = SimpleNamespace(images=images, labels=labels, class_names=())
    run = SimpleNamespace(test_set=test_set)
    shown = images_in_turn(run)
    assert shown.labels.tolist() == [1, 2, 3, 1, 3, 1]
    assert shown.images.ravel().tolist() == [2, 5, 0, 3, 1, 4]


def test_a_gaussian_is_fitted_to_the_codes_of_all_test_images():
    """Not of those that are shown, in which each class is as frequent as the others."""
    labels = np.repeat([0, 1], [3000, 1000])
    test_set = SimpleNamespace(images=labels, labels=labels, class_names=())
    run = SimpleNamespace(
        test_set=test_set, abilities={"encode"}, encode=lambda images: images[:, None].astype(float)
    )
    codes = draws_of(run).codes
    assert abs(codes.mean() - labels.mean()) < 4 * labels.std() / DRAWS**0.5 < 0.1


@pytest.mark.parametrize(
    ("able", "error"), [([], "its reconstruction"), (["corrupt"], "what is made of it damaged")]
)
def test_the_page_counts_the_epochs_that_were_made_and_says_what_the_error_is_of(able, error):
    run = SimpleNamespace(
        settings={"model": "vae", "epochs": 50, "patience": 2},
        path=Path("results/few/runs/vae/default/seed=0"),
        measures={"test_squared_error": 4.0},
        abilities=able,
        image_shape=(1, 8, 8),
        status="finished",
        history=pd.DataFrame({"epoch": [1, 2, 3]}),
    )
    words = _words(run)
    assert words["epochs"] == 3
    assert f"between a test image and {error}" in words["measures"][0][2]


def test_the_runtime_is_what_npm_has():
    described = read_json(RUNTIME / "package.json")
    assert described["version"] in (ROOT / "docs/libraries.md").read_text()
    for name, digest in described["sha256"].items():
        content = gzip.decompress((RUNTIME / f"{name}.gz").read_bytes())
        assert hashlib.sha256(content).hexdigest() == digest


def test_the_command_names_the_page_after_the_run_and_replaces_none(command, made, tmp_path):
    run, page = made("vae")
    file = tmp_path / "vae_default_seed-5.html"
    said = command(run.path)
    assert re.fullmatch(rf"{file.name}: [\d.]+ MB; ONNX Runtime agrees to .* value\n", said)
    assert file.read_bytes() == page.read_bytes()  # no date, no random name
    with pytest.raises(UserError, match=r"seed-5\.html: exists"):
        command(run.path)
    file.write_text("older")
    command(run.path, "--force")
    assert file.read_bytes() == page.read_bytes()


def test_the_page_says_what_the_run_is(made):
    _, page = made("vae")
    text = page.read_text()
    said = text[: text.index('<script type="application/json"')]
    for words in (
        "vae on few",
        "A dense variational autoencoder",
        "for 2 epochs",
        "seed 5",
        "latent dimension",
        "<b>0.25</b>",
        "export-page results/few/runs/vae/default/seed=5",
        "with seed 0, from the model’s own prior.",
    ):
        assert words in said
    assert "://" not in said


def test_what_can_have_no_page_is_refused_in_a_line(command, made, tmp_path, few_images):
    classifier = train(tmp_path, few_images, "lenet5")
    with pytest.raises(UserError, match=r"LeNet5: cannot have a page, as it decodes no codes"):
        command(classifier)
    unmeasured = train(tmp_path, few_images, "ae", latent_dim=2, hidden=8)
    with pytest.raises(UserError, match=r"metrics\.json: is missing"):
        command(unmeasured)
    with pytest.raises(UserError, match=r"allowed: a file that ends in \.html"):
        command(unmeasured, "--out", "page.txt")
    assert [*tmp_path.glob("*.htm*")] == []


@pytest.fixture
def live(browser, made):
    """Open the page of a model and wait until its decoder runs."""

    def of(model, **view):
        return started(opened(browser, made(model)[1], **view))

    return of


class started:  # noqa: N801
    """A page whose decoder runs."""

    def __init__(self, page):
        self.page = page

    def __enter__(self):
        page = self.page.__enter__()
        page.locator("#live").wait_for(state="visible")
        assert page.inner_text("#state") == ""
        return page

    def __exit__(self, *error):
        return self.page.__exit__(*error)


def drawn(page, canvas):
    return page.locator(canvas).first.evaluate("it => it.toDataURL()")


def code_of(page):
    values = page.locator("#sliders input").evaluate_all("all => all.map(it => Number(it.value))")
    return np.array(values)


@in_a_browser
@pytest.mark.parametrize("model", ["vae", "ae", "pca", "gan"])
def test_the_browser_decodes_as_python_does(live, made, model):
    run, _ = made(model)
    d = run.settings["latent_dim"]
    codes = np.random.default_rng(0).normal(size=(7, d)).astype(np.float32)
    with live(model) as page:
        found = page.evaluate(
            "async codes => (await decode(codes)).map(it => [...it])", codes.tolist()
        )
        assert np.allclose(
            np.array(found).reshape(7, *run.image_shape), run.decode(codes), atol=1e-3
        )
        assert "no pixel differs from Python’s by more than 0.000" in page.inner_text("#checked")
        _, height, width = run.image_shape
        size = page.locator("#picture").evaluate("it => [it.width, it.height]")
        assert size == [width, height]
        took = page.evaluate(
            """async code => {
              const took = [];
              for (let at = 0; at < 30; at++) {
                const before = performance.now();
                await decode([code]);
                took.push(performance.now() - before);
              }
              return took.sort((a, b) => a - b)[15];
            }""",
            codes[0].tolist(),
        )
        assert took < MOST_MILLISECONDS


@in_a_browser
@pytest.mark.parametrize(("model", "dark_on_white"), [("vae", True), ("ae", False)])
def test_pixels_are_drawn_in_their_places_and_colours(live, made, model, dark_on_white):
    run, _ = made(model)
    image = run.reconstruct(images_in_turn(run).images[:1])[0]
    wanted = np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0)
    with live(model) as page:
        page.locator("#shown input").first.check(force=True)
        page.get_by_text(re.compile(r"^Image 1\.")).wait_for()
        found = page.locator("#picture").evaluate(
            "it => [...it.getContext('2d').getImageData(0, 0, it.width, it.height).data]"
        )
    pixels = np.array(found).reshape(*wanted.shape[:2], 4)[..., :3] / 255
    assert np.allclose(1 - pixels if dark_on_white else pixels, wanted, atol=1 / 255)


@in_a_browser
@pytest.mark.parametrize(
    ("model", "view"),
    [("vae", "desktop"), ("vae", "dark"), ("ae", "phone"), ("gan", "desktop"), ("pca", "phone")],
)
def test_everybody_can_use_the_page(live, model, view):
    with live(model, **VIEWS[view]) as page:
        assert violations(page) == []
        wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wider) == 0


@in_a_browser
def test_plane_sliders_and_images_choose_a_code(live, made):
    with live("vae") as page:
        box = page.locator("#plane .plane-marks").bounding_box()
        first, image = code_of(page), drawn(page, "#picture")
        page.mouse.move(box["x"] + 100, box["y"] + 100)
        page.mouse.down()
        clicked = code_of(page)
        page.mouse.move(box["x"] + 300, box["y"] + 100)
        page.mouse.up()
        dragged = code_of(page)
        assert (clicked != first).all() and dragged[0] > clicked[0]
        assert dragged[1] == clicked[1]
        page.mouse.move(box["x"] + 200, box["y"] + 200)
        assert (code_of(page) == dragged).all()
        page.wait_for_timeout(100)
        assert drawn(page, "#picture") != image
        slider = page.locator("#sliders input").nth(1)
        slider.focus()
        page.keyboard.press("ArrowRight")
        assert code_of(page)[1] > dragged[1]
        page.get_by_text(re.compile(r"The nearest test image’s code is of class \d")).wait_for()
        page.locator("#shown input").first.focus()
        page.keyboard.press("Space")
        run, _ = made("vae")
        code = run.encode(images_in_turn(run).images[:1])[0]
        assert np.allclose(code_of(page), code, atol=0.02)  # sliders have steps
        page.get_by_text(re.compile(r"^Image 1\.")).wait_for()


@in_a_browser
def test_new_images_are_the_samples_of_the_model(live, made):
    run, _ = made("vae")
    codes = codes_of_samples(run.model, DRAWS)
    with live("vae") as page:
        for number in range(2):
            page.get_by_role("button", name="New image").click()
            assert np.allclose(code_of(page), codes[number], atol=0.02)
        page.get_by_text("New image 2 of 500.").wait_for()
        page.get_by_role("button", name="Mean code").click()
        page.get_by_text("The mean of all codes.").wait_for()


@in_a_browser
def test_a_class_can_be_told_from_the_others_without_its_colour(live):
    with live("vae") as page:
        plain = drawn(page, "#plane .plane-points")
        button = page.locator("#plane .plane-class").nth(3)
        button.click()
        assert button.get_attribute("aria-pressed") == "true"
        assert drawn(page, "#plane .plane-points") != plain
        button.click()
        assert drawn(page, "#plane .plane-points") == plain


@in_a_browser
def test_more_dimensions_than_two_are_chosen(live):
    with live("ae") as page:
        plain = drawn(page, "#plane .plane-points")
        page.get_by_label("Across").select_option("2")
        assert drawn(page, "#plane .plane-points") != plain
        assert page.locator("#sliders input").count() == 3
        assert "a Gaussian fitted to the codes" in page.inner_text("#drawn")


@in_a_browser
def test_between_two_images(live):
    with live("vae") as page:
        ends = [drawn(page, f"#strip span:nth-child({at}) canvas") for at in (1, 11)]
        page.locator("#to input").nth(5).check(force=True)
        page.get_by_role("img", name=re.compile("^11 images from .* to 5, image 6")).wait_for()
        changed = [drawn(page, f"#strip span:nth-child({at}) canvas") for at in (1, 11)]
        assert changed[0] == ends[0] and changed[1] != ends[1]
        page.locator("#way input").fill("1")
        page.wait_for_timeout(100)
        assert drawn(page, "#middle") == changed[1]
        assert page.locator("#from input").count() == min(CHOICES, 30)


@in_a_browser
def test_from_a_web_space_the_page_asks_for_nothing_but_itself(browser, made):
    _, file = made("vae")
    quiet = partial(SimpleHTTPRequestHandler, directory=file.parent)
    with ThreadingHTTPServer(("127.0.0.1", 0), quiet) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/{file.name}"
        page = browser.new_page()
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        page.locator("#live").wait_for(state="visible")
        page.close()
        server.shutdown()
    assert [url for url in asked if not url.startswith("blob:")] == [address]


@in_a_browser
def test_a_browser_that_lacks_something_is_told(browser, made):
    context = browser.new_context(offline=True)
    context.add_init_script("delete window.DecompressionStream")
    page = context.new_page()
    page.goto(made("vae")[1].as_uri())
    assert page.inner_text("#state").startswith("This browser has no WebAssembly or no")
    assert not page.locator("#live").is_visible()
    context.close()
