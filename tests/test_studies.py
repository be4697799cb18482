"""What a study's files may hold, and what is made of them: read, or refused in one line."""

import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import cases, end_of, spoilt
from latentgrid.errors import UserError
from latentgrid.grid.reading import check
from latentgrid.studies import reading
from latentgrid.studies.expressions import MAX_LENGTH, evaluate, names_in
from latentgrid.verdicts import comparisons, numbers
from latentgrid.verdicts.answers import claims_table
from latentgrid.verdicts.evidence import Evidence
from latentgrid.verdicts.measuring import TEST_IMAGES

STUDY = """\
title: A paper
authors: [A. Author, B. Author]
year: 2024
place: A journal
aliases: [small]
dataset: mnist
seeds: [0, 1, 2]
settings: [latent_dim, learning_rate]
trained: {optimizer: adam, epochs: 5, batch_size: 100}
names:
  model: {VAE: vae_bce, NVAE: null}
  optimizer: {sgd: adadelta}
tables:
  "1": {shows: losses}
  "2": {shows: codes, open: under-specified, because: no settings are published}
quantities:
  loss:
    called: a loss
    unit: nats
    measure: test_loss
    epoch: last
    relative: 0.02
    better: smaller
    least: 0
    excess: {value: 2 * latent_dim, because: a constant}
  codes:
    called: a silhouette
    unit: silhouette
    measure: silhouette
    absolute: 0.01
    better: larger
    least: -1
    most: 1
claims:
  more:
    says: More dimensions help.
    place: section 1
    comparisons:
      - side: {latent_dim: 20}
        rival: {latent_dim: 2}
        among: {model: VAE}
        alike: [learning_rate]
        by: test_loss
        better: smaller
        published_as: loss
        unit: nats
statements:
  - about: the batch
    said: {text: 100, code: 128}
    holds: code
calculations:
  - {place: section 1, says: all settings, printed: "2", equals: 1 + 1}
"""
NUMBERS = """\
table,model,latent_dim,learning_rate,quantity,unit,value,spread
1,VAE,2,0.001,loss,nats,141.2,0.3
1,VAE,20,0.001,loss,nats,1.0120e+2,
1,NVAE,20,0.001,loss,nats,80,
2,VAE,,,codes,silhouette,0.1475,
"""
CYRILLIC = "\u0430dam"


@pytest.fixture
def folder(tmp_path):
    return a_study(tmp_path / "author-2024")


def a_study(folder, study=STUDY, numbers=NUMBERS):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.yaml").write_text(study, encoding="utf-8")
    (folder / "numbers.csv").write_text(numbers, encoding="utf-8")
    return folder


def refused(folder, *named):
    """Return what is said of a study: one line that names all of these."""
    said = end_of("studies", lambda: reading.read(folder), *named)
    assert said is not None, "it was read"
    assert "\n" not in said, said
    return said


def changed(text, old, new):
    assert text.count(old) == 1, old
    return text.replace(old, new)


# A study that is right.


def test_what_stands_in_the_files_is_what_is_read(folder):
    study = reading.read(folder)
    assert study.name == "author-2024"
    assert study.citation == "A. Author, B. Author (2024). A paper. A journal."
    first, second, foreign, codes = study.numbers
    trained = {"optimizer": "adam", "epochs": 5, "batch_size": 100}
    assert first.settings == trained | {"latent_dim": 2, "learning_rate": 0.001}
    assert first.setting == "latent_dim=2, learning_rate=0.001"
    assert (first.ours, first.value, first.spread, first.line) == ("vae_bce", 141.2, 0.3, 2)
    assert (second.printed, second.value, second.spread) == ("1.0120e+2", 101.2, None)
    assert (foreign.ours, foreign.settings["latent_dim"]) == (None, 20)
    assert (codes.settings, codes.printed_settings, codes.setting) == ({}, {}, "")
    assert [study.excess(number) for number in study.numbers] == [4, 40, 40, 0]
    assert study.files == [folder / "study.yaml", folder / "numbers.csv"]


@pytest.mark.parametrize(
    ("printed", "resolution"),
    [
        ("2.1808e+6", 100),
        ("0.1475", 0.0001),
        ("80", 1),
        ("80.", 1),
        ("80.0", 0.1),
        ("-.5", 0.1),
        ("1E3", 1000),
        ("1.50e-3", 1e-5),
        ("0", 1),
    ],
)
def test_the_resolution_is_one_unit_of_the_last_printed_digit(tmp_path, printed, resolution):
    study = changed(STUDY, "    least: 0\n", "")
    numbers = changed(NUMBERS, "141.2", printed)
    number = reading.read(a_study(tmp_path / "a", study, numbers)).numbers[0]
    assert (number.value, number.printed) == (float(printed), printed)
    assert number.resolution == pytest.approx(resolution, rel=1e-12)


@pytest.mark.parametrize(
    ("encoding", "ends"), [("utf-8-sig", "\n"), ("utf-8", "\r\n"), ("utf-8-sig", "\r\n")]
)
def test_byte_order_marks_and_line_ends_of_windows_are_no_mistake(folder, encoding, ends):
    expected = reading.read(folder)
    for name, text in (("study.yaml", STUDY), ("numbers.csv", NUMBERS)):
        (folder / name).write_bytes(text.replace("\n", ends).encode(encoding))
    assert reading.read(folder) == expected


def test_lines_are_counted_with_line_ends_of_windows_too(folder):
    text = changed(STUDY, "better: larger", "better: greater").replace("\n", "\r\n")
    (folder / "study.yaml").write_bytes(text.encode("utf-8-sig"))
    assert "study.yaml, line 31: quantities.codes.better: found 'greater'" in refused(folder)


def test_a_study_without_tables_needs_no_numbers(tmp_path):
    text = "title: A\nauthors: []\nyear: null\nplace: B\ndataset: null\n"
    folder = a_study(tmp_path / "slides", text)
    (folder / "numbers.csv").unlink()
    study = reading.read(folder)
    assert (study.numbers, study.citation) == ((), "Unknown authors (no year). A. B.")
    assert study.files == [folder / "study.yaml"]


