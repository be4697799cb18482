"""Records of runs: made of a trained run, refused when they cannot be true, trained again."""

import hashlib
import json
import math
import re
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from fuzz import cases, end_of, spoilt
from latentgrid.cli import app
from latentgrid.commands import record as recording
from latentgrid.commands import records as listing
from latentgrid.commands import why
from latentgrid.commands.record import record
from latentgrid.commands.verify import compared, verify
from latentgrid.errors import UserError
from latentgrid.evaluation import measures
from latentgrid.evaluation.records import contradictions, histories, rows
from latentgrid.files.atomic import sha256, write_json
from latentgrid.files.layout import Layout
from latentgrid.files.run_files import RunFiles
from latentgrid.grid.runs import canonical
from latentgrid.results.trained import TrainedRun, load_test_set
from latentgrid.stamps import made
from latentgrid.studies import reading
from latentgrid.studies.collection import checked, look_through, read_records
from latentgrid.studies.records import MAX_BYTES, as_run, read_record
from latentgrid.training.machine import write_machine
from project import ROOT

LAYOUT = Layout("digits")
SETTINGS = {
    "model": "vae",
    "hyperparameters": {"latent_dim": 2},
    "optimizer": "adam",
    "learning_rate": 0.001,
    "epochs": 2,
    "batch_size": 200,
    "precision": "float32",
    "snapshots": {"epochs": [0, 2], "samples": 4, "manifold": 2},
    "seed": 0,
}
NAME = "vae/latent_dim=2,optimizer=adam,learning_rate=0.001/seed=0"
DIVERGES = "vae/latent_dim=2,optimizer=adam,learning_rate=10.0/seed=0"
STUDY = """
title: A study of digits
authors: [Somebody]
year: 2020
place: Nowhere
dataset: digits
settings: [latent_dim, optimizer, learning_rate]
trained: {epochs: 2, batch_size: 200}
tables: {"1": {shows: losses}}
quantities:
  loss:
    {called: a loss, unit: one, measure: train_loss, epoch: last, relative: 0.1, better: smaller}
claims:
  adam:
    says: Adam is better than RMSProp.
    place: section 1
    comparisons:
      - side: {optimizer: adam}
        rival: {optimizer: rmsprop}
        among: {model: vae}
        by: min_train_loss
        better: smaller
        unit: one
"""
NUMBERS = """table,model,latent_dim,optimizer,learning_rate,quantity,unit,value
1,vae,2,adam,0.001,loss,one,20.5
1,vae,2,adam,10.0,loss,one,21.5
"""
FOLDER = Path("studies/tiny/records/vae")
FILE = FOLDER / "latent_dim=2,optimizer=adam,learning_rate=0.001,seed=0.json"
DIVERGED = FOLDER / "latent_dim=2,optimizer=adam,learning_rate=10.0,seed=0.json"


@pytest.fixture(scope="module")
def trained(digits_file, tmp_path_factory):
    """A project with a study, the digits, and a run that finished and one that diverged."""
    from latentgrid.training.run import train_run

    project = tmp_path_factory.mktemp("project")
    shutil.copytree(digits_file.parent, project / LAYOUT.data)
    study = project / "studies" / "tiny"
    study.mkdir(parents=True)
    (study / "study.yaml").write_text(STUDY)
    (study / "numbers.csv").write_text(NUMBERS)
    for name, rate in ((NAME, 0.001), (DIVERGES, 10.0)):
        run = LAYOUT.run(name)
        files = RunFiles(project / run.folder, project / run.state)
        train_run(SETTINGS | {"learning_rate": rate}, digits_file, files, "cpu", "c" * 64)
        write_machine(files)
    return project


@pytest.fixture
def project(trained, tmp_path, monkeypatch):
    """A copy of it, to work in."""
    monkeypatch.chdir(shutil.copytree(trained, tmp_path / "project"))


@pytest.fixture
def there(project):
    """The study, with the record of the finished run in it."""
    record(NAME, None)
    return reading.load("tiny")


@pytest.fixture
def built_record(there):
    """The study, and the bytes of its record."""
    return there, FILE.read_bytes()


def content():
    """Return the plain content of the record."""
    return json.loads(FILE.read_text())


