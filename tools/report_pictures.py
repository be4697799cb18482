"""Takes the pictures of docs/report.md and the README from the report that `make run` leaves.

Needs playwright (the group `dev` of pyproject.toml) and a chromium on PATH.
"""

import shutil
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

REPORT = Path("results/digits/report.html")
IMAGES = Path("docs/images")
QUALITY = 80
SCREENS = 2  # heights of the window
DESKTOP, PHONE = (1280, 900), (390, 844)
FIRST = (1280, 720)  # what the README shows
A4 = (688, 1024)  # CSS pixels between the margins


def take(page: Page, name: str, size: tuple[int, int]) -> None:
    """Write a picture of the top of the page."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.wait_for_timeout(300)  # milliseconds, in which what watches sizes takes note
    with Image.open(BytesIO(page.screenshot())) as shown:
        shown.save(IMAGES / f"report_{name}.webp", "WEBP", quality=QUALITY, method=6)


def main() -> None:
    """Take the pictures."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_context(offline=True).new_page()
        page.goto(REPORT.resolve().as_uri())
        take(page, "first", FIRST)
        take(page, "desktop", (DESKTOP[0], SCREENS * DESKTOP[1]))
        take(page, "phone", (PHONE[0], SCREENS * PHONE[1]))
        page.emulate_media(color_scheme="dark")
        take(page, "dark", DESKTOP)
        page.emulate_media(media="print", color_scheme="light")
        take(page, "a4", A4)


if __name__ == "__main__":
    main()