# study.yaml that is wrong.


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        # What issue lists name first: unknown names.
        ("VAE: vae_bce", "VAE: vea", 11, "names.model.VAE: found 'vea'; allowed: null, aae, "),
        ("{model: VAE}", "{model: vea}", 41, "model: found 'vea'; allowed: VAE, NVAE, aae, "),
        ("published_as: loss", "published_as: lost", 45, "found 'lost'; allowed: loss, codes"),
        ("latent_dim: 20}", "latent_dims: 20}", 39, "found 'latent_dims'; allowed: "),
        ("dataset: mnist", "dataset: minst", 6, "dataset: found 'minst'; allowed: celeba, "),
        ("dataset: mnist", "dataset: null", 6, "dataset: found nothing; allowed: celeba, "),
        ("settings: [latent_dim,", "settings: [latent,", 8, "found 'latent'; allowed: "),
        ("alike: [learning_rate]", "alike: [rate]", 42, "found 'rate'; allowed: "),
        ("  optimizer: {sgd", "  seed: {sgd", 12, "found 'seed'; allowed: model, latent_dim, "),
        ("epochs: 5,", "epoch: 5,", 9, "trained.epoch: found 'epoch'; allowed: "),
        ("holds: code", "holds: table", 50, "holds: found 'table'; allowed: text, code"),
        ("2 * latent_dim", "2 * optimizer", 25, "found 'optimizer'; allowed: batch_size, "),
        (
            "relative: 0.02",
            "relative: 0.02\n    scale: 1 / pixel",
            23,
            "scale: found 'pixel'; allowed: ",
        ),
        ("equals: 1 + 1", "equals: n + 1", 52, "equals: found 'n'; allowed: numbers"),
        # A claim on nothing.
        ("latent_dim: 2}", "latent_dim: 50}", 39, "is a claim on nothing: numbers.csv has no "),
        ("rival: {latent_dim: 2}", "rival: {latent_dim: 20}", 39, "side and rival are the same"),
        ("{model: VAE}", "{latent_dim: 2}", 39, "latent_dim stands in among and in a side"),
        ("alike: [learning_rate]", "alike: [latent_dim]", 39, "latent_dim is to be alike, and "),
        # Values that fit no run.
        ("epochs: 5,", "epochs: five,", 9, "trained.epochs: found 'five'; allowed: a whole "),
        ("epochs: 5,", 'epochs: "5",', 9, "trained.epochs: found '5'; allowed: a whole number"),
        ("optimizer: adam,", "optimizer: adamm,", 9, "found 'adamm'; allowed: sgd, adadelta, "),
        ("optimizer: adam,", f"optimizer: {CYRILLIC},", 9, f"found '{CYRILLIC}'; allowed: "),
        ("sgd: adadelta", "sgd: adadelat", 12, "names.optimizer.sgd: found 'adadelat'; allowed: "),
        ("latent_dim: 20}", "latent_dim: twenty}", 39, "found 'twenty'; allowed: a whole number"),
        ("latent_dim: 20}", "latent_dim: []}", 39, "found []; allowed: a value, or a list"),
        ("latent_dim: 20}", "latent_dim: [20, 0]}", 39, "found 0; allowed: a whole number"),
        ("latent_dim: 20}", "latent_dim: .nan}", 39, "found nan; allowed: a whole number"),
        ("latent_dim: 20}", "latent_dim: {a: 2}}", 39, "found {'a': 2}; allowed: a value, or a"),
        ("{model: VAE}", "{model: [[VAE]]}", 41, "found [['VAE']]; allowed: a value, or a list"),
        ("VAE: vae_bce", "VAE: [vae_bce]", 11, "found ['vae_bce']; allowed: a value"),
        # Types, and oddities of YAML.
        ("title: A paper", "title: 2024", 1, "title: found 2024; allowed: "),
        ("title: A paper", "title:", 1, "title: found nothing; allowed: "),
        ("title: A paper", "tittle: A paper", 1, "title: is missing"),
        ("title: A paper", 'title: "A\\npaper"', 1, "found 'A\\npaper'; not a line of text"),
        ("title: A paper", 'title: "A\\e[31m"', 1, "not a line of text"),
        ("title: A paper", 'title: "  "', 1, "not a line of text"),
        ("year: 2024", "year: 20024", 3, "year: found 20024; allowed: "),
        ("year: 2024", "year: unknown", 3, "year: found 'unknown'; allowed: "),
        ("authors: [A. Author, B. Author]", "authors: A. Author", 2, "authors: found 'A. Author'"),
        ("aliases: [small]", "aliases: [2]", 5, "aliases.0: found 2; allowed: "),
        ("seeds: [0, 1, 2]", "seeds: []", 7, "seeds: found []"),
        ("seeds: [0, 1, 2]", "seeds: [0, 0]", 7, "seeds: found [0, 0]"),
        ("seeds: [0, 1, 2]", "seeds: 3", 7, "seeds: found 3"),
        ('  "1": {', "  1: {", 14, "tables.1: a key must be a text; put it in quotes"),
        ('  "1": {', "  1.10: {", 14, "tables.1.1: a key must be a text"),
        ('  "1": {', "  true: {", 14, "a key must be a text"),
        ("  model: {", "  true: {", 11, "a key must be a text"),
        ("place: A journal", "place: A journal\nyes: 1", 5, "yes: unknown key"),
        ("place: A journal", "place: A journal\ntrue: 1", 5, "a key must be a text"),
        ("place: A journal", "place: A journal\n1: 1", 5, "1: a key must be a text"),
        ("{shows: losses}", "{shows: losses, open: maybe}", 14, "open: found 'maybe'; allowed: "),
        ("open: under-specified, ", "", 15, "open and because stand together or not at all"),
        ("better: larger", "better: larger\n    epochs: 3", 32, "epochs: unknown key"),
        ("better: larger", "better: more", 31, "better: found 'more'; allowed: "),
        ("epoch: last", "epoch: 5", 21, "epoch: found 5; allowed: "),
        ("relative: 0.02", "relative: -1", 22, "relative: found -1; allowed: "),
        ("relative: 0.02", "relative: true", 22, "relative: found True"),
        ("relative: 0.02", "relative: .inf", 22, "relative: found inf; allowed: "),
        ("relative: 0.02", "relative: 2", 22, "relative: found 2; allowed: "),
        ("relative: 0.02", "relative: 0", 17, "needs relative or absolute, how far"),
        ("most: 1", "most: -2", 26, "least is larger than most"),
        ("2 * latent_dim", "9**9**9", 25, "excess.value: found '9**9**9'"),
        ("2 * latent_dim", "__import__('os')", 25, "excess.value: found "),
        ('printed: "2"', "printed: 2.10", 52, "printed: found 2.1; allowed: "),
        ('printed: "2"', 'printed: "2,5"', 52, "printed: found '2,5'; allowed: a number in plain"),
        ("said: {text: 100, code: 128}", "said: {text: 100}", 49, "said: found {'text': 100}"),
        ("code: 128", 'code: "1\\n2"', 49, "found '1\\n2'; not a line of text"),
        ("code: 128", "code: .nan", 49, "found nan; allowed: a line of text, or a number"),
        ("code: 128", f"code: 1{'0' * 400}", 49, "allowed: a line of text, or a number"),
        ("alike: [learning_rate]", "alike: learning_rate", 42, "alike: found 'learning_rate'"),
        ("rival: {latent_dim: 2}", "rival: other", 40, "rival: found 'other'; allowed: "),
        ("rival: {latent_dim: 2}", "rival: {}", 40, "allowed: settings with a value or a list of"),
        ("rival: {latent_dim: 2}", "rival: {1: 2}", 40, "rival: found {1: 2}; allowed: settings"),
        ("rival: {latent_dim: 2}", "rival: {latent_dim: []}", 40, "rival: found "),
        ("tables:", "built: {VAE: {width: 5}}\ntables:", 13, "built.VAE.width: found 'width'; "),
        (
            "tables:",
            "built: {VAE: {hidden: wide}}\ntables:",
            13,
            "built.VAE.hidden: found 'wide'; ",
        ),
        ("tables:", "built: {GAN: {hidden: 5}}\ntables:", 13, "built.GAN: found 'GAN'; allowed: "),
        ("    comparisons:", "    compare:", 38, "claims.more.compare: unknown key"),
        ("    says: More", "    open: b\n    says: More", 35, "claims.more: found"),
    ],
)
def test_what_is_wrong_in_study_yaml_is_named_with_its_line(tmp_path, old, new, line, words):
    count = STUDY.count(old)
    assert count >= 1, old
    folder = a_study(tmp_path / "a", STUDY.replace(old, new, 1))
    said = end_of("studies", lambda: reading.read(folder), f"{folder / 'study.yaml'}, line ")
    assert said is not None
    assert f"study.yaml, line {line}: " in said
    assert words in said