def write(told, to=FILE):
    """Write a record whose digest fits whatever it says: what a forger can do."""
    told = {name: value for name, value in told.items() if name != "sha256"}
    digest = hashlib.sha256(canonical(told).encode()).hexdigest()
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(json.dumps(told | {"sha256": digest}))
    return to


def with_history(told, change):
    """Return a record with a changed history, as if its history.csv had been such."""
    change(told["history"]["columns"], told["history"]["rows"])
    lines = [told["history"]["columns"], *told["history"]["rows"]]
    text = "".join(f"{','.join(map(str, line))}\n" for line in lines)
    told["files"]["history.csv"] = hashlib.sha256(text.encode()).hexdigest()
    return told


def faults():
    """Return what is wrong with the records, by file."""
    return {found.path: " ".join(found.faults) for found in look_through(reading.load("tiny"))}


def test_a_record_says_all_that_is_small_of_a_run(project):
    assert record(NAME, None) == f"{FILE}: recorded, finished after 2 epochs"
    assert FILE.stat().st_size < 3_000
    run, trained = read_record(FILE).run, TrainedRun(LAYOUT.run(NAME))
    assert run.history.as_csv == LAYOUT.run(NAME).history.read_text()
    assert run.files == trained.outcome.sha256
    assert run.settings.model_dump() == SETTINGS
    assert (run.dataset, run.device, run.code_digest) == ("digits", "cpu", "c" * 64)
    assert run.machine and run.machine.instructions
    assert run.measures is None  # it was not evaluated
    assert contradictions(run) == []


def test_a_row_of_a_record_is_that_of_its_run(there):
    records = read_records(there)
    row = rows(records)[0]
    test = load_test_set(LAYOUT.images)
    measured = measures.losses.measure(TrainedRun(LAYOUT.run(NAME)), test)
    assert measured.items() <= row.items()
    assert row["run"] == f"record:tiny/records/vae/{FILE.name}"
    assert {"entry": "vae", "planned_epochs": 2, "latent_dim": 2, "status": "finished"}.items() <= (
        row.items()
    )
    history = TrainedRun(LAYOUT.run(NAME)).history
    assert histories(records).drop(columns="run").equals(history)


def test_measures_are_recorded_if_a_stamp_says_by_what(project):
    files = LAYOUT.run(NAME)
    by_class = {"silhouette_classes": [0, 8], "silhouette_by_class": [0.5, 0.0], "per": [1]}
    measured = {"status": "finished", "epochs": 2, "silhouette": 0.25}
    write_json(files.metrics, measured | by_class)
    assert recording.recorded(files, "digits").measures is None
    recipe = made.Recipe({"test_images": 100}, "code", {})
    made.stamp(
        made.Product((files.metrics,), (), recipe), {str(files.outcome): sha256(files.outcome)}
    )
    run = recording.recorded(files, "digits")
    of_classes = {"silhouette of class 0": 0.5, "silhouette of class 8": 0.0}
    assert run.measures == measured | of_classes
    assert run.evaluation == {"test_images": 100}


def test_weights_need_not_be_there_but_must_fit(project):
    files = LAYOUT.run(NAME)
    files.weights.write_bytes(b"others")
    with pytest.raises(UserError, match=r"weights\.safetensors: is damaged"):
        record(NAME, None)
    files.weights.unlink()
    files.snapshots.unlink()
    assert "recorded" in record(str(files.folder), None)


def test_a_record_is_written_once(there):
    assert record(NAME, None) == f"{FILE}: is there already"
    told = content()
    write(told | {"started": "2026-01-01T00:00:00Z"})
    before = FILE.read_bytes()
    with pytest.raises(UserError, match=r"another record of this run .* differ in started; delete"):
        record(NAME, None)
    assert FILE.read_bytes() == before


