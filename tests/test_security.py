"""What nobody may come by through this project: scripts in the report, passwords, an open port."""

import importlib.util
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from ruamel.yaml import YAML
from safetensors.numpy import save_file

from latentgrid.errors import UserError, without_credentials
from latentgrid.evaluation.tables import write_table
from latentgrid.files.atomic import write_json, write_text
from latentgrid.files.layout import Layout
from latentgrid.grid import catalogue, reading
from latentgrid.steps import audit as audit_step
from latentgrid.steps import interactive as interactive_step
from latentgrid.steps import quality, verdicts
from latentgrid.steps import report as report_step
from latentgrid.steps import tables as tabulate
from studies import copy_study
from tiny import seal

ROOT = Path(__file__).parents[1]
ATTACK = '</script><script>alert("x")</script><img src=x onerror=alert(1)>'


# The report.


class Page(HTMLParser):
    """The scripts of a page, its tags' attributes, and its text."""

    def __init__(self, page):
        super().__init__()
        self.scripts, self.events, self.text, self.inside = [], [], "", ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.inside = tag
        self.events += [name for name, _ in attrs if name.startswith("on")]
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside == "script":
            self.scripts[-1] += data
        else:
            self.text += data


def attacking_study(project):
    """Return a study on digits in which every text that can be is an attack."""
    study = copy_study(project, dataset="digits")
    path, numbers = study / "study.yaml", study / "numbers.csv"
    facts = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    facts |= {"title": f"{ATTACK} title", "place": ATTACK, "authors": [f"{ATTACK} author"]}
    facts["tables"] = {f"{ATTACK} table": {"shows": ATTACK, "note": f"{ATTACK} note"}}
    for quantity in facts["quantities"].values():
        quantity |= {"called": f"{ATTACK} called", "unit": ATTACK}
    facts["quantities"]["min_epoch_sse_kl"]["excess"]["because"] = f"{ATTACK} because"
    for claim in facts["claims"].values():
        claim |= {"says": f"{ATTACK} says", "place": ATTACK}
        for part in claim["comparisons"]:
            part |= {"says": f"{ATTACK} part", "unit": ATTACK, "note": ATTACK}
    written = YAML(typ="safe")
    written.default_flow_style = False
    with path.open("w", encoding="utf-8") as file:
        written.dump(facts, file)
    table = pd.read_csv(numbers, dtype=str)
    table.assign(table=f"{ATTACK} table", unit=ATTACK).to_csv(numbers, index=False)
    return study


@pytest.fixture
def attacked(tmp_path, monkeypatch):
    """Results of two runs, one of them failed, in which every word that can be is an attack."""
    monkeypatch.chdir(tmp_path)
    study = attacking_study(tmp_path)
    attacked = replace(
        catalogue.figure("latent"), caption=f"{ATTACK} caption", claim=f"{ATTACK} claim"
    )
    monkeypatch.setattr(catalogue, "figure", lambda name: attacked)
    layout = Layout("digits")
    draws = np.random.default_rng(0)
    images = {
        "train_images": draws.integers(0, 255, (6, 1, 4, 4), np.uint8),
        "test_images": draws.integers(0, 255, (6, 1, 4, 4), np.uint8),
        "test_labels": np.array([3, 3, 5, 5, 5, 9], np.uint8),
    }
    layout.data.mkdir(parents=True)
    save_file(images, layout.images)
    counts = {"training images": 6, "test images": 6, "image shape": [1, 4, 4]}
    write_json(layout.description, counts | {"classes": 10, "sha256": ATTACK})
    settings = {"model": "vae", "hyperparameters": {"latent_dim": 2}, "optimizer": ATTACK}
    settings |= {"learning_rate": 0.1, "epochs": 1, "batch_size": 3}
    settings |= {"precision": "float32", "seed": 0, "snapshots": {"epochs": [1]}}
    axes = {"latent_dim": 2, "optimizer": ATTACK, "learning_rate": 0.1}
    good, failed = (
        {"name": f"{ATTACK}{n}", "entry": f"{ATTACK}{n}", "axes": axes, "settings": settings}
        for n in range(2)
    )
    write_json(layout.plan, [good, failed])
    files = layout.run(good["name"])
    words = dict.fromkeys(("description", "total", "batch total", "code", "device"), ATTACK)
    words |= {"terms": {ATTACK: ATTACK}, "libraries": {ATTACK: ATTACK}, "data sha256": ATTACK}
    config = {"settings": settings, "image shape": [1, 4, 4], "classes": 10, "parameters": 3}
    write_json(files.config, config | words)
    write_json(files.timing, {"seconds per epoch": [1.0]})
    write_json(files.outcome, {"status": "finished", "reason": "", "epochs": 1})
    write_text(files.history, "epoch,train_loss,test_loss\n1,2.0,3.0\n")
    write_json(files.metrics, {"status": "finished", "epochs": 1, "min_train_loss": 2.0})
    save_file({"1/codes": draws.normal(size=(6, 2)).astype(np.float32)}, files.snapshots)
    seal(files)
    write_json(layout.run(failed["name"]).failure, {"reason": f"{ATTACK} reason"})
    layout.figures.mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(layout.figures / "latent.png")
    shown = {"entries": [good["entry"]], "seen": [f"{ATTACK} seen"], "missing": ""}
    write_json(layout.seen("latent"), shown)
    tabulate.main("digits")
    verdicts.main("digits", 6, [str(study)])
    audit_step.main("digits", [str(study)])
    outside = dict.fromkeys(("measure", "case", "why"), f"{ATTACK} control") | {"inside": "no"}
    outside |= {"expected_low": 0, "expected_high": 1, "value": 2, "runs": ""}
    write_table(layout.controls, pd.DataFrame([outside]))
    quality.main("digits")
    return layout