def test_two_mistakes_are_two_lines(folder):
    text = changed(STUDY, "better: larger", "better: more")
    (folder / "study.yaml").write_text(changed(text, "epoch: last", "epoch: first"))
    said = end_of("studies", lambda: reading.read(folder))
    assert [line.strip().split(":")[1] for line in said.removeprefix("error: ").split("\n")] == [
        " quantities.loss.epoch",
        " quantities.codes.better",
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "must hold keys and values, not nothing"),
        (b"- a\n", "must hold keys and values, not ['a']"),
        (b"title: [\n", "is not valid YAML in line 2"),
        (b"a: 1\na: 2\n", "is not valid YAML in line 2: found duplicate key"),
        (b"title: caf\xe9\n", "is not a text file in UTF-8 (invalid continuation byte in line 1)"),
        (b"a: 1\n\xff\n", "in line 2)"),
        (STUDY.encode("utf-16"), "is not a text file in UTF-8"),
        (STUDY.encode().replace(b"A paper", b"\x00"), "is not valid YAML"),
        (b"title: !!python/object:os.system x\n", "is not valid YAML"),
        (b"a: " + b"[" * 3000 + b"]" * 3000, "is not valid YAML"),
        (b"claims: &a {b: *a}\n", "study.yaml, line "),
        (STUDY.replace("losses", "*it").encode(), "is not valid YAML in line 14"),
        (
            b"a: &a [x, x, x, x, x, x, x, x]\n"
            + b"".join(
                b"%c: &%c [%s]\n" % (n, n, b", ".join([b"*%c" % (n - 1)] * 8))
                for n in range(98, 108)
            ),
            "title: is missing",
        ),
    ],
    ids=range(13),
)
def test_what_is_no_study_at_all_is_named(folder, content, words):
    (folder / "study.yaml").write_bytes(content)
    said = end_of("studies", lambda: reading.read(folder), str(folder / "study.yaml"))
    assert words in said