def test_two_machines_may_keep_the_same_run_and_one_counts(there):
    told = content()
    write(told | {"machine": {"cpu": "another", "instructions": "AVX9"}})
    second = record(NAME, None).removesuffix(": recorded, finished after 2 epochs")
    assert Path(second).name.startswith(f"{FILE.stem},")
    assert record(NAME, None) == f"{second}: is there already"
    first, other = look_through(there)
    assert (first.path, first.note, first.faults) == (FILE, "", [])
    assert "does not count: " in other.note
    assert other.faults == []
    assert [one.path for one in read_records(there)] == [FILE]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda files: files.outcome.unlink(), "is no finished run, as it has no outcome.json"),
        (lambda files: files.timing.unlink(), r"timing\.json: is damaged \(it is missing"),
        (lambda files: files.history.write_text("epoch\n"), r"history\.csv: is damaged"),
        (lambda files: files.outcome.write_text("{"), r"outcome\.json: is damaged"),
        (lambda files: shutil.rmtree(files.folder), "is no folder of a run, nor the name of one"),
        (lambda files: shutil.rmtree("data"), "images .* that are of no data set in data"),
    ],
)
def test_what_is_no_whole_run_is_refused(project, spoil, words):
    spoil(LAYOUT.run(NAME))
    with pytest.raises(UserError, match=words) as refused:
        record(NAME, None)
    assert "\n" not in str(refused.value)
    assert not FOLDER.exists()


def test_a_run_that_serves_no_study_is_refused(project):
    Path("studies/tiny/numbers.csv").write_text(NUMBERS.replace("adam", "rmsprop"))
    study = Path("studies/tiny/study.yaml")
    study.write_text(STUDY.replace("optimizer: adam}", "optimizer: adadelta}"))
    for named in (None, "tiny"):
        with pytest.raises(UserError, match=r"no number and no claim of tiny.* by --study"):
            record(NAME, named)
    study.write_text(STUDY.replace("dataset: digits", "dataset: mnist"))
    with pytest.raises(UserError, match="is of the data set 'digits', and tiny of mnist"):
        record(NAME, "tiny")


GRID = """
dataset: digits
seeds: [1]
training: {epochs: 2, batch_size: 200}
models:
  vae: {latent_dim: [2, 3], optimizer: adam, learning_rate: 0.001}
"""


