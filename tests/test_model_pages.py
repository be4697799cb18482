"""The page a model: what it says, that it opens offline, and that it leads to its runs."""

import io
import itertools
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
from PIL import Image

from latentgrid.commands.why import origin
from latentgrid.contracts.models import its_formula_can_be_set
from latentgrid.errors import UserError
from latentgrid.files.aside import remove_pages
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from latentgrid.grid import catalogue, excerpt, plugins, reading
from latentgrid.grid.runs import plan_of
from latentgrid.grid.schema import run_name
from latentgrid.grid.yaml_files import parsed
from latentgrid.report.model_text import read_model_text
from latentgrid.stamps.made import stamp_of
from latentgrid.steps import model_page
from latentgrid.verdicts import answers, numbers
from project import ROOT
from tiny import seal, write_config

LAYOUT = Layout("mnist")
CONFIGURATIONS = [ROOT / "params.yaml", *sorted((ROOT / "config").glob("*.yaml"))]
STUDY = str(ROOT / "studies" / "vizoso-2020")
EPOCHS = 3
AXES = {
    "latent_dim": [2, 20, 50],
    "optimizer": ["adam_000", "rmsprop", "adadelta"],
    "learning_rate": [0.0001, 0.00075],
}
RECORD = "record:studies/vizoso-2020/records/one.json"
PLUGIN = '''
"""A model of a user's."""

from latentgrid.grid.hyperparameters import LatentDim
from latentgrid.models import Model


class Mine(Model):
    r"""A model of "somebody" <else>.{more}"""

    terms = {{"error": "squared error, per image"}}
    loss_description = "squared error"

    def __init__(self, image_shape, latent_dim: LatentDim = 2) -> None:
        super().__init__()
'''
VOID = {"meta", "img", "br"}


def plugin(more=""):
    """Write the file of a model, with more in its docstring, and choose it as plugin."""
    Path("own/models").mkdir(parents=True, exist_ok=True)
    Path("own/models/mine.py").write_text(PLUGIN.format(more=more))
    plugins.choose(["own"])
    catalogue.read_plugins()


def planned(model, axes, seeds=(0, 1, 2), entry=None):
    """Yield the runs of a grid as the plan has them."""
    for values in itertools.product(*axes.values()):
        given = dict(zip(axes, values, strict=True))
        for seed in seeds:
            settings = {"model": model, "epochs": EPOCHS, "batch_size": 100, "seed": seed}
            settings |= {"precision": "float32", "hyperparameters": {}}
            settings |= {"snapshots": {"epochs": [0, EPOCHS], "samples": 4, "manifold": 2}}
            name = run_name(entry or model, given, seed)
            run = {"name": name, "entry": entry or model, "axes": given}
            yield run | {"settings": settings | given}


def loss(run):
    """A number that differs from run to run."""
    axes = run["axes"]
    seed, dimension = run["settings"]["seed"], axes.get("latent_dim", 2)
    slow = {"adadelta": 9.0, "rmsprop": 3.0}.get(axes.get("optimizer"), 1.0)
    return 30 + 60 / dimension + slow + 2000 * axes.get("learning_rate", 0) + seed / 2


def write_results(runs, ended=lambda run: "finished"):
    """Write tables, plan and run files, so far as a page reads them; `ended` gives the status."""
    rows, histories = [], []
    picture = io.BytesIO()
    Image.new("RGB", (70, 26), "grey").save(picture, "PNG")
    for run in runs:
        row = {"run": run["name"], "entry": run["entry"], "model": run["settings"]["model"]}
        row |= {**run["axes"], "seed": run["settings"]["seed"], "status": ended(run)}
        row |= {"reason": "" if row["status"] == "finished" else "epoch 2: <kl> is inf"}
        row |= dict.fromkeys(("epochs", "min_train_loss", "train_loss", "test_loss", "silhouette"))
        if row["status"] != "failed":
            files = LAYOUT.run(run["name"])
            files.folder.mkdir(parents=True)
            write_config(files, run["settings"])
            files.overview.write_bytes(picture.getvalue())
            outcome = {"status": row["status"], "reason": row["reason"], "epochs": EPOCHS}
            write_json(files.outcome, outcome)
            seal(files)
            histories += [
                {"run": run["name"], "epoch": epoch, "train_loss": loss(run) * (1 + 1 / epoch)}
                | {"test_loss": loss(run) * (1.1 + 0.9 / epoch)}
                for epoch in range(1, EPOCHS + 1)
            ]
        if row["status"] == "finished":
            row |= {"epochs": EPOCHS, "min_train_loss": loss(run), "train_loss": loss(run)}
            row |= {"test_loss": loss(run) * 1.1, "silhouette": 0.123}
        rows.append(row)
    LAYOUT.tables.mkdir(parents=True)
    pd.DataFrame(rows).to_csv(LAYOUT.tables / "runs.csv", index=False)
    pd.DataFrame(histories or {"run": []}).to_csv(LAYOUT.tables / "history.csv", index=False)
    for name, columns in (("verdicts", numbers.COLUMNS), ("claims", answers.COLUMNS)):
        pd.DataFrame(columns=columns).to_csv(LAYOUT.tables / f"{name}.csv", index=False)
    write_json(LAYOUT.plan, list(runs))
    LAYOUT.report.touch()