# numbers.csv that is wrong.


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("1,VAE,2,", "3,VAE,2,", 2, "column table: found '3'; allowed: 1, 2, the tables of"),
        ("1,VAE,2,", "1,VEA,2,", 2, "column model: found 'VEA'; allowed: VAE, NVAE, aae, "),
        ("1,VAE,2,", "1,,2,", 2, "column model: found nothing; allowed: "),
        ("1,VAE,2,", "1, VAE,2,", 2, "column model: found ' VAE'; allowed: a text without spaces"),
        ("1,VAE,2,", "1,V\u200bAE,2,", 2, r"column model: found 'V\u200bAE'; allowed: a text"),
        ("1,VAE,2,", "1,V\u0410E,2,", 2, "column model: found 'V\u0410E'; allowed: VAE"),
        ("1,VAE,2,", "1,VAE,\uff12,", 2, "column latent_dim: found '\uff12'; allowed: a text"),
        ("1,VAE,2,", "1,VAE,2.5,", 2, "column latent_dim: found '2.5'; allowed: a whole number"),
        ("1,VAE,2,", "1,VAE,0,", 2, "column latent_dim: found '0'; allowed: a whole number"),
        ("1,VAE,2,", "1,VAE,1_0,", 2, "column latent_dim: found '1_0'; allowed: a whole number"),
        ("1,VAE,2,", "1,VAE,,", 2, "column latent_dim: found nothing; allowed: a whole number"),
        ("1,VAE,2,", "1,VAE,1e999,", 2, "column latent_dim: found '1e999'; allowed: a whole"),
        ("2,0.001", "2,-0.1", 2, "column learning_rate: found '-0.1'; allowed: a number above 0"),
        ("2,0.001", "2,nan", 2, "column learning_rate: found 'nan'; allowed: a number above 0"),
        ("2,VAE,,,", "2,VAE,2,,", 5, "column latent_dim: found '2'; allowed: nothing, as the"),
        ("codes,silhouette", "code,silhouette", 5, "found 'code'; allowed: loss, codes, the"),
        ("codes,silhouette", "codes,nats", 5, "column unit: found 'nats'; allowed: silhouette"),
        ("141.2", "many", 2, "column value: found 'many'; allowed: a number in plain digits"),
        ("141.2", "", 2, "column value: found nothing; allowed: a number in plain digits"),
        ("141.2", "0x10", 2, "column value: found '0x10'"),
        ("141.2", "1_000", 2, "column value: found '1_000'"),
        ("141.2", "\u221214", 2, "column value: found '\u221214'"),
        ("141.2", "nan", 2, "column value: found 'nan'"),
        ("141.2", "inf", 2, "column value: found 'inf'"),
        ("141.2", "1e999", 2, "column value: found '1e999'; allowed: a number from 0 to inf"),
        ("141.2", "1e-999", 2, "column value: found '1e-999'; allowed: a number that is not too"),
        ("141.2", "-1", 2, "column value: found '-1'; allowed: a number from 0 to inf"),
        ("0.1475", "1.5", 5, "column value: found '1.5'; allowed: a number from -1 to 1"),
        ("141.2,0.3", "141.2,-0.3", 2, "column spread: found '-0.3'; allowed: what is printed"),
        ("141.2,0.3", "141.2,1e999", 2, "column spread: found '1e999'"),
        ("141.2,0.3", '"141,2",0.3', 2, "column value: found '141,2'"),
        ("141.2,0.3", "141,2,0.3", 2, "must have 8 cells"),
        ("141.2,0.3", "141.2", 2, "must have 8 cells"),
        ("141.2,0.3", '"141.2"x,0.3', 2, "is no table in CSV: "),
        ("141.2,0.3", '"141.2,0.3', 5, "is no table in CSV: "),
        ("0.1475", "0.1475\x00", 5, r"column value: found '0.1475\x00'"),
        ("unit,value", "units,value", 1, "found table, model, "),
        ("unit,value", "unit,unit", 1, "found table, model, "),
        ("value,spread", "value,spread,note", 1, "each once, and spread"),
        # A space before a name would not be seen.
        ("value,spread", "value, spread", 1, "' spread'"),
        ("value,spread", "value,\x1b[31m", 1, r"\x1b[31m"),
        (NUMBERS, "", 1, "found nothing; allowed: table, model, quantity, unit, value, latent_dim"),
        # Two values for one setting.
        ("1,VAE,20,", "1,VAE,2,", 3, "line 2 has a value for this table, model, setting and"),
        ("1,VAE,20,", "1,VAE,2.0,", 3, "line 2 has a value for this table, model, setting and"),
        ("1,VAE,20,0.001", "1,vae_bce,2,1e-3", 3, "line 2 has a value for this table, model"),
    ],
)
def test_what_is_wrong_in_numbers_csv_is_named_with_its_line(tmp_path, old, new, line, words):
    folder = a_study(tmp_path / "a", numbers=changed(NUMBERS, old, new))
    said = refused(folder, f"{folder / 'numbers.csv'}, line {line}")
    assert words in said


@pytest.mark.parametrize(
    ("content", "line"),
    [(NUMBERS.encode().replace(b"loss", b"l\xf6ss"), 2), (NUMBERS.encode("utf-16"), 1)],
)
def test_another_encoding_is_named_with_its_line(folder, content, line):
    (folder / "numbers.csv").write_bytes(content)
    assert f"numbers.csv, line {line}: is no text in UTF-8" in refused(folder)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (", epochs: 5", "", "vae_bce needs epochs; name it in settings or trained of study.yaml"),
        (", batch_size: 100", "", "a value without its setting: vae_bce needs batch_size"),
        ("optimizer: adam,", "optimizer: adam_000,", "vae_bce cannot have the optimizer that"),
        ("2 * latent_dim", "2 / (latent_dim - 2)", "the excess of loss: float division by zero"),
        ("2 * latent_dim", "10 ** (100 * latent_dim)", "the excess of loss: an exponent is too"),
        ("2 * latent_dim", "(1 - latent_dim) ** 0.5", "the excess of loss: it has no real value"),
        ("2 * latent_dim", "1e308 * latent_dim", "the excess of loss: it has no finite value"),
        (
            "\ntables:",
            "\nbuilt: {VAE: {hidden: [300, 400]}}\ntables:",
            "VAE is built with several values of hidden, and a number is of one; make hidden a",
        ),
    ],
)
def test_a_value_that_study_yaml_leaves_open_is_named_with_its_line(tmp_path, old, new, words):
    said = refused(a_study(tmp_path / "a", changed(STUDY, old, new)))
    assert "numbers.csv, line 2: " in said
    assert words in said


def test_a_model_may_be_built_in_several_ways_where_no_number_hangs_on_it(tmp_path):
    several = changed(STUDY, "\ntables:", "\nbuilt: {VAE: {latent_dim: [2, 20]}}\ntables:")
    assert reading.read(a_study(tmp_path / "a", several)).built("vae_bce") == {
        "latent_dim": [2, 20]
    }


def test_the_studys_name_of_what_all_was_trained_with_is_ours(tmp_path):
    study = changed(STUDY, "optimizer: adam,", "optimizer: sgd,")
    numbers = reading.read(a_study(tmp_path / "a", study)).numbers
    assert numbers[0].settings["optimizer"] == "adadelta"


# What is no file, no folder, or has an unfit name.


def test_a_folder_in_place_of_a_file_is_named(folder):
    for name in ("numbers.csv", "study.yaml"):
        (folder / name).unlink()
        (folder / name).mkdir()
        assert "Is a directory" in refused(folder, str(folder / name))


def test_a_table_without_numbers_is_named(folder):
    (folder / "numbers.csv").unlink()
    assert "No such file" in refused(folder, str(folder / "numbers.csv"))


@pytest.mark.skipif(
    os.geteuid() == 0, reason="root may read any file; run this test as another user"
)
def test_what_may_not_be_read_is_named(folder):
    for name in ("numbers.csv", "study.yaml"):
        (folder / name).chmod(0)
        assert "Permission denied" in refused(folder, str(folder / name))