@pytest.mark.parametrize(
    ("grid", "served"),
    [
        (GRID, True),
        (GRID.replace("[2, 3]", "3"), False),
        (GRID.replace("epochs: 2", "epochs: 3"), False),
        (GRID.replace("latent_dim", "no_such_setting"), False),
        ("models: [", False),
    ],
    ids=["of it", "another dimension", "more epochs", "a grid with a mistake", "no YAML"],
)
def test_a_run_of_a_grid_serves_claims_that_are_files(project, grid, served):
    Path("studies/tiny/numbers.csv").write_text(NUMBERS.replace("adam", "rmsprop"))
    study = Path("studies/tiny/study.yaml")
    study.write_text(STUDY.replace("optimizer: adam}", "optimizer: adadelta}"))
    (study.parent / "grid.yaml").write_text(grid)
    with pytest.raises(UserError, match="no number and no claim of tiny"):
        record(NAME, "tiny")
    (study.parent / "claims").mkdir()
    (study.parent / "claims" / "of_a_file.py").write_text("")
    if served:
        record(NAME, "tiny")
        assert [record.run.settings.seed for record in read_records(reading.load("tiny"))] == [0]
    else:
        with pytest.raises(UserError, match="no number and no claim of tiny"):
            record(NAME, "tiny")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (" 2, ", " 3, ", "was edited"),
        ('"seed": 0', '"seed": NaN', "NaN is no number"),
        ('"seed": 0', '"seed": 0, "seed": 0', "a key stands there twice"),
        ('"format": 1', '"format": 2', "has another format than 1"),
        ('"sha256": "', '"sha": "', "it has no sha256"),
        ("}\n", "", "is no JSON of a record"),
        ('"code": ', '"code": ' + "[" * 100_000, "is no JSON of a record"),
    ],
)
def test_what_is_no_record_as_it_was_written_is_refused(there, old, new, words):
    text = FILE.read_text()
    FILE.write_text(new.join(text.rsplit(old, 1)))
    with pytest.raises(UserError, match=words) as refused:
        read_records(there)
    assert str(FILE) in str(refused.value)
    assert "\n" not in str(refused.value)
    with pytest.raises(UserError, match=words):
        checked([there])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: FILE.write_bytes(b"\xff{}"), "is no JSON of a record"),
        (lambda: FILE.write_text(" " * (MAX_BYTES + 1)), "is larger than a record can be"),
        (lambda: FILE.write_text("[]"), "is no record"),
        (lambda: (FILE.unlink(), FILE.symlink_to("/dev/zero")), "is a link"),
        (lambda: (FILE.unlink(), FILE.mkdir()), "Is a directory"),
        (lambda: (FILE.rename("x"), FOLDER.rmdir(), FOLDER.symlink_to("/tmp")), "is a link"),  # noqa: S108
        (lambda: FILE.rename(FOLDER.parent / FILE.name), "has another name"),
    ],
)
def test_a_file_that_is_none_of_ours_is_named(there, make, words):
    make()
    with pytest.raises(UserError, match=words):
        read_records(there)


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("epochs",), "2", "epochs: .*integer"),
        (("epochs",), True, "epochs: .*integer"),
        (("settings", "seed"), -1, "seed: .*greater"),
        (("settings", "colour"), 1, "unknown setting colour"),
        (("data sha256",), "abc", "data sha256: .*pattern"),
        (("code",), "a\x1b[2J", "code: has letters that cannot be printed"),
        (("started",), "yesterday", "started: .*datetime"),
        (("started",), "2026-01-01T00:00:00", "no time zone"),
        (("ended",), "2001-01-01T00:00:00Z", "took longer"),
        (("seconds per epoch",), [1e9, 1e9], "took longer"),
        (("seconds per epoch",), [0.1], "the seconds of 1 epochs"),
        (("epochs",), 1, "finished after 1 of 2 epochs"),
        (("status",), "diverged", "diverged after 2 of 2 epochs"),
        (("history", "rows"), [], "has 0 rows and the run 2 epochs"),
        (("history", "rows", 0, 1), 1.0, "another SHA-256"),
        (("history", "rows", 0, 0), 2, "epoch 1"),
        (("history", "columns", 1), "loss", "lacks train_loss"),
        (("history", "rows", 0, 1), "85.2", "must be a finite number"),
        (("history", "rows", 0, 1), True, "must be a finite number"),
        (("measures",), {"status": "finished", "epochs": 3}, "another status or number of epochs"),
        (("measures",), {"status": "finished", "epochs": 2, "seed": 1}, "measure is called seed"),
        (("settings", "model"), "none", "foreign: has an unknown model"),
        (("settings", "hyperparameters", "x"), 1, "foreign: has an unknown hyperparameter x"),
        (("settings", "hyperparameters", "latent_dim"), 0, "foreign: has a latent_dim of 0"),
        (("settings", "hyperparameters"), {}, "foreign: has no value of latent_dim"),
        (("settings", "batch_size"), 100, "foreign: has batch_size 100, and tiny 200"),
        (("settings", "optimizer"), "adadelta", "foreign: has settings that are no number"),
        (("dataset",), "mnist", "foreign: is of the data set 'mnist'"),
        (("settings", "seed"), 7, "has another name than its settings give it"),
    ],
)
def test_a_forged_record_is_named(there, place, value, words):
    told = content()
    part = told
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    write(told)
    with pytest.raises(UserError, match=words) as refused:
        read_records(there)
    assert str(refused.value).startswith(str(FILE))
    assert "\n" not in str(refused.value)


def test_infinity_is_no_loss(there):
    told = content()
    told["history"]["rows"][1][1] = float("inf")
    FILE.write_text(write(told).read_text().replace("Infinity", "1e999"))  # which Python reads so
    with pytest.raises(UserError, match=r"history\.rows\.1\.1: must be a finite number"):
        read_records(there)


@pytest.mark.parametrize(
    ("columns", "factor", "words"),
    [
        (["train_loss"], 1.001, "train_loss is .*, and its terms make"),
        (["test_kl"], 1.001, "test_loss is .*, and its terms make"),
        (["train_batch_sum"], 1.001, "the sums differ by .*, not"),
        (["train_batch_sum", "train_batch_sum_corrected"], 1.001, "the sums differ by .*, not"),
        (["train_loss", "train_kl", "train_reconstruction"], 1.001, "and train_loss makes"),
    ],
)
def test_losses_that_no_such_model_has_are_named(there, columns, factor, words):
    def change(names, history):
        del history[1:]
        for column in columns:
            history[0][names.index(column)] *= factor

    told = with_history(content(), change) | {"epochs": 1, "status": "diverged", "reason": "nan"}
    write(told | {"seconds per epoch": told["seconds per epoch"][:1]})
    (found,) = look_through(there)
    assert found.faults == []  # as far as one epoch alone tells
    assert re.search(words, " ".join(listing.deeper_faults(found.record.run)))


