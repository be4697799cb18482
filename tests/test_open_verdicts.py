"""`plan --open` and `verdicts`: what is still open, and what is known without training."""

import io
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from latentgrid.cli import audit, list_studies, verdicts, verify
from latentgrid.cli import records as list_records
from latentgrid.commands import claims
from latentgrid.commands import open_verdicts as opened
from latentgrid.commands.verdicts import _numbers as shown_numbers
from latentgrid.commands.verdicts import answers_of, gathered, show_all
from latentgrid.errors import UserError
from latentgrid.evaluation.tables import IDENTITY, OUTCOME
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from latentgrid.grid import reading as params_reading
from latentgrid.grid.runs import planned_runs
from latentgrid.stamps.made import stamp_of
from latentgrid.studies import reading
from latentgrid.studies.records import Settings
from latentgrid.studies.served import obtained_with
from latentgrid.verdicts import numbers as judging
from latentgrid.verdicts.evidence import Evidence
from project import ROOT
from studies import change, tiny_study

HOUR = 3600


@pytest.fixture
def study(monkeypatch):
    monkeypatch.chdir(ROOT)
    return reading.load("vizoso-2020")


def settings_of(seeds, **axes):
    """The settings of runs of vae, by name."""
    grid = {"latent_dim": 2, "optimizer": "rmsprop", "learning_rate": 0.0001} | axes
    raw = {"dataset": "mnist", "seeds": seeds, "studies": [], "models": {"vae": grid}}
    runs = planned_runs(params_reading.check(raw, "test"))
    return {run.name: Settings.model_validate(run.settings) for run in runs}


def numbers(found):
    return [one for one in found if "table VII.1" in one.about]


def test_a_number_waits_for_the_seeds_that_its_study_fixed(study):
    missing = settings_of([0, 1, 2, 7])
    (one,) = numbers(opened.open_verdicts([study], missing, []))
    assert "latent_dim=2, optimizer=rmsprop, learning_rate=0.0001" in one.about
    assert {name[-1] for name in one.missing} == {"0", "1", "2"}
    assert one.needed == 3


def test_what_is_done_is_not_needed_again(study):
    done = settings_of([1]).values()
    (one,) = numbers(opened.open_verdicts([study], settings_of([0]), list(done)))
    assert (len(one.missing), one.needed) == (1, 2)
    assert numbers(opened.open_verdicts([study], {}, list(done))) == []


@pytest.mark.parametrize(
    "other", [{"epochs": 3}, {"batch_size": 50}, {"latent_dim": 3}, {"precision": "bfloat16"}]
)
def test_runs_of_other_settings_serve_no_number(study, other):
    assert numbers(opened.open_verdicts([study], settings_of([0], **other), [])) == []


def test_adam_serves_only_as_the_study_ran_it(study):
    plain = settings_of([0], optimizer="adam")
    assert opened.open_verdicts([study], plain, []) == []
    assert numbers(opened.open_verdicts([study], settings_of([0], optimizer="adam_000"), []))


@pytest.mark.parametrize(("hidden", "verdict"), [(300, "reproduced"), (500, "not run")])
def test_a_run_serves_a_number_if_it_is_built_as_the_study_says(tmp_path, hidden, verdict):
    """`plan --open` and the records ask the same of a run as its verdict does."""
    folder = tiny_study(tmp_path)
    table = (folder / "numbers.csv").read_text().replace("1,vae,", "1,vae_bce,")
    (folder / "numbers.csv").write_text(table)
    with (folder / "study.yaml").open("a") as file:
        file.write("built: {vae_bce: {hidden: 300}}\n")
    study = reading.read(folder)
    axes = {"latent_dim": 2, "hidden": hidden, "optimizer": "adam", "learning_rate": 0.001}
    raw = {"dataset": "digits", "seeds": [0], "studies": [], "models": {"vae_bce": axes}}
    raw["training"] = {"epochs": 1, "batch_size": 200}
    (run,) = planned_runs(params_reading.check(raw, "test"))
    row = axes | {"run": run.name, "model": "vae_bce", "seed": 0, "planned_epochs": 1}
    row |= {"batch_size": 200, "precision": "float32", "status": "finished", "min_train_loss": 30.1}
    seen = Evidence(pd.DataFrame([row]), pd.DataFrame({"run": []}), {"images": 100, "pixels": 64})
    assert judging.table([study], seen).loc[0, "verdict"] == verdict
    serves = obtained_with(study, study.numbers[0], Settings.model_validate(run.settings))
    assert serves == (verdict == "reproduced")