@pytest.mark.parametrize("name", ["Author-2024", "author_2024", "2024", "a--b", "-a", "a b", "ä"])
def test_an_unfit_name_of_a_folder_is_refused(tmp_path, name):
    assert "unfit name; allowed: lower-case" in refused(a_study(tmp_path / name), name)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_study_is_found_by_name_alias_and_path(here):
    folder = a_study(here / "studies" / "author-2024")
    elsewhere = a_study(here / "own" / "other-2024", changed(STUDY, "[small]", "[]"))
    for name in ("author-2024", "small", "studies/author-2024", str(folder), f"{folder}/"):
        assert reading.load(name).name == "author-2024"
    assert reading.load("own/other-2024").numbers == reading.load(str(elsewhere)).numbers
    assert [study.name for study in reading.chosen("all")] == ["author-2024"]
    assert len(reading.chosen(["small", "own/other-2024"])) == 2
    (here / "own" / "linked-2024").symlink_to(folder)
    assert reading.load("own/linked-2024").name == "author-2024"


@pytest.mark.parametrize("name", ["nothing", "", "../x", "x" * 300, "a\0b", "~", "all", "*", "é"])
def test_a_study_that_is_not_there_is_refused(here, name):
    a_study(here / "studies" / "author-2024")
    said = end_of("studies", lambda: reading.load(name), "allowed: all, or a list of author-2024")
    assert said.startswith("error: studies: found ")


@pytest.mark.parametrize(
    ("named", "called"),
    [
        (["author-2024", "own/author-2024"], "author-2024"),
        (["author-2024", "own/other-2024"], "small"),
        (["author-2024", "own/third-2024"], "author-2024"),
    ],
)
def test_two_studies_of_one_name_or_alias_are_refused(here, named, called):
    a_study(here / "studies" / "author-2024")
    a_study(here / "own" / "author-2024", changed(STUDY, "[small]", "[]"))
    a_study(here / "own" / "other-2024")
    a_study(here / "own" / "third-2024", changed(STUDY, "[small]", "[author-2024]"))
    words = f"are both called {called}; name only one"
    assert words in end_of("studies", lambda: reading.chosen(named))


@pytest.mark.parametrize("again", ["author-2024", "small"])
def test_a_study_that_is_named_twice_is_refused(here, again):
    a_study(here / "studies" / "author-2024")
    (here / "studies/author-2024/claims").mkdir()
    (here / "studies/author-2024/claims/a_claim.py").touch()
    named = ["author-2024", again]
    raw = {"dataset": "digits", "models": {"pca": {"latent_dim": 2}}, "studies": named}
    for read in (lambda: reading.chosen(named), lambda: check(raw, "params.yaml")):
        assert "studies/author-2024 is named twice" in end_of("studies", read)


def test_an_alias_of_two_studies_is_refused(here):
    for name in ("author-2024", "other-2024"):
        a_study(here / "studies" / name)
    said = end_of("studies", lambda: reading.load("small"))
    assert "'small' is an alias of studies/author-2024 and studies/other-2024" in said
    assert "are both called small" in end_of("studies", lambda: reading.chosen("all"))


def test_a_claim_that_a_file_answers_too_is_refused(folder):
    (folder / "claims").mkdir()
    (folder / "claims" / "more.py").touch()
    assert "line 35: claims.more: " in refused(folder, "more.py answers it too; leave one")


# Whatever stands in the files.


@given(spoilt(STUDY.encode()))
@cases(60)
def test_a_spoilt_study(tmp_path, content):
    folder = a_study(tmp_path / "a")
    (folder / "study.yaml").write_bytes(content)
    end_of("studies", lambda: reading.read(folder), str(folder))


@given(spoilt(NUMBERS.encode()))
@cases(60)
def test_spoilt_numbers(tmp_path, content):
    folder = a_study(tmp_path / "a")
    (folder / "numbers.csv").write_bytes(content)
    end_of("studies", lambda: reading.read(folder), str(folder))


WORDS = [
    *("null", "true", "1", "-1", ".nan", ".inf", "1e999", "[]", "{}", "[[1]]", "{a: {b: c}}"),
    *("'x'", "2020-01-01", "'\\u202e'", "!!binary aGk=", "!!set {a}", "&x [*x]", "0o17"),
    "'9**9**9'",
]
ODD = st.sampled_from(WORDS) | st.integers().map(str)
KEYS = [line for line in STUDY.splitlines() if line.rstrip().endswith((":",)) or ": " in line]


@given(st.sampled_from(KEYS), ODD)
@cases(120)
def test_another_value_of_any_key(tmp_path, line, value):
    lines = STUDY.splitlines()
    number = lines.index(line)
    lines[number] = f"{line.partition(': ')[0].rstrip(':')}: {value}"
    if line.endswith(":"):  # what stood below it goes too
        indent = len(line) - len(line.lstrip())
        below = lines[number + 1 :]
        rest = next(
            (n for n, b in enumerate(below) if len(b) - len(b.lstrip()) <= indent), len(below)
        )
        lines[number + 1 :] = below[rest:]
    folder = a_study(tmp_path / "a", "\n".join(lines) + "\n")
    end_of("studies", lambda: reading.read(folder), str(folder))


# Arithmetic.


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1", 1),
        (" 2 * latent_dim ", 40),
        ("0.5 * (batch_size - 1) * latent_dim * 600", 594_000),
        ("-latent_dim ** 2", -400),
        ("2 ** -1", 0.5),
        ("1e3 / 4 - 1", 249),
        ("batch_size / latent_dim", 5),
    ],
)
def test_arithmetic_has_its_value(expression, value):
    assert evaluate(expression, {"latent_dim": 20, "batch_size": 100}) == value


def test_the_names_of_an_expression_are_those_that_it_needs():
    assert names_in("a * (b - 2) ** a") == {"a", "b"}


@pytest.mark.parametrize(
    "expression",
    [
        *("", " ", "1 +", "(", ")", "1, 2", "a = 1", "lambda: 1", "a if a else a", "[a]", "a[0]"),
        *("a.b", "a()", "__import__('os')", "().__class__", "'a'", "b'a'", "True", "None", "1j"),
        *("a < 1", "a and a", "not a", "~a", "+a", "a // 2", "a % 2", "a @ a", "1 << 9", "f'{a}'"),
        *("9**9**9", "a ** 101", "2.0 ** 1e9", "10.0 ** 99 ** 2", "1e308 * 10", "1e999", "0 ** -1"),
        *("1 / 0", "1 / (a - 1)", "(0 - a) ** 0.5", "b", "a\0", "(" * 500, "-" * 5000 + "1"),
        *(
            "1" + "+1" * 5000,
            "9" * 5000,
            "(" * 150 + "1" + ")" * 150 + "+" * 20,
            "a\nb",
            "*a",
            "a:=1",
        ),
        "print(1)  # a comment",
    ],
)
def test_what_is_no_arithmetic_or_has_no_value_is_refused(expression):
    with pytest.raises(ValueError) as caught:
        evaluate(expression, {"a": 1.0})
    assert len(str(caught.value)) < 200
    assert "\n" not in str(caught.value)