def test_sums_that_differ_by_no_constant_are_named(there):
    def change(names, history):
        history[1][names.index("train_batch_sum")] *= 1.001

    write(with_history(content(), change))
    with pytest.raises(UserError, match="train_batch_sum_corrected differ by no constant"):
        read_records(there)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def look_deep(study):
    for found in look_through(study):
        for fault in found.faults or listing.deeper_faults(found.record.run):
            raise UserError(f"{found.path}: {fault}")


@given(st.data())
@cases(100)
def test_whatever_bytes_a_record_has(built_record, data):
    study, whole = built_record
    changed = data.draw(spoilt(whole))
    FILE.write_bytes(changed)
    said = end_of("records", lambda: look_deep(study), str(FILE))
    assert said or json.loads(changed) == json.loads(whole)


@given(st.data())
@cases(150)
def test_whatever_a_forger_writes(built_record, data):
    study, whole = built_record
    told = json.loads(whole)
    part, key = told, data.draw(st.sampled_from(sorted(told)))
    while isinstance(part[key], dict | list) and part[key] and data.draw(st.booleans()):
        part = part[key]
        keys = sorted(part) if isinstance(part, dict) else range(len(part))
        key = data.draw(st.sampled_from(keys))
    part[key] = data.draw(VALUES)
    with suppress(TypeError, KeyError, AttributeError):  # where that still leaves a history
        told = with_history(told, lambda *_: None)
    write(told)
    end_of("records", lambda: look_deep(study), str(FILE))


def test_measures_that_do_not_fit_the_history_are_named(there):
    measured = {"status": "finished", "epochs": 2, "min_train_loss": 1.0}
    write(content() | {"measures": measured})
    assert any("min_train_loss 1.0" in one for one in contradictions(read_record(FILE).run))
    with pytest.raises(UserError, match=r"measures min_train_loss 1\.0, and its history says"):
        rows(read_records(there))


def test_a_measure_that_was_read_one_bit_off_contradicts_nothing(there):
    loss = min(row[1] for row in content()["history"]["rows"])
    measured = {"status": "finished", "epochs": 2, "min_train_loss": math.nextafter(loss, 0)}
    write(content() | {"measures": measured})
    assert not contradictions(read_record(FILE).run)
    assert rows(read_records(there))[0]["min_train_loss"] == loss


def test_the_same_run_twice_and_the_same_losses_twice_are_named(there):
    told = content()
    copy = told | {"started": told["started"].replace("202", "201")}
    digest = hashlib.sha256(
        canonical({n: v for n, v in copy.items() if n != "sha256"}).encode()
    ).hexdigest()
    write(copy, FILE.with_name(f"{FILE.stem},{digest[:8]}.json"))
    told["settings"]["seed"] = 1
    other = write(told, FILE.with_name(FILE.name.replace("seed=0", "seed=1")))
    said = faults()
    assert re.search(f"is duplicated: it has the losses of .*{re.escape(other.name)}", said[FILE])
    assert re.search(f"is duplicated: it has the losses of .*{re.escape(FILE.name)}", said[other])
    assert any("is the same run on the same machine" in one for one in said.values())


def test_records_of_other_images_are_named(there):
    told = content()
    told["settings"]["seed"] = 1
    told = with_history(told, lambda _, history: [row.__setitem__(1, row[1]) for row in history])
    other = write(
        told | {"data sha256": "d" * 64}, FILE.with_name(FILE.name.replace("seed=0", "seed=1"))
    )
    assert "is of other images than the other records" in faults()[other]
    found = listing.deeper_faults(read_record(other).run)
    assert found == ["is of other images than data/digits/description.json tells of"]


def test_a_run_before_its_code_is_named(there, monkeypatch):
    write(content() | {"code": "315a9223a0e9", "started": "2001-01-01T00:00:00Z"})
    assert listing.deeper_faults(read_record(FILE).run) == []  # no such commit is here
    monkeypatch.setattr(listing, "_committed", lambda commit: read_record(FILE).run.ended)
    assert "before its code was committed" in listing.deeper_faults(read_record(FILE).run)[0]


def test_a_record_is_verified_to_the_bit_and_leaves_no_trace(there):
    before = sorted(Path().rglob("*"))
    finding = verify(read_record(FILE), 1, "auto")
    assert (finding.fits, finding.said) == (True, "verified to the bit, 1 epoch trained again")
    assert verify(read_record(FILE), 9, "cpu").said == "verified to the bit, 2 epochs trained again"
    assert sorted(Path().rglob("*")) == before