def test_what_others_wrote_is_text_in_the_report(attacked):
    interactive_step.main("digits", [f"{ATTACK}0"])
    study = "studies/vizoso-2020"
    report_step.main("digits", ["latent"], [study])
    page = Page(attacked.report.read_text(encoding="utf-8"))
    assert page.events == []
    # Bokeh's library, and the script that draws, which names the runs too.
    assert not any(script.startswith("alert(") for script in page.scripts)
    assert "alert" in page.scripts[-1]
    of_the_study = ("title", "author", "table", "note", "called", "because", "says")
    for place in ("caption", "claim", "seen", "reason", "control", *of_the_study):
        assert f"{ATTACK} {place}" in page.text
    assert page.text.count(ATTACK) > 20


# Passwords.


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("http://me:secret@host:80/a is down", "http://host:80/a is down"),
        ("(https://secret@host)", "(https://host)"),
        ("postgresql://me:se@cr/et@host/base", "postgresql://host/base"),
        ("to http://host/a?token=secret (no)", "to http://host/a (no)"),
        ("which one? a@b, sqlite:///mlflow.db", "which one? a@b, sqlite:///mlflow.db"),
    ],
)
def test_credentials_are_left_out(text, left):
    assert without_credentials(text) == left


# The audit.


@pytest.fixture(scope="module")
def audit():
    place = importlib.util.spec_from_file_location("audit", ROOT / "tools" / "audit.py")
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module.verdict


SOUND = {"name": "a", "version": "1", "vulns": []}
UNKNOWN = {"name": "b", "skip_reason": "Dependency not found on PyPI and could not be audited"}
FLAWED = {"name": "c", "version": "2", "vulns": [{"id": "X-1", "fix_versions": ["2.1"]}]}
UNMENDED = {"name": "d", "version": "3", "vulns": [{"id": "X-2", "fix_versions": []}]}


@pytest.mark.parametrize(
    ("packages", "said", "well"),
    [
        ([SOUND, SOUND], "2 packages, no known vulnerability", True),
        ([UNKNOWN, UNKNOWN], "error: the database could not be reached", False),
        ([SOUND, UNKNOWN], "not audited, as the database does not know them: b", False),
        ([SOUND, FLAWED], "c 2: X-1, mended in 2.1", False),
        ([UNMENDED], "d 3: X-2, mended in no version yet", False),
    ],
)
def test_an_audit_is_only_well_if_every_package_was_looked_up(audit, packages, said, well):
    found, is_well = audit({"dependencies": packages})
    assert found.startswith(said)
    assert is_well is well


def test_a_key_given_twice_does_not_show_its_password(tmp_path):
    file = tmp_path / "params.yaml"
    file.write_text('mirror: "https://user:secret@host/"\n' * 2)
    with pytest.raises(UserError, match="duplicate key") as refused:
        reading.load([file])
    assert "secret" not in str(refused.value)
