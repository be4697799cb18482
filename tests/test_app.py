"""The explorer in a browser: every control, what it shows, and what it says when it cannot."""

import asyncio
import base64
import io
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection

import numpy as np
import pytest
import torch
from filelock import FileLock
from PIL import Image
from starlette.responses import PlainTextResponse
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

import latentgrid as lg
from explored import (
    AE,
    COND_GAN,
    DAE,
    DIVERGED,
    FAILED,
    FEW,
    LENET5,
    NOT_BEGUN,
    OTHER,
    PCA,
    UNET,
    VAE_2,
    VAE_5,
    write_plan,
    write_results,
)
from latentgrid.app.guard import Guard
from latentgrid.app.planes import axes_of, limits_of
from latentgrid.app.serve import address, serve
from latentgrid.app.views import overview
from latentgrid.data import corruptions
from latentgrid.errors import UserError
from latentgrid.files.atomic import write_text
from latentgrid.files.layout import Layout
from latentgrid.grid import components
from latentgrid.randomness import random_generator
from latentgrid.stamps.made import stamp_of
from project import ROOT, environment

AXE = {"preload": False, "resultTypes": ["violations"]}
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
SIZES = {"desktop": DESKTOP, "phone": PHONE}
TABS = (
    "Overview",
    "Training film",
    "Latent plane",
    "Interpolate",
    "Generate",
    "Restore",
    "Draw your own",
)
OF_A_RUN = ("Overview", "Training film", "Latent plane", "Generate")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("app")]


QUIET = """() => new Promise((done) => {
    let quiet = 0;
    const look = () => {
        quiet = document.documentElement.matches(".shiny-busy") ? 0 : quiet + 20;
        if (quiet > 300) done(); else setTimeout(look, 20);
    };
    look();
})"""