def test_a_loss_that_was_changed_in_its_last_digit_differs(there):
    def change(columns, history):
        loss = history[0][columns.index("test_kl")]
        history[0][columns.index("test_kl")] = loss * (1 + 2**-52)

    write(with_history(content(), change))
    finding = verify(read_record(FILE), 1, "auto")
    assert not finding.fits
    assert finding.said.startswith("differs: epoch 1, test_kl: ours ")
    # Of another machine, the last digit is no proof.
    write(content() | {"machine": None})
    assert verify(read_record(FILE), 1, "auto").said.startswith("verified within ")


def test_other_losses_differ_whatever_the_machine(there):
    def change(columns, history):
        history[0][columns.index("train_loss")] *= 1.04

    write(with_history(content(), change) | {"machine": None})
    finding = verify(read_record(FILE), 1, "auto")
    assert (finding.fits, finding.said[:28]) == (False, "differs: epoch 1, train_loss")


def test_two_machines_agree_within_the_loss_that_lies_farthest(there):
    """Test losses may differ more than training losses; neither distance is to be hidden."""

    def change(columns, history):
        history[0][columns.index("train_loss")] *= 1.02
        history[0][columns.index("test_loss")] *= 1.05

    told = {name: of for name, of in content().items() if name != "sha256"}
    other = as_run(with_history(told, change) | {"machine": None})
    finding = compared(read_record(FILE).run, other)
    assert finding.fits
    assert finding.said.startswith("verified within 4.8 %, 2 epochs trained again; epoch 1, test_")


def test_a_run_that_diverged_diverges_again(project):
    record(DIVERGES, None)
    told = json.loads(DIVERGED.read_text())
    finding = verify(read_record(DIVERGED), 2, "auto")
    assert told["status"] == "diverged"
    assert (finding.fits, finding.said[:19]) == (True, "verified to the bit")
    record(NAME, None)
    finished = content()
    finished["settings"]["learning_rate"] = 10.0
    write(finished, DIVERGED)
    assert "ours diverged, theirs did not" in verify(read_record(DIVERGED), 2, "auto").said


def test_verify_needs_the_images_of_the_record(there):
    write(content() | {"data sha256": "d" * 64})
    with pytest.raises(UserError, match="was trained on other images"):
        verify(read_record(FILE), 1, "auto")
    LAYOUT.images.unlink()
    with pytest.raises(UserError, match=r"is missing, and .* needs it; make it by snakemake"):
        verify(read_record(FILE), 1, "auto")


def test_the_commands_say_what_they_found(there):
    def called(*words):
        done = CliRunner().invoke(app, words)
        return done.exit_code, done.output

    code, said = called("records")
    assert code == 0 and "tiny: 1 record\n" in said and "latent_dim=2" in said
    assert called("verify", "--all", "tiny")[0] == 0
    write(content() | {"files": {}})
    code, said = called("records", "tiny")
    assert code == 1 and "1 record, 1 of which cannot count" in said and str(FILE) in said


def test_why_leads_to_a_record(there):
    name = read_record(FILE).name
    for what in (name, str(FILE)):
        console = Console(width=300)
        with console.capture() as captured:
            why.show(why.origin(what), console)
        said = captured.get()
        assert f"latentgrid verify --epochs 2 {FILE}" in said
        assert content()["files"]["weights.safetensors"] in said
    with pytest.raises(UserError, match="No such file"):
        why.origin("record:tiny/records/vae/none.json")


def test_our_own_records_can_count(monkeypatch):
    monkeypatch.chdir(ROOT)
    study = reading.load("vizoso-2020")
    records = read_records(study)
    assert len(records) == len(list(study.records.rglob("*.json"))) >= 16
    assert [fault for one in records for fault in contradictions(one.run)] == []
    assert max(one.path.stat().st_size for one in records) < 25_000


def test_a_record_is_the_same_however_its_json_is_laid_out(there):
    run = read_record(FILE).run
    FILE.write_text(json.dumps(content(), indent=4))
    assert read_record(FILE).run == run
    assert as_run({n: v for n, v in content().items() if n != "sha256"}) == run
