"""What of the studies is covered: their items, what these name, and the page of them."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

from latentgrid.commands.coverage import as_page, coverage
from latentgrid.errors import UserError
from latentgrid.figures.comparisons.manifold_even import even_steps
from latentgrid.figures.comparisons.samples_sigmoid import through_sigmoid
from latentgrid.grid import catalogue
from latentgrid.studies import reading, references
from latentgrid.studies.items import State, read_items, require_true
from latentgrid.studies.references import Reference
from latentgrid.studies.sources import by_author, places
from latentgrid.training.snapshots import unit_square
from project import ROOT, call, run
from studies import our_study

PAGE = Path("docs/coverage.md")
HEADER = "item,kind,place,covered_by,lacks\n"
STUDY = """\
title: T
authors: [Jane Doe]
year: 2024
place: A journal
dataset: digits
claims:
  deeper:
    says: Deeper is better.
    place: section 1
    comparisons:
      - {side: {hidden: 32}, rival: {hidden: 16}, by: test_loss, better: smaller, unit: nats}
"""


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture
def study(tmp_path):
    """Return a function that makes a study with rows of items."""

    def made(*rows):
        folder = tmp_path / "doe-2024"
        folder.mkdir(exist_ok=True)
        (folder / "study.yaml").write_text(STUDY)
        (folder / "items.csv").write_text(HEADER + "".join(f"{row}\n" for row in rows))
        return reading.read(folder)

    return made


# Our own studies.


def test_the_page_shows_the_items_as_they_are():
    """Whoever adds what an item awaits names it there and makes the page again."""
    again = as_page(PAGE, coverage(reading.chosen("all")))
    assert again == PAGE.read_text(), f"run latentgrid coverage --page {PAGE}"


def test_every_item_of_the_five_documents_has_a_row_and_no_no_is_without_a_reason():
    items = [item for study in reading.chosen("all") for item in read_items(study)]
    assert len(items) >= 171
    assert all(item.lacks for item in items if item.state is not State.COVERED)


def test_all_figures_and_models_of_the_documents_are_found_by_their_place():
    found = places("model", reading.chosen("all"))
    assert found["vae"].startswith("Vizoso 2020 (section 6.3.1 and code")
    assert found["aae"] == "Vesel's draft (section 1.4); Vizoso 2020 (section 7.2)"
    assert (
        "Pérez 2022 (section 4.4.1, figure 4.5)" in places("figure", reading.chosen("all"))["tsne"]
    )


# A study of one's own.


def test_states_follow_from_the_two_columns(study):
    items = read_items(
        study(
            "a net,model,section 1,model:vae,",
            "a loss,model,section 2,model:vae model:ae,no code for it",
            "a voice,application,section 3,,no sound here",
        )
    )
    assert [item.state for item in items] == [State.COVERED, State.PARTLY, State.NOT_COVERED]
    assert list(map(str, items[1].covered_by)) == ["model:vae", "model:ae"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (",model,section 1,model:vae,", "column item: found nothing; allowed: a few words"),
        ("a net,thing,section 1,model:vae,", "column kind: found thing; allowed: model, block"),
        ("a net,model,section 1,,", "column lacks: name what covers the item, or say why"),
        ("a net,model,section 1,vae,", "column covered_by: found vae; allowed: model:…"),
        ("a net,model,section 1,net:vae,", "column covered_by: found net:vae; allowed: model:…"),
        ("a net,model,section 1,model:,", "column covered_by: found model:; allowed"),
        ("a net,model,section 1", "must have 5 cells"),
        ("a net,model,1,model:ae,\na net,model,1,model:ae,", "column item: line 2 is the same"),
    ],
)
def test_a_wrong_row_is_named_with_line_and_column(study, row, said):
    made = study(row)
    with pytest.raises(UserError, match=re.escape(said)) as raised:
        read_items(made)
    assert f"{made.folder / 'items.csv'}, line " in str(raised.value)


@pytest.mark.parametrize(
    "there",
    [
        *("model:vae", "figure:manifold", "optimizer:adam", "measure:silhouette", "claim:deeper"),
        *("experiment:gan_toy", "corruption:blur", "dataset:mnist", "command:check-plugin"),
        *("hyperparameter:conv_ae.padding=reflect", "hyperparameter:vae_bce.hidden=300"),
        *("hyperparameter:ae.batch_size", "key:evaluation.likelihood.draws", "key:seeds"),
        *("entry:config/published.yaml:conv5_vae", "file:docs/design.md#the-two-scales"),
        "file:src/latentgrid/models/mmd_vae.py::mmd",
    ],
)
def test_what_exists_is_found(study, there):
    assert not references.why_missing(Reference.parse(there), study())


@pytest.mark.parametrize(
    ("absent", "said"),
    [
        ("model:vea", "unknown; allowed: aae, ae"),
        ("claim:adam", "unknown; allowed: deeper"),
        ("table:1", "unknown; allowed: none"),
        ("hyperparameter:conv_ae.pading", "conv_ae: unknown; allowed: latent_dim"),
        ("hyperparameter:conv_ae.padding=mirror", "unknown value; allowed: zeros, reflect"),
        ("hyperparameter:nothing.padding", "unknown; allowed: aae"),
        ("key:evaluation.judges", "unknown; allowed: test_images, judge"),
        ("key:seeds.first", "unknown; allowed: none"),
        ("command:check_plugin", "unknown; allowed: plan"),
        ("entry:config/quick.yaml:nothing", "unknown; allowed"),
        ("entry:config/nothing.yaml:vae", "no such file"),
        ("file:docs/nothing.md", "no such file"),
        ("file:../secret", "no such file"),
        ("file:docs/design.md#nothing", "has no heading #nothing"),
        ("file:src/latentgrid/models/mmd_vae.py::nothing", "defines no nothing"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(study, absent, said):
    made = study(f"a net,model,section 1,{absent},")
    with pytest.raises(UserError, match=re.escape(said)) as raised:
        require_true(made, read_items(made))
    assert f"line 2, column covered_by: {absent}: " in str(raised.value)


def test_what_is_awaited_and_has_come_is_refused(study):
    awaited = study('a net,model,section 1,,"under way: model:nothing, and model:vae."')
    with pytest.raises(UserError, match="column lacks: model:vae is there; name it in covered_by"):
        require_true(awaited, read_items(awaited))
    told = study("a net,model,section 1,,under way: model:nothing; model:vae is another")
    require_true(told, read_items(told))


def test_what_serves_no_item_is_named(study):
    found = coverage([study("a net,model,section 1,hyperparameter:ae.hidden figure:latent,")])
    assert "ae" not in found.beyond["model"] and "vae" in found.beyond["model"]
    assert {*found.beyond["figure"]} == {*catalogue.figures()} - {"latent"}
    assert found.beyond["claim"] == ["doe-2024/deeper"]
    assert list(found.counts("doe-2024").values()) == [1, 0, 0]


def test_a_page_links_what_covers_an_item(study, tmp_path):
    made = study("a | net,model,section 1,claim:deeper key:seeds,")
    page = as_page(tmp_path / "page.md", coverage([made]))
    assert (
        "| a \\| net | model | section 1 | covered | [claim `deeper`](doe-2024/study.yaml), "
        in page
    )
    (link,) = re.findall(r"\[key `seeds`\]\((.*?)\)", page)
    assert (tmp_path / link).resolve() == ROOT / "params.yaml"


def test_the_commands_list_sources_without_torch():
    starts = "import sys, latentgrid.cli; sys.argv[1:] = ['coverage']; latentgrid.cli.main()"
    told = call(ROOT, "python", "-X", "importtime", "-c", starts)
    assert "Vizoso 2020" in told.stdout and "torch" not in told.stderr
    assert "from Vesel's draft (section 1.4)" in run(ROOT, "latentgrid", "models").stdout
    refused = call(ROOT, "latentgrid", "coverage", "--page", "docs")
    assert refused.returncode == 1 and "--page: found 'docs', a folder" in refused.stderr


# Names of studies in texts.


def test_texts_name_studies_by_author_and_year():
    known = [our_study(name) for name in ("vizoso-2020", "modulo-7", "perez-2022")]

    def named(text):
        return by_author(text, known)

    assert named("Source 000 (figure 6.2) sees") == "Vizoso 2020 (figure 6.2) sees"
    assert named("of sources 001 and 002.") == "of «Módulo 7» and Pérez 2022."
    assert named("source\n000's Adam") == "Vizoso 2020's Adam"
    assert named("(source 004, 1,000 images, 0.002 and 100, 2.000)") == (
        "(source 004, 1,000 images, 0.002 and 100, 2.000)"
    )


# The two ways in which the thesis's pictures were made otherwise.


def test_even_steps_are_those_of_the_code_in_the_order_of_the_quantiles():
    codes = even_steps(16, 4)
    assert codes.shape == (256, 2)
    assert (codes[0], codes[-1]) == (pytest.approx([-4, 4]), pytest.approx([4, -4]))
    assert np.allclose(np.diff(codes[:16, 0]), 8 / 15)
    ranks = unit_square(16).numpy().argsort(axis=0, kind="stable")
    assert (codes.argsort(axis=0, kind="stable") == ranks).all()
    inside = np.abs(codes).max(axis=1) <= 2
    assert inside.mean() == 0.25  # what the caption says: three in four lie further out
    assert 1 - math.erf(2 / math.sqrt(2)) ** 2 == pytest.approx(0.09, abs=0.002)  # and so much mass


def test_a_sigmoid_turns_the_ground_grey():
    assert list(through_sigmoid(np.array([0, 255], dtype=np.uint8))) == [128, 186]