def test_a_table_without_reference_run_is_never_closed(study):
    raw = {"latent_dim": 2, "optimizer": "rmsprop", "learning_rate": 0.0001}
    params = {"dataset": "mnist", "studies": [], "models": {"conv_vae": raw}}
    runs = planned_runs(params_reading.check(params, "test"))
    missing = {run.name: Settings.model_validate(run.settings) for run in runs}
    assert [one for one in opened.open_verdicts([study], missing, []) if "VII.2" in one.about] == []


def test_a_comparison_is_open_where_both_sides_can_be_had(study):
    slow, fast = (
        settings_of([0], latent_dim=20, optimizer="adam_000", learning_rate=rate)
        for rate in (0.0001, 0.00075)
    )
    claim = "vae, d = 20: 0.0001 against 0.00075"
    assert any(claim in one.about for one in opened.open_verdicts([study], slow | fast, []))
    alone = opened.open_verdicts([study], slow, [])
    assert not any(claim in one.about for one in alone)
    beside = opened.open_verdicts([study], slow, list(fast.values()))
    (one,) = [one for one in beside if claim in one.about]
    assert one.missing == slow.keys()


def test_a_comparison_without_words_of_its_own_is_told_by_its_settings(tmp_path, monkeypatch):
    folder = tiny_study(tmp_path)
    (folder / "grid.yaml").write_text(
        "{dataset: digits, seeds: [0], studies: [], training: {epochs: 1, batch_size: 200}, models:"
        " {vae: {latent_dim: 2, optimizer: adam, learning_rate: [0.001, 0.002]}}}"
    )
    monkeypatch.chdir(tmp_path)
    compared = "learning_rate 0.002 against learning_rate 0.001 (model vae)"
    waiting = claims.missing_by_part(reading.load("tiny-2024"), [reading.load("tiny-2024")])
    assert waiting == {("faster", compared): 2}


def test_runs_that_only_claims_of_python_may_need_are_named(monkeypatch):
    """Such claims do not declare what they compare; the judge of a grid is no evidence."""
    monkeypatch.chdir(ROOT)
    params = params_reading.load([ROOT / "studies" / "auto-encoders-slides" / "grid.yaml"])
    runs = planned_runs(params)
    missing = [Settings.model_validate(run.settings) for run in runs]
    (said,) = opened.for_claim_files(reading.load("auto-encoders-slides"), missing)
    assert said.startswith(f"{sum(run.entry != 'lenet5' for run in runs)} more missing runs of")
    assert said.endswith("which do not declare what they compare: conv_ae, dae, pca.\n")
    of_another = settings_of([0]).values()
    assert not [*opened.for_claim_files(reading.load("auto-encoders-slides"), of_another)]
    assert not [*opened.for_claim_files(reading.load("vizoso-2020"), missing)]


def test_runs_that_close_most_in_an_hour_come_first():
    verdicts = [
        opened.Open("one", frozenset({"cheap", "dear"}), 2),
        opened.Open("two", frozenset({"dear"}), 1),
        opened.Open("three", frozenset({"slow"}), 1),
    ]
    seconds = {"slow": 10.0 * HOUR, "dear": 2.0 * HOUR, "cheap": 0.5 * HOUR, "useless": 1.0}
    steps = opened.in_order(verdicts, seconds)
    assert [step.run for step in steps] == ["cheap", "dear", "slow"]
    assert [step.per_hour for step in steps] == pytest.approx([1, 0.75, 0.1])
    assert steps[1].serves == 2
    assert opened.summary(verdicts).startswith("3 verdicts wait for these runs, which close 3")