def write_verdicts(runs, model="vae"):
    """Let two runs of the plan and a record be compared with a number, and answer a claim."""
    row = {"study": "vizoso-2020", "table": "VII.1", "model": model, "unit": "nats"}
    row |= {"setting": "latent_dim=2, optimizer=adam", "published": 2164100.0, "excess": 59400.0}
    row |= {"reach": 51234.0, "n": 3, "planned": 3, "ours": 2170000.0, "sd": 1234.0}
    named = ";".join([*(run["name"] for run in runs[:2]), RECORD])
    row |= {"runs": named, "verdict": "reproduced", "reason": "0.3 % above it"}
    other = row | {"model": "mmd_vae", "setting": "another model's", "runs": ""}
    pd.DataFrame([row, other], columns=numbers.COLUMNS).to_csv(
        LAYOUT.tables / "verdicts.csv", index=False
    )
    claim = {
        "study": "vizoso-2020",
        "name": "adam",
        "claim": "Adam is best.",
        "source": "section 6",
    }
    claim |= {"part": "Adam against others", "answer": "contradicted", "effect": -0.5, "n": 3}
    claim |= {"unit": "% of the loss", "low": -0.7, "high": -0.3, "least": -0.2}
    apart = claim | {"claim": "Nobody ran this.", "n": 0, "runs": ""}
    pd.DataFrame([claim | {"runs": named}, apart], columns=answers.COLUMNS).to_csv(
        LAYOUT.tables / "claims.csv", index=False
    )


def page_of(model):
    model_page.main("mnist", "mnist", model, [STUDY], [])
    return LAYOUT.model_page(model).read_text(encoding="utf-8")


def words_of(page):
    """The text that a reader sees, with single spaces."""
    shown = re.sub(r"(?s)<(style|script)>.*?</\1>", "", page)
    return " ".join(re.sub(r"<[^>]+>", " ", shown).split())


class Page(HTMLParser):
    """Its links, what it fetches, and whether each element is closed in its turn."""

    def __init__(self, page):
        super().__init__()
        self.open, self.links, self.fetched, self.tags, self.ids = [], [], [], [], []
        self.beside = []
        self.feed(page)
        self.close()
        assert not self.open, self.open
        assert len(self.ids) == len(set(self.ids))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"]] if "href" in given else []
        self.beside += [given["data-beside"]] if "data-beside" in given else []
        self.fetched += [given[name] for name in ("src", "srcset", "data") if name in given]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if tag in {"li", "p"} and self.open[-1] != tag:
            return
        assert self.open.pop() == tag


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv(plugins.CHOSEN, "[]")
    monkeypatch.chdir(tmp_path)
    catalogue.read_plugins()
    yield
    monkeypatch.setenv(plugins.CHOSEN, "[]")
    catalogue.read_plugins()


@pytest.fixture
def grid():
    """The grid of the thesis, of which one setting diverged."""
    runs = list(planned("vae", AXES))
    lost = {"latent_dim": 50, "optimizer": "adadelta", "learning_rate": 0.00075}
    write_results(runs, lambda run: "diverged" if run["axes"] == lost else "finished")
    write_verdicts(runs)
    return runs


# What a page says.