class Explorer:
    """A server in a folder of its own, which a user would have started."""

    def __init__(self, project, dataset):
        self.project = project
        self.port = _free_port()
        self.address = f"http://127.0.0.1:{self.port}/"
        self.said = project / "said.txt"
        command = [sys.executable, "-m", "latentgrid", "app", "--dataset", dataset]
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port)],
                cwd=project,
                env=environment(ROOT),
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        _wait_until(self._answers, "the server does not answer")

    def run(self, name):
        return lg.load(self.project / FEW.run(name).folder)

    def end(self):
        """End it as Ctrl-C does; it must have said its address and nothing else."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        assert self.said.read_text().splitlines() == [
            f"Explorer: {self.address.rstrip('/')} (Ctrl-C ends it)"
        ]

    def _answers(self):
        assert self.process.poll() is None, self.said.read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until(holds, message, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, message
        time.sleep(0.05)


@pytest.fixture(scope="module")
def explorer(tmp_path_factory, few_images):
    project = tmp_path_factory.mktemp("explored")
    write_results(project, few_images)
    write_plan(project / OTHER.plan, [NOT_BEGUN])
    served = Explorer(project, "few")
    yield served
    served.end()


class Visitor:
    """A page of the explorer, and what its server said to it."""

    def __init__(self, page, explorer):
        self.page, self.explorer, self.messages = page, explorer, []
        page.on("websocket", lambda socket: socket.on("framereceived", self._hear))
        page.goto(explorer.address)
        page.wait_for_function("window.Shiny?.shinyapp?.isConnected()")
        self.wait()

    def _hear(self, frame):
        said = json.loads(frame) if frame.startswith("{") else {}
        self.messages += said.get("custom", {}).items() if "custom" in said else ()

    def told(self, kind, of):
        """Return the last message of a kind about a place."""
        return next(m for k, m in reversed(self.messages) if k == kind and m["of"] == of)

    def wait(self):
        """Wait until the server has answered all that was asked."""
        self.page.evaluate(QUIET)

    def see(self, tab):
        self.page.get_by_role("tab", name=tab).click()
        self.wait()

    def choose(self, name, beside=None):
        """Choose the run, and what stands beside it."""
        self.page.select_option("#run_a", str(FEW.run(name).folder))
        self.page.select_option("#run_b", str(FEW.run(beside).folder) if beside else "")
        self.wait()

    def set(self, name, value):
        """Set an input to any value, as a forged message could, and do not wait."""
        self.page.evaluate(
            "([name, value]) => Shiny.setInputValue(name, value, {priority: 'event'})",
            [name, value],
        )

    def fill(self, name, text):
        self.page.fill(f"#{name}", str(text))
        self.page.press(f"#{name}", "Tab")
        self.wait()

    def press(self, button):
        self.page.locator(f"#{button}").click()
        self.wait()

    def text(self, place):
        return self.page.locator(f"#{place}").inner_text()

    def pixels(self, place, which=0):
        """Return a picture in a place as the image that it is, (h, w)."""
        source = self.page.locator(f"#{place} img").nth(which).get_attribute("src")
        sheet = Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2])))
        return np.asarray(sheet)[..., 0]

    def troubles(self):
        return self.page.locator(".trouble:visible").all_inner_texts()


@contextmanager
def visiting(browser, explorer, size=DESKTOP, **options):
    """Visit the explorer where no request leaves it, nothing is missing and no script fails."""
    context = browser.new_context(viewport=size, **options)
    outside, wrong = [], []
    context.route(
        lambda url: not url.startswith((explorer.address, "data:", "blob:")),
        lambda route: (outside.append(route.request.url), route.abort()),
    )
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("response", lambda got: wrong.append(got.url) if got.status >= 400 else None)
    yield Visitor(page, explorer)
    assert page.locator("#shiny-disconnected-overlay, .shiny-output-error").count() == 0
    context.close()
    assert (outside, wrong) == ([], [])


@pytest.fixture(scope="module")
def visitor(browser, explorer):
    """One visitor for many tests, each of which chooses what it looks at; a page takes seconds."""
    with visiting(browser, explorer) as visitor:
        yield visitor


def as_bytes(image):
    return np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)


def nth(sheet, number, side=28):
    """Return an image of a sheet of images with gaps of one pixel."""
    across = (sheet.shape[1] + 1) // (side + 1)
    top, left = number // across * (side + 1), number % across * (side + 1)
    return sheet[top : top + side, left : left + side]


def violations(page):
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options=AXE).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found]


# The page.


@pytest.mark.parametrize(("size", "scheme"), [("desktop", "dark"), ("phone", "light")])
def test_everybody_can_use_every_view(browser, explorer, size, scheme):
    with visiting(browser, explorer, SIZES[size], color_scheme=scheme) as visitor:
        visitor.choose(VAE_5, DAE)
        wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        for tab in TABS:
            visitor.see(tab)
            assert (tab, visitor.page.evaluate(wider)) == (tab, 0)
            assert (tab, violations(visitor.page)) == (tab, [])


def test_the_keyboard_reaches_each_control_and_its_focus_is_seen(visitor):
    focused = "getComputedStyle(document.activeElement)"
    visitor.see("Overview")
    visitor.page.focus("#dataset")
    seen = []
    for _ in range(6):
        visitor.page.keyboard.press("Tab")
        outline = visitor.page.evaluate(f"{focused}.outlineStyle + {focused}.outlineWidth")
        seen.append((visitor.page.evaluate(NAME_OF_FOCUS), outline))
    names = ("BSLIB-INPUT-DARK-MODE", "run_a", "run_b", "order", "highest", "Overview")
    assert seen == [(name, "solid3px") for name in names]
    visitor.page.keyboard.press("ArrowRight")
    assert visitor.page.evaluate(NAME_OF_FOCUS) == "Training film"


NAME_OF_FOCUS = """(({id, tagName, role, innerText}) =>
    role === "tab" ? innerText : id || tagName)(document.activeElement)"""


def test_the_scheme_can_be_changed(visitor):
    ground = "getComputedStyle(document.body).backgroundColor"
    before = visitor.page.evaluate(ground)
    visitor.page.locator("bslib-input-dark-mode").click()
    assert visitor.page.evaluate(ground) != before


def runs_listed(visitor, side="a"):
    values = visitor.page.locator(f"#run_{side} option").evaluate_all(
        "all => all.map(it => it.value)"
    )
    return [value.partition("/runs/")[2] for value in values]


def test_runs_are_listed_with_their_states_and_sorted(visitor):
    visitor.choose(VAE_2)
    assert runs_listed(visitor)[:3] == [VAE_2, VAE_5, DIVERGED]
    words = visitor.page.locator("#run_a option").all_inner_texts()
    for state in ("(diverged)", "(failed)", "(not begun)"):
        assert sum(state in word for word in words) == 1
    visitor.page.select_option("#order", "min_train_loss")
    visitor.wait()
    assert runs_listed(visitor)[:4] == [UNET, LENET5, COND_GAN, DAE]
    visitor.page.check("#highest")
    visitor.wait()
    assert runs_listed(visitor)[:2] == [VAE_2, VAE_5]
    assert "min train loss 9" in visitor.page.locator("#run_a option").first.inner_text()


def test_another_data_set_can_be_chosen(visitor):
    visitor.choose(VAE_2)
    visitor.see("Generate")
    visitor.page.select_option("#dataset", "other")
    says(visitor, "No run has a result yet.")
    assert runs_listed(visitor) == [NOT_BEGUN]
    visitor.page.select_option("#dataset", "few")
    visitor.page.wait_for_selector("main .trouble:visible", state="detached")
    assert runs_listed(visitor)[:2] == [VAE_2, VAE_5]
    assert visitor.pixels("generation_a").any()


def test_two_visitors_share_nothing(browser, explorer, visitor):
    visitor.choose(VAE_2)
    visitor.see("Generate")
    visitor.fill("generation_seed", 0)
    with visiting(browser, explorer) as other:
        other.choose(COND_GAN)
        other.see("Generate")
        other.press("draw_again")
        assert "seed 1" in other.text("generation_a")
        assert "seed 0" in visitor.text("generation_a")
        assert visitor.page.input_value("#run_a").endswith(VAE_2)


# The views.


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/", {}, 200),
        ("/", {"Host": "localhost"}, 200),
        ("/", {"Host": "[::1]:8000"}, 200),
        ("/", {"Host": "results.example"}, 403),
        ("/", {"Host": "127.0.0.1.results.example"}, 403),
        ("/", {"Host": "[127.0.0.1"}, 403),
        ("/", {"Origin": "http://results.example"}, 403),
        ("/results/few/plan.json", {}, 200),
        ("/results/few/.secret", {}, 403),
        ("/results/few/.secret/plan.json", {}, 403),
        ("/results/../data/few/images.safetensors", {}, 403),
        ("/results/%2e%2e/data/few/images.safetensors", {}, 403),
    ],
)
def test_only_its_own_pages_are_answered(explorer, path, headers, status):
    (explorer.project / "results/few/.secret").touch()
    connection = HTTPConnection("127.0.0.1", explorer.port, timeout=20)
    connection.putrequest("GET", path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == status
    connection.close()


@pytest.mark.parametrize(
    ("listens", "headers", "status"),
    [
        ("127.0.0.2", {"host": "127.0.0.2:8000"}, 200),
        ("127.0.0.2", {"host": "results.example:8000"}, 403),
        ("::1", {"host": "[::1]:8000", "origin": "http://[::1]:8000"}, 200),
        ("::1", {"host": "results.example:8000"}, 403),
        ("192.0.2.1", {"host": "results.example:8000"}, 200),
        ("192.0.2.1", {"host": "here:8000", "origin": "http://elsewhere:8000"}, 403),
        ("127.0.0.1", {"host": "127.0.0.1:8000", "origin": "http://["}, 403),
        ("127.0.0.1", {"host": "127.0.0.1:8000", "origin": "null"}, 403),
    ],
)
def test_an_address_of_this_machine_alone_answers_to_no_other_name(listens, headers, status):
    said = []

    async def send(message):
        said.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "path": "/", "headers": raw}
    answer = Guard(PlainTextResponse("here"), listens)(scope, None, send)
    with ThreadPoolExecutor() as threads:  # the browser's loop runs in this one
        threads.submit(asyncio.run, answer).result()
    assert said[0]["status"] == status


def test_a_socket_of_another_page_is_refused(explorer):
    address = f"ws://127.0.0.1:{explorer.port}/websocket/"
    with connect(address, origin=f"http://127.0.0.1:{explorer.port}"):
        pass
    with pytest.raises(InvalidStatus), connect(address, origin="http://results.example"):
        pass


def test_the_overview_tells_settings_measures_and_curves(visitor):
    visitor.choose(VAE_2, AE)
    visitor.see("Overview")
    assert "vae: A dense variational autoencoder" in visitor.text("overview_a_about")
    assert "min train loss\t9" in visitor.text("overview_a_measures")
    assert "latent_dim\t3" in visitor.text("overview_b_settings")
    assert visitor.page.locator("#overview_a_curves svg").count() == 1
    left, right = (
        visitor.page.locator(f"#overview_{side}_curves svg").bounding_box() for side in "ab"
    )
    assert left["y"] == right["y"] and left["x"] < right["x"]


def test_the_film_moves_samples_plane_and_manifold_together(explorer, visitor):
    visitor.choose(VAE_2, PCA)
    visitor.see("Training film")
    run = explorer.run(VAE_2)
    about = visitor.page.locator("#film_a_codes canvas.plane-marks")
    for epoch in (2, 0):
        visitor.page.evaluate(MOVE, ["film_at", epoch])
        visitor.wait()
        kept = run.snapshot(epoch)
        assert f"epoch {epoch}," in about.get_attribute("aria-label")
        shown = visitor.pixels("film_a_images")
        assert np.array_equal(nth(shown, 9), kept["samples"][9, 0])
        manifold = visitor.pixels("film_a_manifold")
        assert np.array_equal(nth(manifold, 5), kept["manifold"][5, 0])
        again = visitor.pixels("film_b_images")
        pca = explorer.run(PCA)
        assert np.array_equal(nth(again, 3), pca.test_set.images[3, 0])
        assert np.array_equal(nth(again, 8 + 3), pca.snapshot(epoch)["reconstructions"][3, 0])
    assert visitor.text("film_a_losses") == "Before the training."
    play = visitor.page.get_by_role("button", name="Play")
    play.click()
    visitor.page.wait_for_function("document.getElementById('film_at').value === '2'")
    visitor.wait()
    assert visitor.text("film_a_losses").startswith("After epoch 2.")
    assert play.inner_text() == "Play"


MOVE = """([name, value]) => {
    const slider = document.getElementById(name);
    slider.value = value;
    slider.dispatchEvent(new Event("input", {bubbles: true}));
}"""


def shown_code(visitor, side="a"):
    return np.array(visitor.told("code", f"plane_{side}_sliders")["values"], np.float32)


def is_decoded(visitor, run, side="a"):
    decoded = as_bytes(run.decode(shown_code(visitor, side)[None]))[0, 0]
    return np.array_equal(visitor.pixels(f"plane_{side}_decoded"), decoded)


def place_of(visitor, point, limits):
    """Return where on the canvas a point of the plane lies."""
    box = visitor.page.locator("#plane_a canvas.plane-marks").bounding_box()
    left, right, bottom, top = limits
    return {
        "x": 50 + (point[0] - left) / (right - left) * (box["width"] - 62),
        "y": 10 + (top - point[1]) / (top - bottom) * (box["height"] - 52),
    }


@pytest.mark.parametrize("name", [VAE_2, VAE_5])
def test_a_click_in_the_plane_decodes_its_point(explorer, visitor, name):
    visitor.choose(name)
    visitor.see("Latent plane")
    run = explorer.run(name)
    codes = run.encode(run.test_set.images)
    visitor.fill("plane_from", 0)
    first = run.encode(run.test_set.images[:1])[0]
    assert np.array_equal(shown_code(visitor), first)
    names = ("z1", "z2") if run.latent_dim == 2 else ("principal axis 1", "principal axis 2")
    axes = axes_of(names, codes)
    limits = limits_of(axes.project(codes))
    middle = ((limits[0] + limits[1]) / 2, (limits[2] + limits[3]) / 2)
    canvas = visitor.page.locator("#plane_a canvas.plane-marks")
    canvas.click(position=place_of(visitor, middle, limits))
    visitor.wait()
    wanted = axes.lift(middle, first)
    width = limits[1] - limits[0]
    assert np.abs(shown_code(visitor) - wanted).max() < width / 200
    assert is_decoded(visitor, run)
    nearest = np.square(codes - shown_code(visitor)).sum(axis=1).argmin()
    assert f"nearest test image {nearest}, class" in visitor.text("plane_a_decoded")

    before = axes.project(shown_code(visitor))
    canvas.press("ArrowRight")
    visitor.wait()
    moved = axes.project(shown_code(visitor)) - before
    assert moved == pytest.approx([width / 50, 0], abs=width / 1e4)
    assert is_decoded(visitor, run)

    canvas.hover(position=place_of(visitor, axes.project(codes[0]), limits))
    visitor.wait()
    over = int(visitor.text("plane_a_over").split("test image ")[1].split(",")[0])
    assert np.array_equal(visitor.pixels("plane_a_over"), run.test_set.images[over, 0])
    again = as_bytes(run.reconstruct(run.test_set.images[over][None]))[0, 0]
    assert np.array_equal(visitor.pixels("plane_a_over", 1), again)


def test_a_drag_sliders_axes_and_a_test_image_move_the_point(explorer, visitor):
    visitor.choose(VAE_5)
    visitor.see("Latent plane")
    run = explorer.run(VAE_5)
    box = visitor.page.locator("#plane_a canvas.plane-marks").bounding_box()
    visitor.page.mouse.move(box["x"] + 200, box["y"] + 200)
    visitor.page.mouse.down()
    visitor.page.mouse.move(box["x"] + 300, box["y"] + 250, steps=4)
    visitor.page.mouse.up()
    visitor.wait()
    dragged = shown_code(visitor)
    visitor.page.mouse.click(box["x"] + 300, box["y"] + 250)
    visitor.wait()
    assert np.abs(shown_code(visitor) - dragged).max() < 1e-5
    clicked = shown_code(visitor)
    assert is_decoded(visitor, run)

    slider = visitor.page.locator("#plane_a_sliders_3")
    low, high = (float(slider.get_attribute(end)) for end in ("min", "max"))
    visitor.page.evaluate(MOVE, ["plane_a_sliders_3", (low + high) / 2])
    visitor.wait()
    moved = shown_code(visitor)
    assert moved[3] == pytest.approx((low + high) / 2, rel=1e-5)
    assert np.array_equal(np.delete(moved, 3), np.delete(clicked, 3))
    assert is_decoded(visitor, run)

    visitor.page.select_option("#plane_a_across", "z4")
    visitor.page.select_option("#plane_a_up", "z2")
    visitor.wait()
    where = visitor.told("point", "plane_a")
    assert [where["x"], where["y"]] == pytest.approx([moved[3], moved[1]], rel=1e-6)
    visitor.page.select_option("#plane_a_up", "z4")
    visitor.wait()
    assert visitor.troubles() == ["Both axes are the same; choose another for one of them."]

    visitor.fill("plane_from", 7)
    assert np.array_equal(shown_code(visitor), run.encode(run.test_set.images[7][None])[0])


def strips(visitor, view):
    titles = visitor.page.locator(f"#{view}_answers h3").all_inner_texts()
    return {title: number for number, title in enumerate(titles)}


def test_interpolation_in_several_models(explorer, visitor):
    visitor.choose(VAE_2, DAE)
    visitor.see("Interpolate")
    visitor.fill("from_image", 0)
    assert list(strips(visitor, "interpolation")) == [
        "A · vae: d = 2, lr 0.001",
        "B · dae: d = 8",
        "pca: d = 2",
        "ae: d = 3",
    ]
    visitor.fill("to_image", 9)
    run = explorer.run(PCA)
    ends = run.encode(run.test_set.images[[0, 9]])
    strip = visitor.pixels("interpolation_answers", 2)
    assert np.array_equal(nth(strip, 0), run.test_set.images[0, 0])
    assert np.array_equal(nth(strip, 12), run.test_set.images[9, 0])
    middle = run.decode((0.5 * ends[0] + 0.5 * ends[1])[None])
    assert np.abs(nth(strip, 6).astype(int) - as_bytes(middle)[0, 0]).max() <= 1
    before = strip
    visitor.press("other_pair")
    assert visitor.page.input_value("#from_image") != "0"
    assert not np.array_equal(visitor.pixels("interpolation_answers", 2), before)
    visitor.page.locator("#interpolation_entries input[value=ae]").uncheck()
    visitor.wait()
    assert "ae: d = 3" not in strips(visitor, "interpolation")


def test_new_images_follow_the_seed_and_the_class(explorer, visitor):
    visitor.choose(VAE_2, COND_GAN)
    visitor.see("Generate")
    visitor.fill("generation_seed", 0)
    visitor.page.evaluate(MOVE, ["generation_n", 16])
    visitor.wait()
    first = visitor.pixels("generation_a")
    assert np.array_equal(nth(first, 10), as_bytes(explorer.run(VAE_2).sample(16))[10, 0])
    visitor.press("draw_again")
    assert visitor.page.input_value("#generation_seed") == "1"
    assert not np.array_equal(visitor.pixels("generation_a"), first)
    visitor.fill("generation_seed", 0)
    assert np.array_equal(visitor.pixels("generation_a"), first)
    visitor.page.select_option("#generation_class", "7")
    visitor.wait()
    of_class = explorer.run(COND_GAN).sample(16, 0, 7)
    assert np.array_equal(nth(visitor.pixels("generation_b"), 5), as_bytes(of_class)[5, 0])
    assert "16 new images of class 7, seed 0" in visitor.text("generation_b")
    visitor.page.evaluate(MOVE, ["generation_n", 3])
    visitor.wait()
    assert visitor.text("generation_a").startswith("3 new images")
    assert visitor.pixels("generation_a").shape == (28, 28 * 3 + 2)


def test_denoisers_answer_to_every_damage(explorer, visitor):
    visitor.choose(VAE_2)
    visitor.see("Restore")
    visitor.fill("restoration_seed", 0)
    visitor.fill("restoration_image", 4)
    run = explorer.run(DAE)
    for name in components.names("corruptions"):
        visitor.page.select_option("#restoration_by", name)
        visitor.wait()
        clean = torch.from_numpy(run.test_set.images[4:5] / np.float32(255))
        damaged = corruptions.load(name)(clean, random_generator(0, "corruption")).numpy()
        assert np.array_equal(visitor.pixels("restoration_question", 1), as_bytes(damaged)[0, 0])
        row = strips(visitor, "restoration")["dae: d = 8"]
        answer = as_bytes(run.reconstruct(damaged))[0, 0]
        assert np.array_equal(visitor.pixels("restoration_answers", row), answer)
    before = visitor.pixels("restoration_question", 1)
    visitor.fill("restoration_seed", 1)
    assert not np.array_equal(visitor.pixels("restoration_question", 1), before)
    assert "unet" in strips(visitor, "restoration")
    visitor.page.select_option("#restoration_of", "drawing")
    visitor.wait()
    assert visitor.troubles() == ['Nothing is drawn yet; the tab "Draw your own" has the pad.']
    visitor.page.select_option("#restoration_of", "test")


def test_restoring_begins_with_a_damage_that_a_denoiser_knows(browser, explorer):
    with visiting(browser, explorer) as visitor:
        visitor.see("Restore")
        assert visitor.page.input_value("#restoration_by") == "pixels_50"


def test_two_sides_say_which_run_they_show(visitor):
    visitor.choose(VAE_2, VAE_5)
    for tab in OF_A_RUN:
        visitor.see(tab)
        titles = visitor.page.locator(".half > div:first-child h3:visible").all_inner_texts()
        assert (tab, titles) == (tab, ["A · vae: d = 2, lr 0.001", "B · vae: d = 5, lr 0.001"])
    visitor.choose(VAE_2)
    assert visitor.page.locator(".half > div:first-child h3:visible").count() == 0


def test_a_slider_says_a_number_beyond_its_end(visitor):
    visitor.choose(VAE_2)
    visitor.see("Latent plane")
    visitor.page.locator("#plane_a canvas.plane-marks").click(position={"x": 52, "y": 40})
    visitor.wait()
    slider = visitor.page.locator("#plane_a_sliders_0")
    said = visitor.page.locator("output[for=plane_a_sliders_0]").inner_text()
    assert float(said.replace("−", "-")) == pytest.approx(shown_code(visitor)[0], abs=0.006)
    assert shown_code(visitor)[0] < float(slider.get_attribute("min"))


def test_a_model_that_neither_encodes_nor_decodes_codes_is_told_nothing_of(visitor):
    visitor.choose(COND_GAN)
    visitor.see("Latent plane")
    says(visitor, "There is no plane of codes: cond_gan does not encode images.")
    assert visitor.text("plane_a_decoded") == ""


def test_a_drawing_is_placed_reconstructed_and_read(explorer, visitor):
    visitor.choose(VAE_2, PCA)
    visitor.see("Draw your own")
    assert visitor.text("drawing_seen") == ""
    box = visitor.page.locator("#drawing_pad").bounding_box()
    visitor.page.mouse.move(box["x"] + 100, box["y"] + 40)
    visitor.page.mouse.down()
    visitor.page.mouse.move(box["x"] + 110, box["y"] + 180, steps=5)
    visitor.page.mouse.up()
    visitor.wait()
    drawn = visitor.pixels("drawing_seen")
    assert drawn.shape == (28, 28) and drawn.max() > 200
    given = drawn[None, None]
    shares = explorer.run(LENET5).classify(given)[0]
    assert f"reads {shares.argmax()}" in visitor.text("reading_answers")
    assert visitor.page.locator("#view ~ * canvas.plane-marks:visible").count() == 2
    meters = visitor.page.locator("#reading_answers meter").evaluate_all(
        "all => all.map(it => it.value)"
    )
    assert meters == pytest.approx(shares.tolist(), abs=6e-4)
    row = strips(visitor, "drawing")["A · vae: d = 2, lr 0.001"]
    again = as_bytes(explorer.run(VAE_2).reconstruct(given))[0, 0]
    assert np.array_equal(visitor.pixels("drawing_answers", row), again)
    assert " of 10)" in visitor.text("drawing_answers")

    visitor.page.get_by_role("button", name="Clear").click()
    visitor.wait()
    assert visitor.page.locator("#drawing_seen img").count() == 0
    pad = visitor.page.locator("#drawing_pad")
    for key in (" ", *["ArrowDown"] * 6):
        pad.press(key)
    visitor.wait()
    assert visitor.pixels("drawing_seen").max() > 200
    visitor.fill("drawing_from", 3)
    visitor.press("drawing_take")
    visitor.page.wait_for_timeout(200)
    visitor.wait()
    taken = visitor.pixels("drawing_seen").astype(int)
    image = explorer.run(VAE_2).test_set.images[3, 0].astype(int)
    assert np.corrcoef(taken.ravel(), image.ravel())[0, 1] > 0.8


# What cannot be shown.


NO_RESULT = "This run has no result yet: {}. This page looks again by itself."
NO_PLANE = "There is no plane of codes: {} does not encode images."
CANNOT = {
    DIVERGED: {},
    LENET5: {
        "Latent plane": [NO_PLANE.format("lenet5")],
        "Generate": ["LeNet5: cannot sample; it can classify."],
    },
    UNET: {
        "Latent plane": [NO_PLANE.format("unet")],
        "Generate": ["UNet: cannot sample; it can reconstruct, corrupt."],
    },
    COND_GAN: {"Latent plane": [NO_PLANE.format("cond_gan")]},
    FAILED: {tab: [NO_RESULT.format("failed")] for tab in TABS[:-1]},
}


@pytest.mark.parametrize("name", CANNOT)
def test_each_view_of_each_run_shows_something_or_says_why_not(visitor, name):
    visitor.choose(name)
    visitor.set("drawing_pad", "")
    for tab in TABS:
        visitor.see(tab)
        expected = CANNOT[name].get(tab, [])
        for sentence in expected:
            says(visitor, sentence)
        said = [one for one in visitor.troubles() if not one.startswith("Nothing is drawn")]
        assert (tab, said) == (tab, expected)


def says(visitor, sentence):
    """Wait until a place says a sentence."""
    visitor.page.locator(".trouble:visible", has_text=sentence).first.wait_for()
    visitor.wait()


def test_what_happens_to_files_is_told(browser, tmp_path, few_images):
    """A server of its own, begun without results, whose files come, change and go."""
    served = Explorer(tmp_path, "digits")
    with visiting(browser, served) as visitor:
        says(visitor, "There are no results yet: run make run, or snakemake")
        write_results(tmp_path, few_images, (VAE_2, PCA))
        images = tmp_path / FEW.images
        images.rename(tmp_path / "kept")
        says(visitor, "images.safetensors: is missing; run snakemake to make it")
        without_test_images(visitor)
        (tmp_path / "kept").rename(images)
        visitor.page.reload()
        visitor.wait()
        assert visitor.troubles() == []
        with_damaged_weights(visitor, tmp_path)
        while_a_run_is_made_again(visitor, tmp_path)
        with_other_code(visitor, tmp_path)
        (tmp_path / FEW.plan).write_text("[{")
        says(visitor, "plan.json: is damaged")
        shutil.rmtree(tmp_path / "results")
        says(visitor, "There are no results yet")
        served.end()
        says(visitor, "The explorer has ended. Start it again")
        visitor.page.goto("about:blank")


def without_test_images(visitor):
    for tab in TABS:
        visitor.see(tab)
        said = [one for one in visitor.troubles() if one != "No run here can answer this."]
        assert (tab, len(said)) == (tab, 1)
    visitor.see("Generate")
    assert visitor.pixels("generation_a").any()
    visitor.see("Interpolate")
    visitor.press("other_pair")
    visitor.see("Draw your own")
    visitor.press("drawing_take")
    visitor.see("Overview")


def with_damaged_weights(visitor, project):
    weights = project / FEW.run(PCA).weights
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-4] + b"lost")
    visitor.choose(PCA)
    says(visitor, "weights.safetensors")
    for tab in OF_A_RUN:
        visitor.see(tab)
        assert len(visitor.troubles()) == 1
    weights.write_bytes(whole)
    visitor.see("Overview")
    visitor.choose(VAE_2)
    visitor.choose(PCA)
    assert visitor.troubles() == []


def while_a_run_is_made_again(visitor, project):
    files = FEW.run(PCA)
    shutil.move(project / files.folder, project / "elsewhere")
    says(visitor, "This run has no result yet: not begun.")
    (project / files.state).mkdir(parents=True, exist_ok=True)
    with FileLock(project / files.lock):
        write_text(project / files.live_history, "epoch,train_loss\n1,2.0\n")
        says(visitor, "in training, 1 of 2 epochs done")
    shutil.move(project / "elsewhere", project / files.folder)
    visitor.page.wait_for_selector("main .trouble:visible", state="detached")
    assert visitor.page.input_value("#run_a").endswith(PCA)


def with_other_code(visitor, project):
    outcome = project / FEW.run(PCA).outcome
    made = json.loads(stamp_of(outcome).read_text())
    other = dict.fromkeys(made["modules"], "0" * 12)
    stamp_of(outcome).write_text(json.dumps(made | {"modules": other}))
    outcome.touch()
    visitor.choose(VAE_2)
    visitor.choose(PCA)
    says(visitor, "was trained with other code of")


@pytest.mark.parametrize(
    ("tab", "field", "place"),
    [
        ("Latent plane", "plane_from", "plane_a_wrong"),
        ("Interpolate", "to_image", "interpolation_wrong"),
        ("Restore", "restoration_image", "restoration_question"),
        ("Restore", "restoration_seed", "restoration_question"),
        ("Generate", "generation_seed", "generation_a"),
    ],
)
def test_numbers_that_name_nothing_are_refused(visitor, tab, field, place):
    visitor.choose(VAE_2)
    visitor.see(tab)
    for text, found in (("", "nothing"), ("-1", "-1"), ("1e30", "1e+30"), ("2.5", "2.5")):
        visitor.fill(field, text)
        assert f"found {found}; allowed: a whole number from 0 to" in visitor.text(place)
        assert len(visitor.troubles()) == 1
    visitor.fill(field, 2)
    assert visitor.troubles() == []


def test_forged_messages_harm_nobody(visitor):
    visitor.choose(VAE_2)
    visitor.see("Generate")
    for number in (10**9, 0, -1, "x", None, [1]):
        visitor.set("generation_n", number)
        visitor.wait()
        assert "Images: found" in visitor.text("generation_a")
    visitor.page.evaluate(MOVE, ["generation_n", 16])
    visitor.set("generation_class", "x")
    visitor.wait()
    assert "16 new images, seed" in visitor.text("generation_a")
    visitor.see("Latent plane")
    here = shown_code(visitor)
    for point in ("x", [1], [None, 2], ["a", "b"], [1e300, 0], {"x": 1}):
        visitor.set("plane_a_point", point)
        visitor.set("plane_a_sliders", point)
        visitor.set("plane_a_over", point)
    visitor.set("plane_a_sliders", [9, 0.5])
    visitor.wait()
    assert np.array_equal(shown_code(visitor), here)
    visitor.see("Draw your own")
    for drawing in ("!", "AAAA", "AAA=", "A" * 5):
        visitor.set("drawing_pad", drawing)
        visitor.wait()
        assert len(visitor.troubles()) > 0
    visitor.page.get_by_role("button", name="Clear").click()
    visitor.see("Overview")
    for name, value in (("dataset", "../.."), ("run_a", "/etc"), ("run_b", "../x")):
        before = visitor.page.input_value(f"#{name}")
        visitor.set(name, value)
        visitor.wait()
        visitor.set(name, before)
    visitor.wait()
    assert visitor.troubles() == []


@pytest.mark.filterwarnings("error")
def test_verdicts_that_stand_on_runs_are_shown_with_these_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(overview.made, "require_unchanged", lambda file: file)
    file = Layout("few").tables / "verdicts.csv"
    none = "quantity,published,ours,verdict,runs\na loss,2.0,,not run,\n"
    write_text(file, none)
    assert overview._verdicts("few", "vae/x") is None
    write_text(file, f"{none}another,3.5,3.25,reproduced,vae/x;vae/y\n")
    assert overview._verdicts("few", "vae") is None
    shown = str(overview._verdicts("few", "vae/x"))
    assert "another" in shown
    assert "a loss" not in shown


# The command.


def test_what_is_replaced_in_shiny_is_still_there():
    """A version in which it has another name opens pages slowly again."""
    from shiny.otel._attributes import extract_source_ref
    from shiny.reactive import _reactives
    from shiny.session import _session

    assert _reactives.__dict__.keys() & _session.__dict__.keys() >= {extract_source_ref.__name__}


def test_the_printed_address_can_be_opened():
    assert address("127.0.0.1", 8000) == "http://127.0.0.1:8000"
    assert address("::1", 8000) == "http://[::1]:8000"


@pytest.mark.parametrize("port", [0, 65_536, -1])
def test_a_port_that_is_none_is_refused(port):
    with pytest.raises(UserError, match=f"--port: found {port}; allowed: 1 to 65535"):
        serve("few", "127.0.0.1", port)


def test_a_port_that_is_taken_is_refused():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UserError, match=r"cannot listen on 127\.0\.0\.1, port \d+ .*--port"):
            serve("few", "127.0.0.1", taken.getsockname()[1])
