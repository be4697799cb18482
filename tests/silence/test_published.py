"""Every cell of reference/published.csv is known for certain, or refused before anything trains."""

import csv

import pytest
from latentgrid.reference import published
from latentgrid.reference.facts import NO_SETTINGS

from latentgrid.errors import UserError
from project import ROOT, call, copy_project

ROWS = list(csv.DictReader((ROOT / published.PUBLISHED).open(encoding="utf-8", newline="")))
VAE = next(row for row in ROWS if row["model"] == "vae")
MMD = next(row for row in ROWS if row["model"] == "mmd_vae")
SCANNED = next(row for row in ROWS if row["origin"] == NO_SETTINGS)
CYRILLIC = "\u0430dam"


def table(path, *rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, VAE.keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_the_numbers_of_the_sources_are_known():
    assert len(published.numbers(ROOT / published.PUBLISHED)) == len(ROWS) == 57


def test_numbers_are_numbers_and_what_is_empty_is_nothing(tmp_path):
    vae, scanned = published.numbers(table(tmp_path / "published.csv", VAE, SCANNED))
    assert vae["latent_dim"] == 2
    assert (vae["document"], vae["learning_rate"], vae["value"]) == ("000", 0.00075, 2180800.0)
    assert [scanned[column] for column in published.TRAINED] == [None] * 5


@pytest.mark.parametrize(
    ("row", "column", "cell", "found"),
    [
        (VAE, "optimizer", "adam ", "'adam '"),
        (VAE, "optimizer", " adam", "' adam'"),
        (VAE, "optimizer", "Adam", "'Adam'"),
        (VAE, "optimizer", CYRILLIC, f"'{CYRILLIC}'"),
        (VAE, "optimizer", "ａｄａｍ", "'ａｄａｍ'"),
        (VAE, "optimizer", "sgd", "'sgd'"),
        (VAE, "optimizer", "", "nothing"),
        (VAE, "model", "vea", "'vea'"),
        (VAE, "model", "vae\u200b", r"'vae\u200b'"),
        (VAE, "model", "ae", "'ae'"),
        (VAE, "model", "", "nothing"),
        (VAE, "dataset", "mnist ", "'mnist '"),
        (VAE, "dataset", "fashion", "'fashion'"),
        (VAE, "latent_dim", "2.5", "'2.5'"),
        (VAE, "latent_dim", "２", "'２'"),
        (VAE, "latent_dim", " 2", "' 2'"),
        (VAE, "latent_dim", "0", "'0'"),
        (VAE, "latent_dim", "5000", "'5000'"),
        (VAE, "latent_dim", "1_0", "'1_0'"),
        (VAE, "latent_dim", "", "nothing"),
        (VAE, "learning_rate", "-0.1", "'-0.1'"),
        (VAE, "learning_rate", "0,001", "'0,001'"),
        (VAE, "learning_rate", "nan", "'nan'"),
        (VAE, "epochs", "-50", "'-50'"),
        (VAE, "epochs", "0", "'0'"),
        (VAE, "epochs", "1e400", "'1e400'"),
        (VAE, "batch_size", "100.5", "'100.5'"),
        (VAE, "quantity", "min_train_loss", "'min_train_loss'"),
        (VAE, "quantity", "mean_silhouette_test", None),
        (VAE, "value", "0", "'0'"),
        (VAE, "value", "-2180800", "'-2180800'"),
        (VAE, "value", "inf", "'inf'"),
        (VAE, "value", "2.180.800", "'2.180.800'"),
        (VAE, "unit", MMD["unit"], "'sum over 600 batches of pixel-mean squared error + MMD'"),
        (VAE, "unit", VAE["unit"] + " ", None),
        (VAE, "unit", "nats", "'nats'"),
        (MMD, "unit", VAE["unit"], None),
        (VAE, "origin", "published", "'published'"),
        (VAE, "origin", NO_SETTINGS, None),
        (VAE, "document", "０００", "'０００'"),
        (VAE, "table", "VII.1 ", "'VII.1 '"),
        (VAE, "table", "\x1b[31m", r"'\x1b[31m'"),
        (SCANNED, "value", "1.5", "'1.5'"),
        (SCANNED, "epochs", "3", "'3'"),
        (SCANNED, "model", "gan", "'gan'"),
        (SCANNED, "unit", "silhouette", "'silhouette'"),
    ],
)
def test_a_cell_that_is_not_known_is_refused_with_row_and_column(
    tmp_path, row, column, cell, found
):
    path = table(tmp_path / "published.csv", MMD if row is VAE else VAE, row | {column: cell})
    with pytest.raises(UserError) as refused:
        published.numbers(path)
    said = str(refused.value)
    assert said.startswith(f"{path}, line 3, column ")
    assert "; allowed: " in said
    assert said.isprintable()
    if found:
        assert f"column {column}: found {found}; allowed: " in said


@pytest.mark.parametrize("model", ["pca", "unet", "lenet5"])
def test_a_model_that_lacks_a_published_setting_could_never_be_judged(tmp_path, model):
    silhouette = {key: SCANNED[key] for key in ("quantity", "value", "unit")}
    path = table(tmp_path / "published.csv", VAE | silhouette | {"model": model})
    with pytest.raises(UserError, match=f"line 2, column model: found '{model}'; allowed: aae, "):
        published.numbers(path)


def test_one_number_with_two_values_is_refused(tmp_path):
    again = VAE | {"value": "1", "latent_dim": "2.0"}
    path = table(tmp_path / "published.csv", VAE, MMD, again)
    with pytest.raises(UserError, match="line 4: this number stands there twice"):
        published.numbers(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(",unit,", ",units,", 1),
        lambda text: text.replace("origin", "origin,note", 1),
        lambda text: text.replace("origin", "origin,unit", 1),
        lambda text: text + "000,VII.1\n",
        lambda text: text.replace("published script", "published script,more", 1),
        lambda text: text.encode().decode("latin-1").replace("000", "\xe9", 1).encode("latin-1"),
        lambda text: "",
    ],
)
def test_what_is_no_such_table_is_named(tmp_path, change):
    path = table(tmp_path / "published.csv", VAE)
    changed = change(path.read_text(encoding="utf-8"))
    path.write_bytes(changed if isinstance(changed, bytes) else changed.encode())
    with pytest.raises(UserError) as refused:
        published.numbers(path)
    assert str(refused.value).startswith(f"{path}")
    assert "\n" not in str(refused.value)


@pytest.fixture(scope="module")
def wrong(tmp_path_factory):
    """A project whose table of published numbers names a model that there is not."""
    project = copy_project(tmp_path_factory.mktemp("published") / "project")
    table(project / published.PUBLISHED, VAE | {"model": "vea"})
    return project


@pytest.mark.parametrize(
    "command",
    [
        ["snakemake", "-n", "--configfile", "config/quick.yaml"],
        ["snakemake", "--cores", "1", "data", "--configfile", "config/quick.yaml"],
        ["latentgrid", "plan", "--configfile", "config/quick.yaml"],
    ],
)
def test_a_wrong_published_number_is_named_before_anything_starts(wrong, command):
    done = call(wrong, *command)
    assert done.returncode == 1
    expected = "error: reference/published.csv, line 2, column model: found 'vea'; allowed: aae, "
    assert done.stderr.splitlines()[-1].startswith(expected)
    assert not (wrong / "results").exists()
    assert not (wrong / "data").exists()