def test_a_page_sets_ours_beside_what_was_published(grid):
    words = words_of(page_of("vae"))
    assert "A dense variational autoencoder, 784–512–512–512–2d" in words
    assert "Vizoso 2020 Adrián Vizoso Expósito (2020)." in words
    number = "Vizoso 2020, VII.1 d = 2, adam 2,164,100 2,170,000 ± 1,234 2,104,700 2,110,600"
    assert f"{number} 51,234 3 of 3 reproduced 0.3 % above it" in words
    assert "another model's" not in words
    claim = "Adam is best. section 6 Adam against others, allowing 0.2 the other way contradicted"
    assert f"{claim} −0.5 (−0.7 to −0.3) % of" in words
    assert "Nobody ran this" not in words
    assert f"Besides these runs, the numbers above count: {RECORD}" in words


def test_a_page_names_every_run_and_why_some_have_no_result(grid):
    page = page_of("vae")
    assert page.count(">picture</span>") == len(grid)
    lost = "vae/latent_dim=50,optimizer=adadelta,learning_rate=0.00075/seed=0"
    assert f"{lost} : diverged – epoch 2: &lt;kl&gt; is inf" in words_of(page)


def test_a_page_opens_offline_and_its_links_lead_somewhere(grid):
    page = Page(page_of("vae"))
    # 18 settings: a panel for each latent dimension, and the best run's picture.
    kinds = [source.partition(";")[0] for source in page.fetched]
    assert kinds == ["data:image/svg+xml"] * 3 + ["data:image/png"]
    assert not {"iframe", "object", "embed", "base", "link"} & {*page.tags}
    assert page.tags.count("math") == len(read_model_text("vae").formulas) == 4
    assert [link for link in page.links if not link.startswith(("#", "https://"))] == []
    for path in page.beside:
        assert (LAYOUT.models / unquote(path)).is_file(), path
    assert len(page.beside) > 2 * len(grid)


def test_the_same_results_give_the_same_bytes(grid):
    assert page_of("vae") == page_of("vae")


def test_a_model_without_numbers_or_curves():
    write_results([*planned("pca", {"latent_dim": [2]}, seeds=(0,))])
    history = pd.read_csv(LAYOUT.tables / "history.csv")
    history[history["epoch"] == 1].to_csv(LAYOUT.tables / "history.csv", index=False)
    words = words_of(page_of("pca"))
    assert "No study that is judged on these images printed a number of this model." in words
    assert "There is no curve of a single epoch" in words
    assert "Claims that its runs answer" not in words


@pytest.mark.parametrize("status", ["failed", "diverged"])
def test_a_model_of_which_no_run_finished(status):
    write_results([*planned("gan", {"latent_dim": [2]})], lambda run: status)
    page = page_of("gan")
    Page(page)
    assert "No run of it has finished, so there is no picture." in page
    assert ("No run of it has a result yet" in page) == (status == "failed")
    assert ("data:image/svg+xml" in page) == (status == "diverged")
    assert words_of(page).count(f": {status} – epoch 2") == 3


def test_entries_of_one_model_share_a_page():
    pair = [{"latent_dim": [2]}, {"latent_dim": [2, 3]}]
    runs = [run for n, axes in enumerate(pair) for run in planned("ae", axes, (0,), f"ae_{n}")]
    write_results(runs)
    page = page_of("ae")
    assert page.count("data:image/svg+xml") == page.count("data:image/png") == 2
    configuration = parsed(LAYOUT.model_configuration("ae").read_text(), "test")
    assert {name: entry["model"] for name, entry in configuration["models"].items()} == {
        "ae_0": "ae",
        "ae_1": "ae",
    }


# Formulas.


@pytest.mark.parametrize("model", catalogue.models())
def test_every_model_has_a_formula_with_its_letters_and_source(model):
    text = read_model_text(model)
    assert text.formulas
    assert all(formula.startswith("<math ") for formula in text.formulas)
    said = "".join(text.letters)
    assert re.search(r"[Ss]ources? 00\d|\d{4}", said)
    Page("".join([*text.more, *text.formulas, *text.letters]))


def test_a_formula_is_set_as_tex_sets_it():
    (first, *_, last) = read_model_text("gan").formulas
    assert "<mi>log</mi><mspace" in first and "<mo>&#x0223C;</mo>" in first
    assert "<mfrac><mrow><mn>1</mn></mrow><mrow><mn>2</mn></mrow></mfrac>" in last