def test_runs_that_differ_in_their_seeds_share_a_row():
    steps = [
        opened.Step(f"vae/latent_dim={d},optimizer=adam/seed={seed}", 60, 0.5, 3)
        for d, seed in ((2, 0), (2, 1), (20, 1))
    ]
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(opened.as_table(steps))
    rows = [" ".join(line.split()) for line in console.export_text().splitlines()]
    assert "vae, d = 2, adam; seeds 0, 1 1 min 0 s 3 1 30 2 min 0 s" in rows
    assert "vae, d = 20, adam; seed 1 1 min 0 s 3 0.5 30 3 min 0 s" in rows


def test_a_plan_with_too_few_seeds_closes_nothing(study):
    verdicts = numbers(opened.open_verdicts([study], settings_of([0]), []))
    assert opened.summary(verdicts).startswith("1 verdict waits for these runs, which close 0")


def planned(training, **entries):
    """The runs of entries with a setting of the thesis's grid and one seed."""
    of_vae = {"model": "vae", "latent_dim": 2, "optimizer": "rmsprop", "learning_rate": 0.0001}
    raw = {"dataset": "mnist", "seeds": [0], "studies": [], "training": training}
    models = {name: of_vae | axes for name, axes in entries.items()}
    return planned_runs(params_reading.check(raw | {"models": models}, "test"))


def test_what_two_entries_ask_for_is_missing_once(study, tmp_path, monkeypatch):
    """Else two runs of one seed would pass for the runs of two seeds."""
    monkeypatch.chdir(tmp_path)
    runs = planned({}, vae={}, again={})
    missing, done = opened.missing_runs(Layout("mnist"), [], runs)
    assert (list(missing), done) == ([runs[0].name], [])


def test_what_was_trained_under_the_name_of_a_run_with_other_settings_is_none_of_it(
    study, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    layout, (short,), (long,) = Layout("mnist"), planned({"epochs": 2}, vae={}), planned({}, vae={})
    assert short.name == long.name
    write_json(layout.run(short.name).outcome, {"status": "finished", "epochs": 2})
    write_json(layout.run(short.name).config, {"settings": short.settings})
    assert opened.missing_runs(layout, [], [short])[0] == {}
    missing, done = opened.missing_runs(layout, [], [long])
    assert (list(missing), done) == ([long.name], [])


def test_a_record_is_that_of_a_run_however_many_train_side_by_side(study, tmp_path):
    (run,) = planned({}, vae={"latent_dim": 50, "optimizer": "adam_000"})
    (fused,) = planned({"fused": 4}, vae={"latent_dim": 50, "optimizer": "adam_000"})
    assert run.settings != fused.settings
    for one in (run, fused):
        missing, _ = opened.missing_runs(Layout(str(tmp_path)), [study], [one])
        assert missing == {}


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """A folder with the studies and nothing else."""
    shutil.copytree(ROOT / "studies", tmp_path / "studies")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(studies, csv=None):
    console = Console(width=200, record=True, file=io.StringIO())
    show_all(studies, console, csv)
    return console.export_text()


def test_records_alone_give_verdicts(alone):
    text = told([reading.load("000")], Path("verdicts.csv"))
    verdicts = pd.read_csv("verdicts.csv")
    assert len(verdicts) == 54
    judged = verdicts[verdicts["n"] > 0]
    records = list(Path("studies/vizoso-2020/records").rglob("*.json"))
    assert verdicts["runs"].dropna().str.split(";").map(len).sum() == len(records)
    assert f"{len(records)} records and 0 runs in results/ on mnist; 3 seeds were fixed." in text
    assert judged["runs"].str.startswith("record:").all()
    row = verdicts.query("setting == 'latent_dim=50, optimizer=adam, learning_rate=0.00075'").iloc[
        0
    ]
    assert (row["verdict"], row["n"]) == ("reproduced", 3)
    assert row["ratio"] == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("published", "ours", "shown"),
    [(100.0, 102.04, "1.0204 2.0 %"), (100.0, 103.04, "1.030 2.0 %"), (0.0, 3.0, "– –")],
)
def test_a_ratio_shows_that_it_lies_beyond_what_would_show(published, ours, shown):
    row = {"table": "1", "model": "vae", "setting": "", "n": 1, "planned": 3, "verdict": "not"}
    row |= {"published": published, "ours": ours, "reach": 2.0, "ratio": np.nan}
    if published:
        row["ratio"] = ours / published
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(shown_numbers(pd.DataFrame([row])))
    assert f"{shown} 1 of 3" in " ".join(console.export_text().split())


