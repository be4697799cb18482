"""The pages in a browser: seen, reached by keyboard, screen reader and touch, and printed."""

import base64
import csv
import shutil
from contextlib import chdir, contextmanager
from io import BytesIO
from types import SimpleNamespace
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from markupsafe import Markup
from PIL import Image

from handmade import write_report
from latentgrid.figures import style
from latentgrid.grid.yaml_files import parsed
from latentgrid.report.first import QUESTIONS, _certainty, _finding
from latentgrid.report.glossary import GLOSSARY, Term, explained
from latentgrid.report.page import _comparable, _trained
from latentgrid.report.seen import Listing, arrange
from latentgrid.results.trained import TestSet
from project import ROOT

DIGITS = tuple(range(10))
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
A4 = {"width": 688, "height": 1024}  # CSS pixels between the margins
INCH = 96  # CSS pixels
MOST_WORDS = 5000
VISIBLE_WORDS = "document.body.innerText.split(/\\s+/).filter(Boolean).length"
in_a_browser = pytest.mark.slow
pytestmark = pytest.mark.xdist_group("report page")


def written(folder, **kind):
    with chdir(folder):
        layout = write_report(**kind)
    return folder / layout.report


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The report of two models, three seeds each, on images of ten classes."""
    return written(tmp_path_factory.mktemp("digits"), labels=DIGITS, seeds=(0, 1, 2))


@contextmanager
def opened(browser, file, viewport=None, **options):
    """Open a page where no request may leave the machine and no script may fail."""
    context = browser.new_context(viewport=viewport or DESKTOP, offline=True, **options)
    page = context.new_page()
    failed, asked = [], []
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    yield page
    context.close()
    assert failed == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def violations(page):
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found]


VIEWS = {
    "desktop": {"viewport": DESKTOP},
    "dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "phone": {"viewport": PHONE},
}


@in_a_browser
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", ["report.html", "models/vae.html"])
def test_everybody_can_read_the_pages(browser, report, name, view):
    with opened(browser, report.parent / name, **VIEWS[view]) as page:
        page.locator("details:not(.runs)").evaluate_all("all => all.map(it => it.open = true)")
        assert violations(page) == []
        wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wider) == 0


@in_a_browser
def test_a_fault_would_be_found(browser, tmp_path):
    (tmp_path / "bad.html").write_text("<html><p>without a title<img src='data:,'>")
    with opened(browser, tmp_path / "bad.html") as page:
        assert {"document-title", "image-alt"} <= {name for name, _ in violations(page)}


@in_a_browser
def test_colours_follow_the_scheme_and_pictures_stay_on_white(browser, report):
    ground = "it => getComputedStyle(it).backgroundColor"
    with opened(browser, report, color_scheme="dark") as page:
        assert page.locator("body").evaluate(ground) == "rgb(18, 22, 29)"
        assert page.locator(".picture").first.evaluate(ground) == "rgb(255, 255, 255)"
        page.emulate_media(media="print", color_scheme="dark")
        assert page.locator("body").evaluate(ground) == "rgb(255, 255, 255)"


@in_a_browser
@pytest.mark.parametrize("view", ["phone", "A4"])
def test_figures_are_never_smaller_than_they_were_drawn(browser, report, view):
    with opened(browser, report, PHONE if view == "phone" else A4) as page:
        if view == "A4":
            page.emulate_media(media="print")
        for picture in page.locator(".picture img").all():
            assert picture.bounding_box()["width"] > style.WIDTH * INCH - 1
        if view == "phone":
            box = page.locator(".picture").first
            assert box.get_attribute("tabindex") == "0"
            box.focus()
            page.keyboard.press("ArrowRight")
            page.wait_for_function("document.querySelector('.picture').scrollLeft > 0")
        else:
            assert not page.locator("nav, .tools, .enlarge").first.is_visible()


@in_a_browser
def test_the_keyboard_reaches_content_words_and_pictures(browser, report):
    with opened(browser, report) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "term"
        bubble = page.locator(".bubble")
        assert bubble.is_visible()
        term = page.evaluate("document.activeElement.getAttribute('aria-describedby')")
        assert bubble.inner_text() == page.locator(f"#{term}").inner_text()
        page.keyboard.press("Escape")
        assert not bubble.is_visible()
        enlarge = page.locator(".enlarge").first
        enlarge.focus()
        page.keyboard.press("Enter")
        large = page.locator("dialog img")
        assert large.is_visible()
        natural = large.evaluate("it => it.naturalWidth")
        assert large.bounding_box()["width"] == natural
        assert violations(page) == []
        page.keyboard.press("Escape")
        assert not large.is_visible()
        assert page.evaluate("document.activeElement.className").startswith("enlarge")


@in_a_browser
def test_a_word_is_explained_where_one_points_at_it_or_touches_it(browser, report):
    with opened(browser, report) as page:
        page.locator("a.term").first.hover()
        assert page.locator(".bubble").is_visible()
        page.mouse.move(0, 0)
        assert not page.locator(".bubble").is_visible()
    with opened(browser, report, PHONE, has_touch=True) as page:
        page.locator("a.term").first.tap()
        assert page.locator(".bubble").is_visible()
        assert "#" not in page.url
        box = page.locator(".bubble").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"]


def column(table, number):
    return [row.locator("th, td").nth(number).inner_text() for row in table.locator("tr").all()]


@in_a_browser
def test_tables_are_sorted_filtered_and_downloaded(browser, report, tmp_path):
    with opened(browser, report, accept_downloads=True) as page:
        page.locator("#runs ~ details").first.evaluate("it => it.open = true")
        box = page.locator(".table", has=page.locator("caption", has_text="All runs"))
        rows = box.locator("tbody")
        heading = box.locator("thead th", has_text="silhouette")
        heading.locator("button").click()
        assert heading.get_attribute("aria-sort") == "ascending"
        values = column(rows, 8)
        assert values == sorted(values)
        assert len(values) == 6
        heading.locator("button").focus()
        page.keyboard.press("Enter")
        assert heading.get_attribute("aria-sort") == "descending"
        assert column(rows, 8) == values[::-1]
        with page.expect_download() as download:
            box.locator(".tools button").click()
        download.value.save_as(tmp_path / "shown.csv")
        with (tmp_path / "shown.csv").open(encoding="utf-8") as file:
            head, *shown = csv.reader(file)
        assert (head[0], head[8]) == ("model", "silhouette")
        assert [row[8] for row in shown] == values[::-1]

        controls = page.locator(".table", has=page.locator("caption", has_text="Flags"))
        assert controls.count() == 1
        with page.expect_download() as download:
            page.locator('article a[href="#data-runs"]').first.click()
        assert download.value.suggested_filename == "runs.csv"
        download.value.save_as(tmp_path / "runs.csv")
    assert (tmp_path / "runs.csv").read_bytes() == (report.parent / "tables/runs.csv").read_bytes()


@in_a_browser
def test_rows_of_long_tables_are_filtered_and_sorted_as_numbers(browser, tmp_path):
    values = ["1,200", "−3", "30", "4e3", "–", *map(str, range(5, 12))]
    rows = "".join(f"<tr><th>model {n}</th><td>{v}</td></tr>" for n, v in enumerate(values))
    script = (ROOT / "src/latentgrid/report/script.js").read_text(encoding="utf-8")
    (tmp_path / "long.html").write_text(
        '<meta charset="utf-8"><div class="table"><div class="wide"><table><caption>Long</caption>'
        f"<thead><tr><th>name</th><th>value</th></tr></thead><tbody>{rows}</tbody></table></div>"
        f"</div><script>{script}</script>",
        encoding="utf-8",
    )
    with opened(browser, tmp_path / "long.html") as page:
        page.get_by_role("searchbox", name="Rows of «Long»").fill("MODEL 11")
        assert page.locator("tbody tr:visible").count() == 1
        page.get_by_role("searchbox").fill("")
        page.locator("thead button").nth(1).click()
        shown = column(page.locator("tbody"), 1)
        assert (shown[:2], shown[-4:]) == (["−3", "5"], ["30", "1,200", "4e3", "–"])
        page.locator("thead button").nth(1).click()
        shown = column(page.locator("tbody"), 1)
        assert (shown[0], shown[-1]) == ("4e3", "–")


@in_a_browser
def test_the_page_leads_to_files_beside_it_only_where_they_are(browser, report, tmp_path):
    with opened(browser, report) as page:
        page.wait_for_selector("[data-beside]", state="detached")
        links = page.locator("a[href]").evaluate_all(
            "all => all.map(it => it.getAttribute('href'))"
        )
        beside = [unquote(link) for link in links if not link.startswith(("#", "data:", "http"))]
        there = {link for link in beside if (report.parent / link).is_file()}
        assert {"models/vae.html", "figures/samples.pdf"} <= there
        assert sum(link.endswith("config.json") for link in there) == 6
    alone = shutil.copy(report, tmp_path / "alone.html")
    with opened(browser, alone) as page:
        page.wait_for_timeout(300)
        links = page.locator("a[href]").evaluate_all(
            "all => all.map(it => it.getAttribute('href'))"
        )
        assert all(link.startswith(("#", "data:", "http")) for link in links)
        assert page.locator("[data-beside]").count() > 0


@in_a_browser
def test_all_is_there_without_scripts(browser, report):
    with opened(browser, report, java_script_enabled=False) as page:
        assert page.locator("table caption").first.is_visible()
        page.locator("a.term").first.click()
        assert "#term-" in page.url
        assert page.locator("#data-runs a[download]").get_attribute("href").startswith("data:")
        assert page.locator("button").count() == 0


@in_a_browser
def test_colour_images_with_class_names(browser, tmp_path):
    names = ("daisy", "wild rose", "a tulip with a very long name")
    kind = {"shape": (3, 16, 16), "labels": (0, 1, 2), "names": names, "n": 9}
    with opened(browser, written(tmp_path, dataset="flowers", **kind), PHONE) as page:
        assert violations(page) == []
        text = page.locator("main").inner_text()
        assert "digit" not in text
        assert "9 images of flowers (16 × 16 pixels, in colour, 3 classes)" in page.inner_text(
            "header"
        )
        assert page.locator(".finding img").count() == 3


@in_a_browser
def test_images_without_labels(browser, tmp_path):
    with opened(browser, written(tmp_path, dataset="plain")) as page:
        assert violations(page) == []
        shown = page.locator(".finding h3").all_inner_texts()
        assert shown == [
            "Which model gives images back best?",
            "What do samples look like?",
            "Where do the codes lie?",
        ]
        assert "classes" not in page.inner_text("header")
        assert "silhouette" not in page.inner_text(".table:has-text('The best setting')")


@in_a_browser
def test_the_quick_run_is_read_in_a_quarter_of_an_hour(browser):
    file = ROOT / "results/digits/report.html"
    quick = parsed((ROOT / "config/quick.yaml").read_text(encoding="utf-8"), "quick.yaml")
    if not file.exists() or any(
        f'id="{name}"' not in file.read_text() for name in quick["figures"]
    ):
        pytest.skip("results/digits/report.html is not that of config/quick.yaml (make run)")
    with opened(browser, file) as page:
        assert page.evaluate(VISIBLE_WORDS) <= MOST_WORDS
        assert violations(page) == []
        assert page.locator(".finding img").count() == 3


# Without a browser.


def test_the_first_use_of_a_word_in_a_section_leads_to_its_explanation():
    terms = [Term("code", "…", ("code", "codes")), Term("A & B 2020", "…")]
    page = Markup(
        "<h2>code</h2><p>codes, code, <a>code</a> of A &amp; B 2020</p><code>code</code>"
        "<details><p>code</p></details><script>code</script><h2>two</h2>"
        "<p>encoded code-word code</p>"
    )
    link = '<a class="term" href="#term-code" aria-describedby="about-code">{}</a>'
    shown = explained(page, terms)
    assert shown.count('class="term"') == 4
    assert f"<p>{link.format('codes')}, code, <a>code</a> of" in shown
    assert f"<details><p>{link.format('code')}</p>" in shown
    assert f"encoded code-word {link.format('code')}" in shown
    assert 'href="#term-a-b-2020"' in shown
    assert "<script>code</script>" in shown


def test_no_link_stands_in_the_name_of_a_file_which_may_become_one():
    name = Markup('<span data-beside="runs/seed%3D0">runs/seed=0</span>')
    page = Markup("<h2>one</h2><p><span>{} of one seed</span></p>").format(name)
    shown = explained(page, [Term("seed", "…")])
    assert name in shown
    assert ">seed</a></span>" in shown


def test_cross_entropy_is_explained_for_images_and_for_classes():
    (about,) = [term.about for term in GLOSSARY if term.name == "cross entropy"]
    assert "pixels" in about
    assert "right class" in about


def test_no_two_words_of_the_glossary_share_a_place_or_a_form():
    keys = [term.key for term in GLOSSARY]
    forms = [form for term in GLOSSARY for form in term.forms or (term.name,)]
    assert [term.name.lower() for term in GLOSSARY] == sorted(t.name.lower() for t in GLOSSARY)
    assert len({*keys}) == len(keys)
    assert len({*forms}) == len(forms)


@pytest.mark.parametrize(
    ("sentence", "first", "rows"),
    [
        (
            "Error: unet 4.07, conv_ae 4.62, ae (d = 2) 6.5, pca 11.",
            "Error: unet 4.07; conv_ae 4.62; ae (d = 2) 6.5; and 1 more.",
            [("unet", "4.07"), ("conv_ae", "4.62"), ("ae (d = 2)", "6.5"), ("pca", "11")],
        ),
        ("Error: unet 4.07, conv_ae 4.62.", "Error: unet 4.07, conv_ae 4.62.", None),
        ("Look: one, two, three and four.", "Look: one, two, three and four.", None),
        (
            "Mean: a 1 at d = 2, 3 at d = 4; b (d = 2) 0.5, 3 and 9 mixed; c: 94 %; d −1.",
            "Mean: a 1 at d = 2, 3 at d = 4; b (d = 2) 0.5, 3 and 9 mixed; c 94 %; and 1 more.",
            [
                ("a", "1 at d = 2, 3 at d = 4"),
                ("b (d = 2)", "0.5, 3 and 9 mixed"),
                ("c", "94 %"),
                ("d", "−1"),
            ],
        ),
    ],
)
def test_lists_of_values_become_tables(sentence, first, rows):
    seen = arrange([sentence])
    assert seen.first == first
    assert seen.more == ([] if rows is None else [Listing(sentence.partition(":")[0], rows)])


def test_a_long_sentence_is_cut_and_stands_whole_below():
    long = " ".join(["word"] * 60) + "."
    seen = arrange([long, "Short."])
    assert seen.first.endswith("word …")
    assert seen.more == [long, "Short."]


@pytest.mark.parametrize(
    ("compared", "denoisers", "said"),
    [
        ([], [], ""),
        (["importance_bound"], [], ""),
        (["test_accuracy"], [], "the accuracy of classifiers"),
        (
            ["test_squared_error", "silhouette", "test_accuracy"],
            ["dae"],
            "the squared error of a test image's reconstruction (of a damaged one for dae), "
            "the silhouette of the test codes, and the accuracy of classifiers",
        ),
    ],
)
def test_what_may_be_compared_is_what_stands_in_the_columns(compared, denoisers, said):
    assert _comparable(compared, denoisers, 10) == said


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        (None, "10 classes) for 5 epochs and"),
        ([0.0, 0.0], "10 classes) for 5 epochs and"),
        ([0.1, 0.1], "10 classes), 10 % of them held out, for 5 epochs and"),
        ([np.nan, 0.025], "10 classes), up to 2.5 % of them held out, for 5 epochs and"),
    ],
)
def test_the_first_sentence_says_what_was_held_out(shares, said):
    runs = pd.DataFrame({"entry": ["a", "b"], "seed": [0, 0], "epochs": [5, 5]})
    runs = runs if shares is None else runs.assign(validation=shares)
    counts = {"training images": 60_000, "test images": 10_000}
    data = counts | {"image shape": (1, 28, 28), "classes": 10}
    assert said in _trained("MNIST", data, runs)


@pytest.mark.parametrize(
    ("seeds", "second", "said"),
    [(1, 9.0, "One seed"), (2, 9.0, "2 seeds give no"), (3, 9.0, "lie apart"), (3, 1.5, "overlap")],
)
def test_findings_say_how_sure_they_are(seeds, second, said):
    rows = [pd.Series({"n": seeds, "x": value, "x_ci": 0.5}) for value in (1.0, second)]
    assert said in _certainty(*rows, "x")


@pytest.mark.parametrize(
    ("is_damaged", "seen", "brightness"),
    [
        (False, "a row of test images and a row of what dae makes", 10),
        (True, "a row of damaged test images and a row of what dae makes", 90),
    ],
)
def test_above_restored_images_stand_the_damaged_ones(is_damaged, seen, brightness):
    given, made, damaged = (np.full((6, 1, 4, 4), v, np.uint8) for v in (10, 200, 90))
    snapshots = {"reconstructions": made} | ({"corrupted": damaged} if is_damaged else {})
    results = SimpleNamespace(
        trained=lambda run: SimpleNamespace(last=snapshots.get),
        test=TestSet(given, np.zeros(6, np.uint8)),
        first_test_images=np.full((6, 1, 4, 4), 150, np.uint8),
    )
    row = {"entry": "dae", "latent_dim": 2, "runs": "one", "test_squared_error": 4.0, "n": 1}
    question = next(one for one in QUESTIONS if one.snapshot == "reconstructions")
    picture = _finding(results, question, pd.DataFrame([row])).picture
    assert seen in picture.seen
    sheet = np.asarray(opened_picture(picture.address))
    assert {brightness, 200} <= {*np.unique(sheet)}


def opened_picture(address):
    return Image.open(BytesIO(base64.b64decode(address.partition(",")[2])))