def test_a_plugins_model_has_a_page_without_a_formula():
    plugin()
    write_results([*planned("mine", {"latent_dim": [2]}, (0,))])
    page = page_of("mine")
    Page(page)
    assert "A model of &#34;somebody&#34; &lt;else&gt;." in page
    assert "Its formula" not in page and "squared error" not in read_model_text("mine").files


def test_a_plugins_formula_is_shown_with_what_follows_it():
    plugin(
        "\n\n    Before `it`.\n\n    .. math::\n\n        x^2 +\n        1\n\n    x is it.\n    "
    )
    text = read_model_text("mine")
    assert [*map(str, text.more)] == ["<p>Before <code>it</code>.</p>"]
    assert len(text.formulas) == 1 and "<msup>" in text.formulas[0]
    assert [*map(str, text.letters)] == ["<p>x is it.</p>"]
    its_formula_can_be_set("mine")
    assert "x^2" in catalogue.about("mine")  # so that another formula makes the page again


@pytest.mark.parametrize("latex", [r"\left( x", "x_1_2", r"\nosuchcommand x"])
def test_what_is_no_latex_is_named_with_its_file(latex):
    plugin(f"\n\n    .. math::\n\n        {latex}\n    ")
    with pytest.raises(UserError, match=r"own/models/mine\.py: the formula .* cannot be shown"):
        its_formula_can_be_set("mine")


# The configuration beside a page.


@pytest.mark.parametrize("file", CONFIGURATIONS, ids=lambda file: file.stem)
def test_the_configuration_of_a_page_plans_its_runs_and_no_others(file):
    params = reading.load([file])
    plan = plan_of(params)
    for model in {run["settings"]["model"] for run in plan}:
        own = [run for run in plan if run["settings"]["model"] == model]
        text = excerpt.as_yaml(excerpt.configuration_of(params.dataset, own))
        assert plan_of(reading.check(parsed(text, "test"), "test")) == own


def test_epochs_of_snapshots_are_found_again_whatever_each_entry_trains():
    raw = {"dataset": "digits", "snapshots": {"epochs": [1, 5, 100]}, "seeds": [3, 1]}
    lengths = {"ae_1": 5, "ae_2": 100, "ae_3": 200, "ae_4": 1}
    common = {"model": "ae", "latent_dim": 2, "optimizer": "adam", "learning_rate": [1e-5, 0.1]}
    raw["models"] = {entry: common | {"epochs": epochs} for entry, epochs in lengths.items()}
    for shown in (["ae_1", "ae_2"], ["ae_4"], [*lengths]):
        plan = [r for r in plan_of(reading.check(raw, "test")) if r["entry"] in shown]
        text = excerpt.as_yaml(excerpt.configuration_of("digits", plan))
        assert plan_of(reading.check(parsed(text, "test"), "test")) == plan


def test_the_configuration_names_the_plugins():
    plugin()
    raw = {"dataset": "digits", "plugins": ["own"], "models": {"mine": {"latent_dim": 3}}}
    raw["models"]["mine"] |= {"optimizer": "adam", "learning_rate": 0.1}
    plan = plan_of(reading.check(raw, "test"))
    text = excerpt.as_yaml(excerpt.configuration_of("digits", plan, ["own"]))
    assert plan_of(reading.check(parsed(text, "test"), "test")) == plan


# Where a page comes from, and where it goes.


@pytest.mark.parametrize("file", [LAYOUT.model_page("vae"), LAYOUT.model_configuration("vae")])
def test_a_page_leads_to_its_runs(grid, file):
    page_of("vae")
    assert origin(str(file)).runs == [run["name"] for run in grid]


def test_pages_of_models_that_left_the_grid_are_removed_with_their_stamps():
    for model in ("vae", "gan"):
        for file in (LAYOUT.model_page(model), LAYOUT.model_configuration(model)):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
            stamp_of(file).touch()
    gone = [LAYOUT.model_page("gan"), LAYOUT.model_configuration("gan")]
    assert remove_pages(LAYOUT, ["vae"]) == gone
    left = {path.name for path in LAYOUT.models.iterdir()}
    assert left == {"vae.html", "vae.yaml", ".vae.html.made", ".vae.yaml.made"}
    assert remove_pages(Layout("digits"), ["vae"]) == []