def test_without_its_records_nothing_is_judged(alone):
    shutil.rmtree("studies/vizoso-2020/records")
    text = told([reading.load("vizoso-2020")])
    assert "36 not run, 18 no reference run" in text


@pytest.mark.parametrize("table", ["runs", "history", "silhouettes"])
def test_a_table_that_was_changed_decides_nothing(alone, table):
    """Of one that an editor or a spreadsheet has changed, nobody knows which numbers are ours."""
    tables = Layout("mnist").tables
    tables.mkdir(parents=True)
    pd.DataFrame(columns=[*IDENTITY, *OUTCOME]).to_csv(tables / "runs.csv", index=False)
    (tables / f"{table}.csv").write_text("run,status\n")
    write_json(stamp_of(tables / f"{table}.csv"), {"sha256": "0" * 64})
    with pytest.raises(UserError, match=rf"{table}\.csv: .*not as it was written"):
        told([reading.load("vesel-draft")])


def test_a_record_counts_for_every_study_that_is_judged_with_its_own(alone):
    """As in the report: PCA was recorded for the slides, and a claim of another study needs it."""
    study, slides = reading.load("modulo-7"), reading.load("auto-encoders-slides")

    def seeds(*studies):
        answers = answers_of(study, gathered(studies)["mnist"])
        return answers.set_index("name").loc["linear_is_pca", "n"]

    assert (seeds(study), seeds(study, slides)) == (0, 3)
    assert f"{len(list(study.records.rglob('*.json')))} records and 0 runs" in told([study, slides])


def without_facts(study):
    return replace(study, facts=study.facts.model_copy(update={"claims": {}}))


def test_a_study_without_facts_cannot_be_judged(alone):
    with pytest.raises(UserError, match="nothing can be judged"):
        told([without_facts(reading.load("modulo-7"))])


def test_claims_on_no_data_set_are_refused_by_their_file(alone):
    """Claims that are files need no data set to be drawn, and these commands have no other."""
    study = reading.load("vesel-draft")
    nowhere = replace(study, facts=study.facts.model_copy(update={"dataset": None, "claims": {}}))
    with pytest.raises(UserError, match=r"vesel-draft/study\.yaml: dataset is null, so nobody"):
        told([nowhere])


HOSTILE = "Codes [/b] of [red]digits[/] <script> " + "x" * 300


def test_texts_of_a_study_are_printed_as_they_are(tmp_path, monkeypatch, capfd):
    """`[…]` are rich's marks, and no text of a study may be taken for one."""
    folder = tiny_study(tmp_path)
    change(folder / "study.yaml", "title", repr(HOSTILE))
    monkeypatch.chdir(tmp_path)
    for command in (list_studies, verdicts):
        command()
        assert HOSTILE in capfd.readouterr().out.replace("\n", "")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (lambda: verdicts(["nope"]), "studies: found 'nope'; allowed: all, or a list of tiny-2024"),
        (lambda: audit(["all", "nope"]), "studies: found 'all'"),
        (lambda: list_records(""), "studies: found ''; allowed"),
        (lambda: verify(every="tiny-2024"), "--all: 'tiny-2024' has no records"),
        (verify, "name records, files below studies/, or a study by --all"),
    ],
)
def test_what_a_command_cannot_do_is_said_in_one_line(tmp_path, monkeypatch, command, words):
    tiny_study(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        command()
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("command", [list_studies, verdicts, list_records])
def test_without_studies_there_is_nothing_to_judge(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="studies: no folder there has"):
        command()


def test_an_edited_record_is_named_and_not_counted(alone):
    path = next(Path("studies/vizoso-2020/records").rglob("*.json"))
    path.write_text(
        path.read_text().replace('"seed":0', '"seed":1').replace('"seed": 0', '"seed": 1')
    )
    with pytest.raises(UserError, match=str(path).replace("+", r"\+")):
        told([reading.load("vizoso-2020")])
