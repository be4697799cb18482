"""Takes the pictures of docs/app.md from a running explorer.

    python tools/app_pictures.py 'http://127.0.0.1:8000/?run=results/mnist/runs/vae/…/seed=0'

Needs playwright (the group `dev` of pyproject.toml) and a chromium on PATH.
"""

import shutil
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

IMAGES = Path("docs/images")
QUALITY = 80
DESKTOP, PHONE = (1280, 860), (390, 844)
PAUSE = 4000  # milliseconds, in which all answers come, also of networks that are loaded first
# The strokes of a seven, as shares of the pad's side.
SEVEN = [
    (0.28, 0.22),
    (0.45, 0.21),
    (0.62, 0.22),
    (0.72, 0.24),
    (0.64, 0.45),
    (0.52, 0.65),
    (0.45, 0.85),
]


def take(page: Page, name: str) -> None:
    """Write a picture of the window."""
    page.wait_for_timeout(PAUSE)
    with Image.open(BytesIO(page.screenshot())) as shown:
        shown.save(IMAGES / f"app_{name}.webp", "WEBP", quality=QUALITY, method=6)


def open_view(page: Page, title: str) -> None:
    """Open a tab."""
    page.get_by_role("tab", name=title, exact=True).click()


def draw(page: Page) -> None:
    """Draw a seven on the pad."""
    pad = page.locator("#drawing_pad").bounding_box()
    assert pad is not None
    places = [(pad["x"] + x * pad["width"], pad["y"] + y * pad["height"]) for x, y in SEVEN]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=5)
    page.mouse.up()


def main(address: str) -> None:
    """Take the pictures."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(viewport={"width": DESKTOP[0], "height": DESKTOP[1]})
        page.goto(address)
        page.locator("#overview_a_settings table").wait_for()
        open_view(page, "Training film")
        take(page, "film")
        open_view(page, "Latent plane")
        page.locator("#plane_a .plane-marks").click(position={"x": 330, "y": 230})
        take(page, "plane")
        open_view(page, "Draw your own")
        page.wait_for_timeout(PAUSE)
        draw(page)
        take(page, "drawing")
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        open_view(page, "Interpolate")
        take(page, "phone")


if __name__ == "__main__":
    main(*sys.argv[1:])