def test_the_longest_expressions_nest_no_deeper_than_python_follows():
    for expression in ("-" * (MAX_LENGTH - 1) + "1", "1" + "+1" * ((MAX_LENGTH - 1) // 2)):
        assert abs(evaluate(expression, {})) >= 1


@given(st.text(alphabet="0123456789aef.+-*/() _", max_size=30))
@cases(150)
def test_whatever_is_written_has_a_finite_value_or_is_refused(expression):
    try:
        value = evaluate(expression, {"a": 2.0, "e": -0.5})
    except ValueError:
        return
    assert isinstance(value, float)
    assert abs(value) < float("inf")


# Lines.


def test_the_line_is_that_of_the_key_or_of_the_last_one_there_is(folder):
    def line(*place):
        return reading.line_of(folder / "study.yaml", place)

    assert line("title") == 1
    assert line("claims", "more", "comparisons", 0) == 39
    assert line("claims", "more", "comparisons", 0, "among", "model") == 41
    assert line("claims", "more", "nothing") == 35
    assert line("claims", "more", "comparisons", 7) == 38
    assert line("nothing") == line() == 1
    (folder / "study.yaml").write_text("a: [\n")
    assert line("a") == 1


# Claims on runs made by hand.


def a_claim(tmp_path, **changes):
    """Return a study whose only claim is one comparison, changed by key; None drops the key."""
    comparison = {"side": "{latent_dim: 20}", "rival": "{latent_dim: 2}", "among": "{model: VAE}"}
    comparison |= {"alike": "[learning_rate]", "by": "test_loss", "better": "smaller"}
    comparison |= {"unit": "nats"} | changes
    said = ", ".join(f"{key}: {value}" for key, value in comparison.items() if value)
    start, end = STUDY.index("      - side:"), STUDY.index("statements:")
    text = f"{STUDY[:start]}      - {{{said}}}\n{STUDY[end:]}"
    return reading.read(a_study(tmp_path / "author-2024", text))


def some_runs(losses, model="vae_bce", **same):
    """Return finished runs with the given losses by latent dimension, one a seed."""
    rows = [
        {"run": f"{model}/{d}/{seed}", "model": model, "seed": seed, "latent_dim": d}
        | {"learning_rate": 0.001, "optimizer": "adam", "planned_epochs": 5, "batch_size": 100}
        | {"precision": "float32", "status": "finished", "test_loss": loss}
        | same
        for d, of_seeds in losses.items()
        for seed, loss in enumerate(of_seeds)
    ]
    return pd.DataFrame(rows)


def examined(study, runs):
    (part,) = comparisons.examine(study, study.facts.claims["more"], runs)
    return part


TWO = {2: [10.0, 12.0], 20: [8.0, 9.0]}


@pytest.mark.parametrize(
    ("changes", "effects"),
    [
        ({}, [2, 3]),
        ({"better": "larger"}, [-2, -3]),
        ({"as_share": "true"}, np.log([10 / 8, 12 / 9])),
        ({"as_share": "true", "better": "larger"}, np.log([8 / 10, 9 / 12])),
        ({"side": "{latent_dim: 2}", "rival": "{latent_dim: 20}"}, [-2, -3]),
        ({"alike": None}, [2, 3]),
        ({"alike": "[learning_rate, epochs, batch_size]"}, [2, 3]),
        ({"among": None}, [2, 3]),
        ({"side": "{latent_dim: [20, 50]}"}, [2, 3]),
        ({"rival": "others"}, [2, 3]),
        ({"among": "{model: NVAE}"}, []),
        ({"among": "{model: vae}"}, []),
        ({"by": "silhouette"}, []),
        ({"side": "{latent_dim: 50}"}, []),
        ({"alike": "[components]"}, []),
    ],
)
def test_an_effect_is_the_mean_over_pairs_of_a_seed_and_positive_where_the_side_is_better(
    tmp_path, changes, effects
):
    part = examined(a_claim(tmp_path, **changes), some_runs(TWO))
    assert part.effect.values == pytest.approx(effects)
    assert len(part.used) == (4 if len(effects) else 0)


@pytest.mark.parametrize("better", ["smaller", "larger"])
def test_shares_of_ratios_that_cancel_out_speak_for_neither_side(tmp_path, better):
    """Half the rival's loss at one setting and twice it at another: neither side is better."""
    at_half = some_runs({2: [2.0, 2.2, 2.4], 20: [1.0, 1.1, 1.2]}, learning_rate=0.01)
    twice = some_runs({2: [1.0, 1.1, 1.2], 20: [2.0, 2.2, 2.4]}).assign(run=lambda of: of.run + "b")
    runs = pd.concat([at_half, twice], ignore_index=True)
    changes = {"as_share": "true", "better": better}
    there = examined(a_claim(tmp_path, **changes), runs).effect
    swapped = {"side": "{latent_dim: 2}", "rival": "{latent_dim: 20}"}
    back = examined(a_claim(tmp_path, **changes, **swapped), runs).effect
    assert there.values == back.values == pytest.approx([0, 0, 0])
    assert there.mean == pytest.approx(0)
    alone = some_runs({2: [10.0, 10.0], 20: [8.0, 8.0]})
    expected = {"smaller": 20, "larger": -20}[better]
    part = examined(a_claim(tmp_path, **changes), alone)
    assert part.effect.mean == pytest.approx(expected)


@pytest.mark.parametrize("worst", [-110.0, 0.0])
def test_a_share_of_what_is_not_above_zero_is_refused(tmp_path, worst):
    """Of −110, −100 would be 9 % less and not more."""
    runs = some_runs({2: [worst, 5.0], 20: [4.0, 4.0]})
    assert examined(a_claim(tmp_path), runs).effect.values == [worst - 4, 1]
    said = rf"study.yaml: claims.more: as_share: test_loss is {worst:g} in vae_bce/2/0, and a share"
    with pytest.raises(UserError, match=said):
        examined(a_claim(tmp_path, as_share="true"), runs)


def test_settings_that_both_sides_have_are_paired_and_averaged(tmp_path):
    slow = some_runs({2: [10.0, 10.0], 20: [8.0, 8.0]}, learning_rate=0.0001)
    fast = some_runs({2: [10.0, 10.0], 20: [4.0, 3.0]}).assign(run=lambda of: "fast/" + of["run"])
    runs = pd.concat([slow, fast], ignore_index=True)
    assert examined(a_claim(tmp_path), runs).effect.values == [4, 4.5]
    loose = a_claim(tmp_path, alike=None)
    shuffled = runs.sample(frac=1, random_state=0)
    assert (
        examined(loose, runs).effect.values == examined(loose, shuffled).effect.values == [4, 4.5]
    )


def test_a_run_that_two_entries_ask_for_counts_once(tmp_path):
    once = some_runs(TWO)
    again = once.query("latent_dim == 20 and seed == 0").assign(run="again", test_loss=1.0)
    part = examined(a_claim(tmp_path), pd.concat([once, again], ignore_index=True))
    assert part.effect.values == [2, 3]
    assert "again" not in set(part.used["run"])


def test_equal_sides_do_not_support_a_claim(tmp_path):
    study = a_claim(tmp_path)
    table = claims_table([study], some_runs({2: [7.0, 8.0, 9.0], 20: [7.0, 8.0, 9.0]}))
    assert (table["effect"].item(), table["answer"].item()) == (0, "contradicted")


def test_the_best_of_the_others_is_found_by_its_mean_in_either_direction(tmp_path):
    losses = {2: [10.0, 12.0], 20: [8.0, 9.0], 50: [1.0, 30.0], 3: [9.0, 9.0]}
    part = examined(a_claim(tmp_path, rival="others"), some_runs(losses))
    assert part.effect.values == [1, 0]
    assert part.note == "the best other is d = 3, lr 0.001; 4 settings were run"
    part = examined(a_claim(tmp_path, rival="others", better="larger"), some_runs(losses))
    assert part.note.startswith("the best other is d = 50,")
    tied = {2: [9.0, 9.0], 20: [8.0, 9.0], 3: [9.0, 9.0]}
    part = examined(a_claim(tmp_path, rival="others"), some_runs(tied))
    assert part.effect.values == [1, 0]


def test_a_setting_that_some_seeds_lack_is_not_the_best_of_the_others(tmp_path):
    """Its mean is that of the seeds in which all losses are small."""
    losses = {2: [10.0, 12.0], 20: [8.0, 9.0], 50: [1.0]}
    part = examined(a_claim(tmp_path, rival="others"), some_runs(losses))
    assert part.effect.values == [2, 3]
    said = "3 settings were run, of which 2 have all seeds"
    assert part.note == f"the best other is d = 2, lr 0.001; {said}"


def test_a_record_beside_its_run_weighs_nothing_in_the_choice_of_the_best(tmp_path):
    losses = {2: [2.0, 10.0], 50: [5.0, 6.0], 20: [1.0, 1.0]}
    runs = some_runs(losses)
    again = runs.query("latent_dim == 2 and seed == 0").assign(run="record:again")
    for every in (runs, pd.concat([runs, again], ignore_index=True)):
        part = examined(a_claim(tmp_path, rival="others"), every)
        assert part.note.startswith("the best other is d = 50,")


def test_the_best_is_found_among_runs_that_were_measured_alike(tmp_path):
    """Two silhouettes of fewer images count for nothing, however good they are."""
    runs = some_runs({2: [1.0, 1.0], 20: [8.0, 9.0], 50: [99.0, 99.0]})
    images = runs["latent_dim"].map({2: "10000", 20: "10000", 50: "100"})
    runs = runs.rename(columns={"test_loss": "silhouette"}).assign(**{TEST_IMAGES: images})
    part = examined(a_claim(tmp_path, rival="others", by="silhouette", better="larger"), runs)
    assert part.effect.values == [7, 8]
    assert part.note == (
        "the best other is d = 2, lr 0.001; 2 settings were run; left out, as their number of test "
        "images is another or not known: 2 runs"
    )


def test_the_best_of_the_others_may_lack_a_setting(tmp_path):
    """PCA takes no steps, so it has no learning rate."""
    pca = some_runs({20: [5.0, 5.0]}, "pca", learning_rate=None, batch_size=None, optimizer=None)
    study = a_claim(tmp_path, side="{model: vae_bce}", rival="others", among="{latent_dim: 20}")
    part = examined(study, pd.concat([some_runs(TWO), pca], ignore_index=True))
    assert part.effect.values == []  # the sides are to be alike in the learning rate
    study = a_claim(
        tmp_path, side="{model: vae_bce}", rival="others", among="{latent_dim: 20}", alike=None
    )
    part = examined(study, pd.concat([some_runs(TWO), pca], ignore_index=True))
    assert part.effect.values == [-3, -4]


def test_the_best_of_the_others_is_named_with_its_model_where_there_are_several(tmp_path):
    pca = some_runs({2: [5.0, 5.0]}, "pca")
    study = a_claim(tmp_path, side="{model: VAE, latent_dim: 20}", rival="others", among=None)
    part = examined(study, pd.concat([some_runs(TWO), pca], ignore_index=True))
    assert part.note.startswith("the best other is pca, d = 2,")


def test_a_model_without_epochs_is_compared_and_its_length_not_told(tmp_path):
    pca = some_runs({20: [10.0, 10.0, 10.0]}, "pca", planned_epochs=None, learning_rate=None)
    runs = pd.concat([some_runs({20: [8.0, 9.0, 8.5]}), pca], ignore_index=True)
    study = a_claim(
        tmp_path, side="{model: VAE}", rival="{model: pca}", among="{latent_dim: 20}", alike=None
    )
    (row,) = claims_table([study], runs).to_dict("records")
    assert (row["answer"], row["n"], row["epochs"]) == ("supported", 3, "5")


def test_only_the_seeds_and_the_precision_that_the_study_fixed_count(tmp_path):
    losses = {2: [10.0, 10.1, 10.2, 1.0], 20: [8.0, 8.1, 8.2, 9.0]}
    (row,) = claims_table([a_claim(tmp_path)], some_runs(losses)).to_dict("records")
    assert (row["n"], row["answer"]) == (3, "supported")
    assert "/3" not in row["runs"]
    coarse = some_runs(losses, precision="bfloat16")
    (row,) = claims_table([a_claim(tmp_path)], coarse).to_dict("records")
    assert (row["n"], row["answer"]) == (0, "not run")


def test_runs_with_a_value_whose_name_the_study_gives_to_another_are_not_compared(tmp_path):
    study = a_claim(tmp_path, among="{model: VAE, optimizer: sgd}")
    namesake = some_runs(TWO, optimizer="sgd")
    assert examined(study, namesake).effect.values == []
    assert examined(study, some_runs(TWO, optimizer="adadelta")).effect.values == [2, 3]


def test_a_table_without_runs_answers_nothing(tmp_path):
    runs = some_runs(TWO)
    for none in (runs.head(0), runs.drop(columns="latent_dim"), runs.drop(columns="test_loss")):
        part = examined(a_claim(tmp_path, rival="others"), none)
        assert (part.effect.values, part.note) == ([], "")
    (row,) = claims_table([a_claim(tmp_path)], runs.head(0)).to_dict("records")
    assert row["answer"] == "not run"


# The values of quantities in runs.

HISTORY = pd.DataFrame(
    {
        "run": ["a", "a", "a", "b", "b"],
        "epoch": [1, 2, 3, 1, 2],
        "train_loss": [5.0, 3.0, 4.0, 2.0, None],
    }
)
MEASURED = pd.DataFrame(
    {"run": ["a", "b", "c"], "silhouette": [0.1, None, 0.3], "latent_dim": [2, 20, 5]}
    | {"planned_epochs": [3, 2, 1], "batch_size": [300, None, 256], "optimizer": "adam"}
)
EVIDENCE = Evidence(MEASURED, HISTORY, {"images": 1000, "pixels": 784})


@pytest.mark.parametrize(
    ("measure", "epoch", "scale", "values"),
    [
        ("train_loss", "smallest", "1", [3, 2, None]),
        ("train_loss", "largest", "1", [5, 2, None]),
        ("train_loss", "last", "1", [4, None, None]),
        ("train_loss", None, "1", [None] * 3),
        ("test_loss", "last", "1", [None] * 3),
        ("silhouette", None, "1", [0.1, None, 0.3]),
        ("silhouette", None, "-1", [-0.1, None, -0.3]),
        ("silhouette", None, "10 * latent_dim", [2, None, 15]),
        ("silhouette", None, "epochs", [0.3, None, 0.3]),
        ("silhouette", None, "images", [100, None, 300]),
        ("train_loss", "last", "pixels / 784", [4, None, None]),
        ("train_loss", "smallest", "batches", [12, None, None]),  # 1000 images: 4 batches of 300
        ("silhouette", None, "batches", [0.4, None, 1.2]),
        ("silhouette", None, "1 / (latent_dim - 2)", [None, None, 0.1]),
        ("silhouette", None, "beta", [None] * 3),
    ],
)
def test_a_quantity_of_a_run_is_its_measure_times_its_scale(folder, measure, epoch, scale, values):
    loss = reading.read(folder).facts.quantities["loss"]
    quantity = loss.model_copy(update={"measure": measure, "epoch": epoch, "scale": scale})
    found = EVIDENCE.values(quantity, MEASURED)
    assert [None if pd.isna(one) else one for one in found] == pytest.approx(values)
    assert EVIDENCE.values(quantity, MEASURED.head(0)).empty


@pytest.mark.parametrize(
    ("scale", "values"), [("images", [1000, 900, 1000]), ("batches", [4, 3, 4])]
)
def test_a_scale_counts_the_images_that_a_run_was_trained_on(folder, scale, values):
    """A tenth of 1000 is held out, and 900 are 3 batches of 300."""
    loss = reading.read(folder).facts.quantities["loss"]
    quantity = loss.model_copy(update={"measure": "silhouette", "epoch": None, "scale": scale})
    runs = MEASURED.assign(silhouette=1.0, batch_size=300, validation=[0.0, 0.1, None])
    assert list(EVIDENCE.values(quantity, runs)) == values


def test_a_model_that_we_lack_and_a_quantity_that_nothing_measures_are_out_of_reach(folder):
    study = reading.read(folder)
    evidence = Evidence(some_runs(TWO), HISTORY, EVIDENCE.of_data)
    table = numbers.table([study], evidence)
    assert table["verdict"].tolist() == ["not run", "not run", "out of reach", "under-specified"]
    assert table["reason"].tolist()[2] == "no model here is this one"
    (folder / "study.yaml").write_text(changed(STUDY, "measure: test_loss", "measure: null"))
    table = numbers.table([reading.read(folder)], evidence)
    assert table["reason"].tolist()[0] == "nothing here measures this quantity"


@pytest.mark.parametrize(
    ("images", "n", "said"),
    [
        (["10000"] * 3, 3, ""),
        (["10000", "100", "10000"], 2, "left out, as their number of test images is"),
        ([None] * 3, 0, "left out, as their number of test images is another or not known: 3 runs"),
    ],
)
def test_only_runs_that_were_measured_alike_decide_on_a_number(folder, images, n, said):
    text = changed(STUDY, "measure: test_loss\n    epoch: last", "measure: silhouette")
    study = reading.read(a_study(folder, text))
    runs = some_runs({2: [141.0, 141.5, 142.0]}, silhouette=141.0).assign(**{TEST_IMAGES: images})
    table = numbers.table([study], Evidence(runs, HISTORY, EVIDENCE.of_data))
    row = table.iloc[0]
    assert row["n"] == n
    assert said in row["reason"]
    assert ("left out" in row["reason"]) == bool(said)


def test_numbers_of_both_sides_are_those_that_the_claim_is_on(folder):
    study = reading.read(folder)
    (comparison,) = study.facts.claims["more"].comparisons
    side, rival = study.numbers_of(comparison)
    assert [number.line for number in side] == [3]
    assert [number.line for number in rival] == [2]
    foreign = comparison.model_copy(update={"among": {"model": "NVAE"}})
    assert [[number.line for number in of] for of in study.numbers_of(foreign)] == [[4], []]
