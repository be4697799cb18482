"""The rules that decide what reproduces, on cases whose answer is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file
from scipy import stats

from latentgrid.errors import UserError
from latentgrid.evaluation import intervals, tables
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from latentgrid.grid import catalogue
from latentgrid.report import reproduction
from latentgrid.results.tables import separated
from latentgrid.results.trained import TestSet as Images
from latentgrid.stamps.made import stamp_of
from latentgrid.studies import reading
from latentgrid.studies.records import read_record
from latentgrid.verdicts import measuring, numbers, regions, rule
from latentgrid.verdicts.answers import claims_table
from latentgrid.verdicts.claims import by_seed
from latentgrid.verdicts.evidence import Evidence, gather
from latentgrid.verdicts.networks import as_built
from latentgrid.verdicts.pairs import paired
from latentgrid.verdicts.rule import Answer, Effect, Share, Verdict
from studies import copy_study, our_study, with_claims_of
from tiny import seal

THESIS, CODES = our_study("vizoso-2020"), our_study("perez-2022")
STUDIES = [THESIS, CODES]
NUMBERS = [number for study in STUDIES for number in study.numbers]
LOSS = THESIS.facts.quantities["min_epoch_sse_kl"]
SILHOUETTE = CODES.facts.quantities["mean_silhouette_test"]


# Intervals.


def test_the_interval_of_the_mean_is_that_of_scipy():
    values = [3.0, 4.0, 4.5, 5.5]
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = intervals.of_mean(values)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("interval", [intervals.of_mean, intervals.of_next])
def test_fewer_than_three_seeds_have_no_interval(interval):
    assert interval([1.0]) is None
    assert interval([1.0, 2.0]) is None
    assert interval([1.0, 2.0, 3.0]) is not None


def test_one_more_seed_falls_into_its_interval_95_times_in_100():
    """The interval of the mean would hold far fewer."""
    rng = np.random.default_rng(0)
    drawn = rng.normal(10, 2, size=(2000, 6))
    inside = [row[5] in intervals.of_next(row[:5]) for row in drawn]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.015)
    in_mean = [row[5] in intervals.of_mean(row[:5]) for row in drawn]
    assert np.mean(in_mean) < 0.75


@pytest.mark.parametrize("n", [4, 5, 18, 54])
@pytest.mark.parametrize("sign", [1, -1])
def test_ranks_in_the_same_order_correlate_perfectly_and_have_no_interval(n, sign):
    """Of five settings in the same order nothing follows for the order of all others."""
    first = np.arange(n)
    rho, interval = intervals.rank_correlation(first, sign * first**2)
    assert rho == pytest.approx(sign)
    assert np.isnan([interval.low, interval.high]).all()
    other = np.r_[first[:-2], first[-1], first[-2]]
    rho, interval = intervals.rank_correlation(first, sign * other)
    assert -1 < interval.low < rho < interval.high < 1


def test_the_rank_correlation_is_that_of_scipy_with_ties_too():
    first, second = [1, 2, 2, 4, 5, 7, 8], [3, 1, 2, 2, 6, 5, 9]
    rho, interval = intervals.rank_correlation(first, second)
    assert rho == pytest.approx(stats.spearmanr(first, second).statistic)
    assert interval.low < rho < interval.high


def test_the_interval_of_ranks_is_wider_than_that_of_a_plain_correlation():
    first = np.arange(18.0)
    second = first.copy()
    second[[0, 15]] = second[[15, 0]]
    rho, interval = intervals.rank_correlation(first, second)
    assert rho == pytest.approx(1 - 6 * 2 * 15**2 / (18 * (18**2 - 1)))
    half = 1.959964 * np.sqrt((1 + rho**2 / 2) / 15)
    assert np.arctanh(interval.high) - np.arctanh(rho) == pytest.approx(half, rel=1e-6)
    assert np.arctanh(rho) - np.arctanh(interval.low) == pytest.approx(half, rel=1e-6)


def test_the_table_of_settings_has_the_same_interval():
    losses = [3.0, 4.0, 4.5, 5.5]
    runs = pd.DataFrame({"run": list("abcde"), "latent_dim": [2, 2, 2, 2, 5]}).assign(
        entry="a", model="vae", status="finished", reason="", loss=[*losses, 1.0]
    )
    table = tables.settings_table(runs, ["latent_dim"]).set_index("latent_dim")
    interval = intervals.of_mean(losses)
    assert table.loc[2, "loss"] - table.loc[2, "loss_ci"] == pytest.approx(interval.low)
    assert np.isnan(table.loc[5, "loss_ci"])
    assert table["runs"].to_dict() == {2: "a;b;c;d", 5: "e"}


# The rule for numbers.


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [
        ([101.9], Verdict.REPRODUCED),  # within 2 %
        ([102.1], Verdict.NOT_REPRODUCED),
        ([104.0, 106.0], Verdict.NOT_REPRODUCED),  # two seeds have no interval
        ([101.0, 106.0, 111.0], Verdict.REPRODUCED),  # wide enough to expect 100
        ([104.9, 105.0, 105.1], Verdict.NOT_REPRODUCED),
    ],
)
def test_a_loss_reproduces_within_two_per_cent_or_where_a_seed_may_fall(ours, verdict):
    assert rule.decide(LOSS, 100.0, ours) == verdict


def test_a_silhouette_reproduces_within_a_hundredth():
    assert rule.decide(SILHOUETTE, 0.1475, [0.157]) == Verdict.REPRODUCED
    assert rule.decide(SILHOUETTE, 0.1475, [0.158]) == Verdict.NOT_REPRODUCED


def test_every_quantity_that_can_be_measured_has_a_tolerance():
    measured = [
        quantity
        for study in STUDIES
        for quantity in study.facts.quantities.values()
        if quantity.measure is not None
    ]
    assert len(measured) == 3
    assert all(quantity.tolerance(1.0) > 0 for quantity in measured)


@pytest.mark.parametrize(
    ("ours", "reach"),
    [([100.0], 2.0), ([90.0, 120.0], 2.0), ([99.0, 100.0, 101.0], 4.968)],
)
def test_the_reach_is_the_smallest_deviation_that_would_be_not_reproduced(ours, reach):
    """4.968 = t · √(1 + 1/3), with t = 4.303 of two degrees of freedom."""
    assert rule.reach(LOSS, 100.0, ours) == pytest.approx(reach, rel=1e-3)
    by = rule.reach(LOSS, 100.0, ours)
    mean = float(np.mean(ours))
    nearer, further = ([v - mean + 100 + by * k for v in ours] for k in (0.999, 1.001))
    assert rule.decide(LOSS, 100.0, nearer) == Verdict.REPRODUCED
    assert rule.decide(LOSS, 100.0, further) == Verdict.NOT_REPRODUCED


def test_a_claim_that_fails_is_named(tmp_path, monkeypatch):
    folder = copy_study(tmp_path, "perez-2022").rename(tmp_path / "studies" / "failing-2022")
    claim = folder / "claims" / "prior_draws.py"
    claim.write_text(claim.read_text().replace("    runs = with", "    1 / 0\n    runs = with"))
    with_claims_of(monkeypatch, folder)
    with pytest.raises(UserError, match=r"claims/prior_draws.py, line 30: ZeroDivisionE"):
        claims_table([reading.read(folder)], of_grid("vae", lambda d, optimizer, rate: 1))


def test_published_numbers_of_models_that_are_ours_are_not_out_of_reach():
    study = our_study("chadebec-2022")
    nothing = Evidence(of_grid("vae", lambda *_: 1.0), pd.DataFrame({"run": []}), {})
    verdicts = numbers.table([study], nothing).set_index("model")["verdict"]
    counts = verdicts.value_counts()
    assert (counts[Verdict.OUT_OF_REACH], counts[Verdict.UNDER_SPECIFIED]) == (26, 4)
    assert set(verdicts["VAMP (K=500)"]) == set(verdicts["VAE"]) == {Verdict.UNDER_SPECIFIED}


# The rule for claims.


@pytest.mark.parametrize(
    ("values", "least", "answer"),
    [
        ([1.0, 1.1, 0.9], 0, Answer.SUPPORTED),
        ([-1.0, -1.1, -0.9], 0, Answer.CONTRADICTED),
        ([1.0, -0.5, 0.1], 0, Answer.UNDECIDED),
        ([1.0, 1.1, 0.9], 2, Answer.CONTRADICTED),
        ([-0.005, -0.004, -0.006], -0.01, Answer.SUPPORTED),
        ([0.1], 0, Answer.SUPPORTED),
        ([0.0], 0, Answer.CONTRADICTED),
    ],
)
def test_a_claim_is_answered_by_its_interval(values, least, answer):
    assert rule.answer(Effect(values, ""), least) == answer


@pytest.mark.parametrize("sign", [1, -1])
def test_a_share_that_is_needed_is_needed_of_the_mean_ratio(sign):
    """The limit is one of ratios: a tenth more or less is log(1 ± 0.1) on the scale of the mean."""
    for least in (-10.0, 0.0, 10.0):
        limit = sign * np.log1p(sign * least / 100)
        for away, expected in ((1e-3, Answer.SUPPORTED), (-1e-3, Answer.CONTRADICTED)):
            values = [limit + away + noise for noise in (-1e-5, 0, 1e-5)]
            assert rule.answer(Share(values, "%", sign), least) == expected


def test_the_interval_of_a_share_is_that_of_the_logarithms():
    logs = [0.1, 0.2, 0.4]
    found, expected = Share(logs, "%", -1), intervals.of_mean(logs)
    assert found.mean == pytest.approx(100 * (1 - np.exp(-np.mean(logs))))
    assert found.interval.low == pytest.approx(100 * (1 - np.exp(-expected.low)))
    assert found.interval.high == pytest.approx(100 * (1 - np.exp(-expected.high)))
    assert Share(logs[:2], "%", -1).interval is None


# Published numbers beside runs.


def grid_runs(losses, **changed):
    """Runs of one setting of the thesis's grid, one a seed."""
    rows = [
        {"run": f"vae/{seed}", "entry": "vae", "model": "vae", "latent_dim": 2, "seed": seed}
        | {"optimizer": "adam_000", "learning_rate": 0.00075, "planned_epochs": 50}
        | {"batch_size": 100, "precision": "float32"}
        | {"status": "finished", "min_train_batch_sum": loss}
        | changed
        for seed, loss in enumerate(losses)
    ]
    return pd.DataFrame(rows)


def evidence(runs):
    """Return runs as verdicts see them: each with one epoch, which has its smallest loss."""
    history = pd.DataFrame({"run": runs["run"], "epoch": 1})
    if "min_train_batch_sum" in runs:
        history["train_batch_sum"] = runs["min_train_batch_sum"]
    return Evidence(runs, history, {"images": 60_000, "pixels": 784})


def judged(runs):
    table = numbers.table(STUDIES, evidence(runs))
    assert len(table) == len(NUMBERS)
    setting = "latent_dim=2, optimizer=adam, learning_rate=0.00075"
    (row,) = table[(table["table"] == "VII.1") & (table["setting"] == setting)].to_dict("records")
    return row, table


def test_a_published_number_meets_the_runs_of_its_setting():
    row, table = judged(grid_runs([2_170_000.0, 2_180_000.0, 2_190_000.0]))
    assert row["verdict"] == Verdict.REPRODUCED
    assert (row["n"], row["planned"], row["ours"]) == (3, 3, 2_180_000)
    assert row["low"] < 2_164_100 < row["high"]
    assert row["reach"] == pytest.approx((row["high"] - row["low"]) / 2)
    assert row["excess"] == 59_400
    assert "standard deviations of our 3 seeds" in row["reason"]
    others = table.drop(index=table.index[table["n"] > 0])
    assert len(others) == 56
    assert set(others["reason"][others["verdict"] == Verdict.NOT_RUN]) == {"no run of this setting"}


@pytest.mark.parametrize(
    ("runs", "reason"),
    [
        (grid_runs([5.0], planned_epochs=5), "trained 5 epochs in batches of 100"),
        (grid_runs([5.0], batch_size=32), "trained 50 epochs in batches of 32"),
        (grid_runs([5.0], precision="bfloat16"), "in bfloat16, published 50 epochs"),
        (grid_runs([5.0, 5.0], status="diverged"), "2 of 2 runs diverged"),
        (grid_runs([5.0, 5.0]).assign(seed=[3, 4]), "only runs with other seeds than 0, 1, 2"),
        (grid_runs([np.nan]), "train_batch_sum was not measured"),
        (
            grid_runs([np.nan, 5.0]).assign(status=["finished", "diverged"]),
            "train_batch_sum was not measured; 1 of 2 runs diverged",
        ),
        (grid_runs([5.0], seed=3, status="diverged"), "only runs with other seeds than 0, 1, 2"),
        (
            pd.concat([grid_runs([5.0], planned_epochs=5), grid_runs([5.0], status="failed")]),
            "1 of 1 runs failed",
        ),
    ],
)
def test_runs_made_otherwise_decide_nothing(runs, reason):
    row, _ = judged(runs)
    assert row["verdict"] == Verdict.NOT_RUN
    assert reason in row["reason"]
    assert row["n"] == 0


def test_only_the_seeds_that_the_study_fixed_count():
    """More seeds would draw the mean to where the number is."""
    row, _ = judged(grid_runs([3e6, 3.1e6, 3.2e6, 2.1e6, 2.1e6]))
    assert (row["n"], row["ours"], row["verdict"]) == (3, 3.1e6, Verdict.NOT_REPRODUCED)
    assert row["runs"] == "vae/0;vae/1;vae/2"
    row, _ = judged(grid_runs([3e6, 3.1e6]))
    assert row["reason"].endswith("; 2 of 3 seeds so far")


def test_seeds_that_diverged_are_named_beside_the_verdict():
    runs = grid_runs([2_164_100.0] * 3)
    runs.loc[1:, "status"] = "diverged"
    row, _ = judged(runs)
    assert (row["verdict"], row["n"]) == (Verdict.REPRODUCED, 1)
    assert row["reason"].endswith("so no interval; 1 of 3 seeds so far; 2 of 3 runs diverged")


def test_a_seed_that_diverged_counts_once_and_only_if_the_study_fixed_it():
    runs = grid_runs([2_164_100.0] * 5)
    runs.loc[2:, "status"] = "diverged"
    recorded = runs.head(3).assign(run="record:" + runs["run"])
    row, _ = judged(pd.concat([runs, recorded], ignore_index=True))
    assert row["reason"].endswith("2 of 3 seeds so far; 1 of 3 runs diverged")
    again = runs.tail(3).head(1).assign(status="finished", run="record:again")
    row, _ = judged(pd.concat([runs, again], ignore_index=True))
    assert "diverged" not in row["reason"]


def test_a_grid_without_the_published_axes_has_none_of_the_runs():
    row, _ = judged(grid_runs([5.0]).drop(columns=["optimizer", "latent_dim"]))
    assert (row["verdict"], row["reason"]) == (Verdict.NOT_RUN, "no run of this setting")


def test_what_a_document_leaves_open_stays_open_whatever_ours_give():
    table = numbers.table(STUDIES, evidence(grid_runs([2.0])))
    by_table = table.groupby("table")["verdict"].unique()
    assert list(by_table["VII.2"]) == [Verdict.NO_REFERENCE_RUN]
    assert list(by_table["4.2"]) == [Verdict.UNDER_SPECIFIED]
    assert sum(numbers.tally(table).values()) == len(NUMBERS)


def test_equal_seeds_and_a_single_one_say_so():
    row, _ = judged(grid_runs([3_000_000.0] * 3))
    assert "agree to the last digit" in row["reason"]
    row, _ = judged(grid_runs([3_000_000.0]))
    assert row["reason"].endswith("one seed, so no interval; 1 of 3 seeds so far")
    assert np.isnan(row["low"])


@pytest.mark.parametrize(
    ("times", "verdict", "said"),
    [
        (1.0204, "not reproduced", "2.04 % above it"),
        (0.9796, "not reproduced", "2.04 % below it"),
        (1.0196, "reproduced", "1.96 % above it"),
        (1.0194, "reproduced", "1.9 % above it"),
        (1.0214, "not reproduced", "2.1 % above it"),
    ],
)
def test_a_deviation_of_more_than_is_allowed_is_not_told_as_just_that(times, verdict, said):
    row, _ = judged(grid_runs([2_164_100.0 * times]))
    assert (row["verdict"], row["reason"].partition(";")[0]) == (verdict, said)


def runs_in_the_printed_order():
    """Return a run for each setting of a table, whose losses are the squares of the printed."""
    of_table = [number for number in THESIS.numbers if number.table == "VII.3"]
    return pd.concat(
        [
            grid_runs([number.value**2], model="mmd_vae", run=f"{n}", **settings_of(number))
            for n, number in enumerate(of_table)
        ],
        ignore_index=True,
    )


def test_the_order_of_the_settings_is_compared_table_by_table():
    runs = runs_in_the_printed_order()
    agreement = numbers.rank_agreement(numbers.table(STUDIES, evidence(runs)))
    agreement = agreement.set_index("table")
    assert agreement.loc["VII.3", "rho"] == pytest.approx(1)
    assert agreement.loc["VII.3", "n"] == 18
    assert set(separated(agreement.loc["VII.3", "runs"])) == set(runs["run"])
    assert np.isnan(agreement.loc["VII.1", "rho"])


def test_the_same_order_is_told_without_an_interval(tmp_path, monkeypatch):
    write_verdicts(tmp_path, monkeypatch, runs_in_the_printed_order(), STUDIES)
    found = reproduction.read_reproduction(Layout("mnist"), STUDIES)
    (said,) = [finding for finding in found.findings if "VII.3" in finding]
    assert "1.00 for table VII.3" in said
    assert "95 %" not in said
    assert "nan" not in said


def settings_of(number):
    return {name: number.settings[name] for name in THESIS.facts.settings}


# Pairs.


def measured(entry, values, **columns):
    rows = [
        {"model": entry, "entry": entry, "seed": seed, "latent_dim": dimension, "loss": value}
        for (seed, dimension), value in values.items()
    ]
    table = pd.DataFrame(rows).assign(planned_epochs=1, **columns)
    return table.assign(
        run=entry + "/" + table["latent_dim"].astype(str) + "/" + table["seed"].astype(str)
    )


def test_pairs_share_seed_and_setting():
    first = measured("ae", {(0, 2): 5.0, (0, 5): 7.0, (1, 2): 4.0, (1, 5): 6.0})
    second = measured("vae_bce", {(0, 2): 4.0, (0, 5): 4.0, (1, 2): 4.0, (1, 5): 3.0})
    pairs = paired(first, second, "loss", ["latent_dim"])
    assert pairs.gained == [2.0, 1.5]
    assert set(pairs.used["run"]) == {*first["run"], *second["run"]}
    double = second.assign(loss=2 * second["loss"])
    logs = paired(second, double, "loss", ["latent_dim"]).gained_logs
    assert logs == pytest.approx([-np.log(2)] * 2)


def test_a_setting_that_one_seed_lacks_counts_for_none():
    first = measured("ae", {(0, 2): 5.0, (0, 5): 99.0, (1, 2): 4.0})
    second = measured("vae_bce", {(0, 2): 4.0, (0, 5): 4.0, (1, 2): 4.0})
    pairs = paired(first, second, "loss", ["latent_dim"])
    assert pairs.gained == [1.0, 0.0]
    assert set(pairs.used["run"]) == {"ae/2/0", "ae/2/1", "vae_bce/2/0", "vae_bce/2/1"}


def test_seeds_that_no_setting_has_all_of_leave_the_largest_block():
    values = {(seed, d): float(seed + d) for seed in range(3) for d in range(4) if seed != d % 3}
    first = measured("ae", {at: v + 1 for at, v in values.items()})
    second = measured("vae_bce", values)
    pairs = paired(first, second, "loss", ["latent_dim"])
    # Seed 0 is missing at d = 0 and d = 3, so that these two share seeds 1 and 2.
    assert sorted(pairs.table["latent_dim"].unique()) == [0, 3]
    assert pairs.gained == [1.0, 1.0]


def test_settings_count_by_the_seeds_that_they_have_in_common():
    """No two have the same seeds, and all have seed 0."""
    values = {(seed, d): float(d) for d, of in ((2, 1), (5, 2), (10, 3)) for seed in (0, of)}
    first = measured("ae", {at: v + 1 for at, v in values.items()})
    pairs = paired(first, measured("vae_bce", values), "loss", ["latent_dim"])
    assert sorted(pairs.table["latent_dim"]) == [2, 5, 10]
    assert pairs.gained == [1.0]
    assert pairs.note == ""


def test_a_setting_of_one_side_alone_that_one_seed_lacks_counts_for_none():
    """Each seed has an effect of 0.1; two units of the rival in seed 0 made it 0.0."""
    side = measured("conv5_vae", {(seed, 10): 0.6 + seed for seed in range(3)})
    narrow, wide = (
        measured("vae_bce", {(seed, 10): value + seed for seed in seeds}, hidden=hidden)
        for hidden, value, seeds in ((128, 0.5, range(3)), (500, 0.7, [0]))
    )
    wide["run"] += "/wide"
    pairs = paired(side, pd.concat([narrow, wide], ignore_index=True), "loss", ["latent_dim"])
    assert pairs.gained == pytest.approx([0.1] * 3)
    assert pairs.note == "over 1 of 2 settings, without hidden 500"
    assert not pairs.used["run"].str.endswith("/wide").any()


def test_a_run_that_does_not_tell_a_default_has_the_setting_of_those_that_do():
    first = measured("ae", {(seed, 2): 5.0 for seed in range(3)}, hidden_layers=[1, None, 1])
    second = measured("vae_bce", {(seed, 2): 4.0 for seed in range(3)}, hidden_layers=[None, 1, 1])
    for alike in ([], ["hidden_layers"]):
        pairs = paired(first, second, "loss", alike)
        assert (pairs.gained, pairs.note) == ([1.0] * 3, "")


def test_the_batches_of_a_model_in_closed_form_are_no_setting():
    """It takes no steps, so that each of its runs is the same whatever the others' batches are."""
    first = measured("conv_ae", {(seed, 2): 5.0 for seed in range(3)}, batch_size=100)
    run = measured("pca", {(seed, 2): 7.0 for seed in range(2)}, batch_size=100)
    record = measured("pca", {(2, 2): 7.0}, batch_size=200)
    second = pd.concat([run, record], ignore_index=True)
    for alike in (["latent_dim"], []):
        pairs = paired(first, second, "loss", alike)
        assert (pairs.gained, pairs.note) == ([-2.0] * 3, "")


def test_a_run_and_its_record_count_once_and_the_one_that_was_measured():
    first = measured("ae", {(seed, 2): 5.0 + seed for seed in range(3)})
    runs = first.assign(run="run/" + first["run"])
    runs.loc[1, "loss"] = np.nan
    both = pd.concat([runs, first.assign(loss=first["loss"] + 0.5)], ignore_index=True)
    found = by_seed(both, "loss")
    assert list(found.values) == [5.0, 6.5, 7.0]
    assert list(found.used["run"]) == ["run/ae/2/0", "run/ae/2/2", "ae/2/1"]
    assert paired(both, both, "loss").gained == [0.0] * 3


def test_the_settings_that_are_left_out_are_named():
    def over(*dimensions):
        values = {(seed, d): 1.0 for seed in range(2) for d in (2, *(dimensions * (seed == 0)))}
        return paired(measured("ae", values), measured("vae_bce", values), "loss", ["latent_dim"])

    assert over().note == ""
    assert over(3).note == "over 1 of 2 settings, without d = 3"
    first = measured("ae", {(seed, d): 1.0 for seed in range(3) for d in (2, 3, 4)})
    second = measured("vae_bce", {(seed, d): 1.0 for seed in range(3) for d in (2, 4, 5, 6, 7, 8)})
    pairs = paired(first, second, "loss", ["latent_dim"])
    assert pairs.note == "over 2 of 7 settings, without d = 3 and d = 5 and d = 6 and 2 more"
    assert paired(first, second.head(0), "loss", ["latent_dim"]).note == ""


def test_what_was_not_measured_is_not_compared():
    first, second = measured("ae", {(0, 2): 5.0}), measured("vae_bce", {(1, 2): 4.0})
    for pairs in (
        paired(first, second, "loss", ["latent_dim"]),
        paired(first, first, "silhouette", ["latent_dim"]),
        paired(first, first.head(0), "loss", ["latent_dim"]),
    ):
        assert pairs.gained == pairs.gained_logs == []
        assert pairs.used.empty


def test_pairing_sees_an_effect_that_two_bars_would_hide():
    """Seeds differ by far more than models do, and yet each pair differs by about one."""
    values = [10.0, 50.0, 90.0]
    first = measured("ae", {(seed, 2): v + 1 + seed / 10 for seed, v in enumerate(values)})
    second = measured("vae_bce", {(seed, 2): v for seed, v in enumerate(values)})
    effect = Effect(paired(first, second, "loss", ["latent_dim"]).gained, "")
    assert rule.answer(effect) == Answer.SUPPORTED


# Pairs that were measured alike.


def measured_by(model, judges, measure="prior_confidence", images="10000"):
    """Return a run a seed, each measured by a judge on so many test images."""
    runs = measured(model, {(seed, 2): 1.0 + seed for seed in range(len(judges))})
    told = {measuring.JUDGE: judges, measuring.TEST_IMAGES: images, measuring.SNAPSHOTS: "all"}
    return runs.rename(columns={"loss": measure}).assign(**told)


@pytest.mark.parametrize(
    ("measure", "n", "why"),
    [
        ("prior_confidence", 2, "choice of judge"),
        ("a_measure_of_a_plugin", 2, "choice of judge"),
        ("silhouette", 3, ""),
        ("min_train_loss", 3, ""),
        ("train_loss", 3, ""),
    ],
)
@pytest.mark.parametrize("other", ["another", None])
def test_only_runs_of_one_judge_are_compared_by_its_word(measure, n, why, other):
    """Where nothing says which judge it was, it may be another one."""
    first = measured_by("ae", ["one"] * 3, measure)
    second = measured_by("vae_bce", ["one", "one", other], measure)
    pairs = paired(first, second, measure)
    assert len(pairs.gained) == n
    assert pairs.note == (f"left out, as their {why} is another or not known: 1 run" if why else "")
    assert len(by_seed(second, measure).values) == n


@pytest.mark.parametrize(
    ("measure", "n"), [("silhouette", 0), ("prior_confidence", 0), ("test_loss", 3)]
)
def test_only_runs_measured_on_as_many_images_are_compared(measure, n):
    first = measured_by("ae", ["one"] * 3, measure)
    second = measured_by("vae_bce", ["one"] * 3, measure, images="1000")
    pairs = paired(first, second, measure)
    assert len(pairs.gained) == n
    said = "left out, as their number of test images is another or not known: 3 runs"
    assert pairs.note == ("" if n else said)


def test_a_run_that_was_measured_otherwise_does_not_hide_its_record():
    first = measured_by("ae", ["one"] * 3)
    record = measured_by("vae_bce", ["one"] * 3)
    run = measured_by("vae_bce", ["another"] * 3)
    run["run"] = "here/" + run["run"]
    pairs = paired(first, pd.concat([run, record], ignore_index=True), "prior_confidence")
    assert set(pairs.used["run"]) == {*first["run"], *record["run"]}


def test_sides_that_were_measured_otherwise_are_not_compared():
    part = "ae against vae_bce"
    runs = [
        measured_by(model, ["one"] * 3, "silhouette", images)
        for model, images in (("ae", "10000"), ("vae_bce", "1000"))
    ]
    runs = pd.concat(runs).assign(latent_dim=5, hidden=500, cross_entropy="clipped")
    found = answers(runs.assign(precision="float32"), "separation").loc[part]
    assert (found["answer"], found["n"]) == (Answer.NOT_RUN, 0)
    assert found["note"] == (
        "no seed was measured alike on both sides; left out, as their number of test images is "
        "another or not known: 3 runs"
    )


def test_runs_and_records_say_by_what_they_were_measured(tmp_path, monkeypatch):
    path = next(
        path for path in sorted(CODES.records.rglob("*.json")) if read_record(path).run.evaluation
    )
    record = read_record(path).run
    monkeypatch.chdir(tmp_path)
    layout = Layout("mnist")
    files = layout.run("ae/seed=0")
    settings = {"snapshots": dict(record.settings.snapshots)}
    write_json(files.config, {"settings": settings})
    write_json(stamp_of(files.metrics), {"settings": dict(record.evaluation), "sha256": ""})
    runs = pd.DataFrame({"run": ["ae/seed=0", "ae/seed=1"]})
    told = gather(layout, [CODES], runs, {}).runs.set_index("run")
    found = told[[*measuring.EVERY]]
    here = found.loc["ae/seed=0"]
    assert list(here) == list(measuring.of_record(record).values())
    assert here.notna().all()
    assert found.loc["ae/seed=1"].isna().all()
    as_long = found[told["planned_epochs"] == record.settings.epochs]
    assert (as_long.nunique() == 1).all() and (as_long == here).all(axis=None)
    assert not {*measuring.EVERY} & {*gather(layout, [], runs, {}).runs}


# Claims.


def test_every_claim_that_is_a_file_says_where_its_study_makes_it(monkeypatch):
    folders = [our_study(name).folder for name in ("auto-encoders-slides", "perez-2022")]
    with_claims_of(monkeypatch, *folders)
    assert set(catalogue.claims()) == {"fitted_gaussian", "prior_draws", "squared_error_mean"}
    table = claims_table(list(map(reading.read, folders)), of_grid("ae", lambda *_: 1.0))
    of_files = table[table["name"].isin(catalogue.claims())]
    assert set(of_files["study"]) == {"auto-encoders-slides", "perez-2022"}
    sources = set(of_files.set_index("name").loc["prior_draws", "source"])
    assert sources == {"perez-2022, sections 4.3.2 and 5.1.1"}
    assert set(of_files["answer"]) == {Answer.NOT_RUN}


def drawn_to_prior(shares, monkeypatch, others=None):
    """Answer source 004's claim on codes and their prior by runs with these shares of codes in it.

    Args:
        shares: by posterior, one a seed.
        others: the same of runs with another learning rate.
    """
    folder = our_study("vesel-draft").folder
    with_claims_of(monkeypatch, folder)
    rows = [
        {"model": "aae", "entry": "aae", "run": f"{posterior}/{seed}", "posterior": posterior}
        | {"latent_dim": 2, "seed": seed, "test_within_prior": share, "planned_epochs": 20}
        | {"precision": "float32", "batch_size": 100, "optimizer": "adam", "learning_rate": rate}
        for rate, of_rate in ((0.001, shares), (0.01, others or {}))
        for posterior, of_posterior in of_rate.items()
        for seed, share in enumerate(of_posterior)
    ]
    table = claims_table([reading.read(folder)], pd.DataFrame(rows))
    return table[table["name"] == "drawn_to_prior"]["answer"].tolist()


def test_codes_are_drawn_to_the_prior_if_their_share_is_95_percent_but_for_5_points(monkeypatch):
    shares = {
        "deterministic": [0.94, 0.95, 0.96],
        "gaussian": [0.51, 0.55, 0.53],  # too far out
        "universal": [1.0, 0.95, 0.99],  # too near to 0 in some
    }
    expected = [Answer.SUPPORTED, Answer.CONTRADICTED, Answer.UNDECIDED]
    assert drawn_to_prior(shares, monkeypatch) == expected
    crowded = {posterior: [1.0, 1.0, 1.0] for posterior in shares}
    assert Answer.SUPPORTED not in drawn_to_prior(crowded, monkeypatch)
    assert drawn_to_prior({"gaussian": [0.95] * 3}, monkeypatch) == [
        Answer.NOT_RUN,
        Answer.SUPPORTED,
        Answer.NOT_RUN,
    ]


def test_shares_on_both_sides_of_95_percent_do_not_make_a_mean(monkeypatch):
    few, many = {"gaussian": [0.91] * 3}, {"gaussian": [0.99] * 3}
    assert drawn_to_prior(few, monkeypatch, many)[1] == Answer.SUPPORTED
    few, many = {"gaussian": [0.85] * 3}, {"gaussian": [1.0] * 3}
    assert drawn_to_prior(few, monkeypatch, many)[1] == Answer.CONTRADICTED


def answers(runs, name):
    table = claims_table(STUDIES, runs)
    return table[table["name"] == name].set_index("part")


def of_grid(model, loss):
    """The whole grid of the thesis with three seeds; `loss(d, optimizer, rate)` says the loss."""
    return pd.DataFrame(
        {"model": model, "entry": model, "seed": seed, "latent_dim": d, "optimizer": optimizer}
        | {"learning_rate": rate, "planned_epochs": 50, "batch_size": 100}
        | {"precision": "float32", "status": "finished"}
        | {"run": f"{model}/{d},{optimizer},{rate}/{seed}"}
        | {
            name: loss(d, optimizer, rate) + offset + seed / 1000
            for name, offset in {
                "min_train_loss": 0,
                "min_train_batch_sum_corrected": 0,
                "min_train_batch_sum": d,
            }.items()
        }
        for seed in range(3)
        for d in (2, 20, 50)
        for optimizer in ("adadelta", "adam_000", "rmsprop")
        for rate in (0.0001, 0.00075)
    )


def slower(optimizer):
    return {"adam_000": 0.0, "rmsprop": 1.0, "adadelta": 50.0}[optimizer]


def test_adam_is_found_to_beat_the_others_where_it_does():
    runs = of_grid("vae", lambda d, optimizer, rate: 30 + slower(optimizer))
    found = answers(runs, "adam")
    corrected = (
        "vae, corrected scale: the best setting of adam against the best of the other optimizers"
    )
    assert set(found["answer"][found["n"] > 0]) == {Answer.SUPPORTED}
    assert found.loc[corrected, "effect"] == pytest.approx(100 / 31, rel=1e-3)
    assert found.loc[corrected, "epochs"] == "50"


def test_the_constant_alone_can_make_fifty_dimensions_worse():
    """Losses that fall with d, but less than the published constant grows."""
    runs = of_grid("vae", lambda d, optimizer, rate: 100 - d / 10)
    found = answers(runs, "latent_dimension")["answer"]
    assert found["vae, published scale: d = 20 against 50"] == Answer.SUPPORTED
    assert found["vae, corrected scale: d = 20 against 50"] == Answer.CONTRADICTED
    assert found["conv_vae, published scale: d = 20 against 50"] == Answer.NOT_RUN


@pytest.mark.parametrize(("ahead", "answer"), [(1.9, "supported"), (2.1, "contradicted")])
def test_fifty_dimensions_improve_a_loss_by_more_than_its_tolerance_or_not_at_all(ahead, answer):
    """At 50 dimensions the loss is so many per cent lower."""
    runs = of_grid("vae", lambda d, *_: 1e6 / (1 + ahead / 100) if d == 50 else 1e6)
    part = "vae, corrected scale: d = 20 against 50"
    assert answers(runs, "latent_dimension").loc[part, "answer"] == answer


def test_an_answer_says_over_which_of_the_printed_settings_it_is():
    runs = of_grid("vae", lambda d, optimizer, rate: 100 - d / 10)
    part = "vae, corrected scale: d = 20 against 2"
    assert answers(runs, "two_dimensions").loc[part, "note"] == ""
    fast = runs["learning_rate"] == 0.00075
    lacks = fast & (runs["optimizer"] == "adam_000") & (runs["latent_dim"] == 20)
    nowhere = fast & (runs["optimizer"] == "rmsprop")
    runs = runs[~(lacks & (runs["seed"] == 1)) & ~nowhere]
    found = answers(runs, "two_dimensions").loc[part]
    assert found["n"] == 3
    said = "over 4 of 6 settings, without adam_000, lr 0.00075 and rmsprop, lr 0.00075"
    assert found["note"] == said


def test_the_best_setting_meets_the_best_of_the_others():
    def loss(d, optimizer, rate):
        return 10 + slower(optimizer) + abs(d - 20) + (0 if rate == 0.0001 else 0.5)

    found = answers(of_grid("vae", loss), "best_configuration")
    (row,) = found[found.index.str.startswith("vae, corrected")].to_dict("records")
    assert row["answer"] == Answer.SUPPORTED
    assert row["note"] == "the best other is d = 20, adam_000, lr 0.00075; 18 settings were run"
    alone = answers(of_grid("vae", loss).query("seed == 0"), "best_configuration")
    assert alone.loc[alone["n"] > 0, "answer"].str.startswith("hint: ").all()
    # An MMD-VAE of the same losses prefers the lower rate, against the claim.
    found = answers(of_grid("mmd_vae", loss), "best_configuration")
    assert found.loc[found.index.str.startswith("mmd_vae"), "answer"].tolist() == ["contradicted"]


def test_no_better_allows_for_the_tolerance():
    def codes(model, silhouette):
        values = {(seed, 10): silhouette + seed / 10000 for seed in range(3)}
        found = measured(model, values, precision="float32", cross_entropy="clipped", hidden=500)
        return found.rename(columns={"loss": "silhouette"})

    dense = codes("conv5_vae", 0.9).assign(encoder="dense", decoder="conv", cross_entropy=None)
    found = answers(pd.concat([codes("ae", 0.15), dense]), "separation")
    assert found.loc["ae against conv5_vae", "answer"] == Answer.NOT_RUN
    for variational, answer in ((0.15, "supported"), (0.155, "supported"), (0.2, "contradicted")):
        runs = pd.concat([codes("ae", 0.15), codes("vae_bce", variational)])
        found = answers(runs, "separation")
        assert found.loc["ae against vae_bce", "answer"] == answer
        assert found.loc["ae against conv5_vae", "answer"] == Answer.NOT_RUN


# A claim's runs are the model as its source has it, trained alike.

SLIDES = our_study("auto-encoders-slides")
ERRORS = {"pca": 30.0, "conv_ae": 26.0}  # 26 is 13.3 % less than 30


def of_slides(model, error, entry=None, **changes):
    """Return three finished runs at d = 8, as the slides' grid trains them; with other settings."""
    steps = model != "pca"
    trained = {"optimizer": "adam", "learning_rate": 0.001} if steps else {}
    of_all = {"model": model, "entry": entry or model, "latent_dim": 8, "precision": "float32"}
    of_all |= {"planned_epochs": 20 if steps else 1, "batch_size": 100, "status": "finished"}
    of_all |= trained | changes
    name = f"{of_all['entry']}/{sorted(changes.items())}"
    return pd.DataFrame(
        of_all | {"run": f"{name}/{seed}", "seed": seed, "test_squared_error": error + seed / 1000}
        for seed in range(3)
    )


@pytest.mark.parametrize(
    "ablation",
    [
        # The case of the gallery: the first of the building blocks is no other than the default.
        {"channels": 8, "planned_epochs": 2, "normalisation": "none", "upsampling": "transposed"},
        {"channels": 8},
        {"planned_epochs": 2},
        {"planned_epochs": 200},
        {"batch_size": 500},
        {"batch_size": 10},
        {"optimizer": "rmsprop"},
        {"learning_rate": 0.1},
        {"normalisation": "batch"},
    ],
    ids=str,
)
def test_an_ablation_is_not_taken_for_the_model(ablation):
    runs = [of_slides(model, error) for model, error in ERRORS.items()]
    runs.append(of_slides("conv_ae", 40.0, entry="blocks", **ablation))
    (row,) = [r for r in claims_table([SLIDES], pd.concat(runs)).to_dict("records") if r["n"] > 0]
    assert row["part"] == "conv_ae against pca, d = 8"
    assert row["effect"] == pytest.approx(100 * (1 - 26 / 30), rel=1e-3)
    assert not any(run.startswith("blocks") for run in separated(row["runs"]))
    assert row["answer"] == Answer.SUPPORTED


@pytest.mark.parametrize("change", [{"planned_epochs": 2}, {"batch_size": 50}, {"optimizer": "x"}])
def test_models_that_were_trained_otherwise_are_not_compared(change):
    """One with 2 epochs says nothing of itself beside one with 20."""
    codes = {"cross_entropy": "clipped", "hidden": 500, "latent_dim": 10}
    ae, vae = (of_slides(m, 30.0, **codes).assign(silhouette=0.1) for m in ("ae", "vae_bce"))
    found = answers(pd.concat([ae, vae]), "separation").loc["ae against vae_bce"]
    assert found["answer"] == Answer.SUPPORTED
    found = answers(pd.concat([ae, vae.assign(**change)]), "separation").loc["ae against vae_bce"]
    assert (found["answer"], found["n"]) == (Answer.NOT_RUN, 0)
    assert found["note"].startswith("not trained alike: adam, lr 0.001")
    wider = pd.concat([ae, vae.assign(hidden=64)])
    assert answers(wider, "separation").loc["ae against vae_bce", "answer"] == Answer.NOT_RUN


def test_of_several_trainings_the_one_with_most_seeds_counts_and_then_the_longest():
    def pair(epochs, seeds, gain):
        for model, error in (("ae", 30.0), ("vae_bce", 30.0 - gain)):
            yield of_slides(model, error, planned_epochs=epochs).head(seeds)

    short, long, alone = (list(pair(*of)) for of in ((2, 3, 1), (20, 3, 2), (50, 1, 3)))
    runs = pd.concat([*short, *long, *alone], ignore_index=True)
    first, second = (runs[runs["model"] == model] for model in ("ae", "vae_bce"))
    assert paired(first, second, "test_squared_error").gained == pytest.approx([2, 2, 2])
    free = {"planned_epochs"}
    found = paired(first, second, "test_squared_error", free=free).used
    assert set(found["planned_epochs"]) == {2, 20}  # only one seed has 50


def test_what_a_study_was_trained_with_is_asked_of_its_claims():
    runs = of_grid("vae", lambda d, optimizer, rate: 30 + slower(optimizer))
    assert set(answers(runs, "adam")["n"]) == {3, 0}
    assert set(answers(runs.assign(planned_epochs=5), "adam")["n"]) == {0}


# Under-specified numbers.


def test_a_scan_finds_the_epochs_at_which_a_silhouette_is_met(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    layout = Layout("mnist")
    labels = np.repeat(np.arange(2, dtype=np.uint8), 50)
    rng = np.random.default_rng(0)
    apart = {
        epoch: rng.normal(labels[:, None] * distance, 1, (100, 2)).astype(np.float32)
        for epoch, distance in ((0, 9.0), (1, 0.0), (5, 9.0))
    }
    name = "ae/seed=0"
    layout.run(name).folder.mkdir(parents=True)
    save_file({f"{e}/codes": c for e, c in apart.items()}, layout.run(name).snapshots)
    write_json(layout.run(name).outcome, {"status": "finished", "reason": "", "epochs": 5})
    seal(layout.run(name))
    runs = pd.DataFrame(
        [{"run": name, "model": "ae", "seed": 0, "hidden": 500, "latent_dim": 10}]
    ).assign(status="finished", optimizer="adam", learning_rate=0.001, batch_size=100)
    runs["cross_entropy"] = "clipped"
    record = runs.assign(run="record:ae", silhouette=0.5, epochs=5)
    runs = pd.concat([runs, record], ignore_index=True)
    test = Images(np.zeros((100, 1, 28, 28), np.uint8), labels)
    evidence = Evidence(runs, pd.DataFrame({"run": []}), {"images": 100, "pixels": 784})
    table = regions.table(layout, [CODES], evidence, test)
    ours = table.set_index("epoch")["ours"]
    assert list(ours.index) == [1, 5]
    met = replace(CODES.numbers[0], printed=f"{ours[5]:.3f}")
    found = regions.table(layout, [replace(CODES, numbers=(met,))], evidence, test)
    (row,) = regions.summary(found).to_dict("records")
    assert (row["study"], row["points"], row["met"]) == ("perez-2022", 2, 1)
    assert row["region"] == "hidden units 500, d 10, epochs 5"
    assert row["runs"] == name
    layout.run(name).snapshots.unlink()
    found = regions.table(layout, [CODES], evidence, test)
    assert found[["run", "epoch", "ours"]].drop_duplicates().to_numpy().tolist() == [
        ["record:ae", 5, 0.5]
    ]


def test_networks_other_than_the_documents_are_not_scanned():
    runs = pd.DataFrame(
        {
            "model": ["conv5_vae", "conv5_vae", "vae_bce", "vae_bce"],
            "status": "finished",
            "encoder": ["conv", "dense", None, None],
            "hidden_layers": [None, None, 1, 2],
            "hidden": [None, None, 100, 500],
        }
    )
    assert list(as_built(runs, "conv5_vae").index) == [0]
    assert list(as_built(runs, "vae_bce", {"hidden": [100, 500]}).index) == [2]
    assert list(as_built(runs, "vae_bce", free={"hidden"}).index) == [2]
    assert list(as_built(runs, "vae_bce", {"hidden_layers": 2}).index) == [3]
    assert as_built(runs, "vae_bce").empty


# The page.


def test_the_page_says_what_was_found(tmp_path, monkeypatch):
    losses = of_grid("vae", lambda d, optimizer, rate: 100 - d / 10 + slower(optimizer))
    others = losses[~losses["run"].str.contains("/2,adam_000,0.00075/")]
    runs = pd.concat([others, grid_runs([2.2e6] * 3)], ignore_index=True)
    write_verdicts(tmp_path, monkeypatch, runs, STUDIES)
    found = reproduction.read_reproduction(Layout("mnist"), STUDIES)
    assert list(found.studies) == ["vizoso-2020", "perez-2022"]
    assert found.is_reached
    assert found.left_out == {}
    assert len(found.findings) == 3
    assert found.findings[0].startswith("1 of the 18 published numbers")
    assert all("contradicted in " in finding for finding in found.findings[1:])
    assert found.claims[0]["parts"]
    assert found.claims[-1]["parts"] == []
    (excess,) = found.excesses
    assert excess.startswith("a loss contains 0.5 * (batch_size - 1) * latent_dim * 600, as d is")
    (note,) = [row["note"] for row in found.tables if row["note"]]
    assert note.startswith("The script published for this table holds no training loop")


@pytest.mark.parametrize(
    ("least", "said"),
    [(0.0, "a"), (-5.0, "a, allowing 5.0 the other way"), (2.0, "a, which must exceed 2.0")],
)
def test_what_an_effect_must_exceed_stands_beside_it(least, said):
    """Else a reader takes a positive effect for one that supports the claim."""
    assert reproduction.compared(pd.Series({"part": "a", "least": least})) == said


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-2.84, -0.02, "−1.4 (−2.8 to −0.02) %"),
        (0.0004, 2.9, "−1.4 (0.0004 to 2.9) %"),
        (-0.00000001, 0.0, "−1.4 (0.0 to 0.0) %"),
        (np.nan, np.nan, "−1.4 %"),
    ],
)
def test_the_end_of_an_interval_shows_on_which_side_of_zero_it_is(low, high, said):
    row = {"effect": -1.43, "low": low, "high": high, "unit": "%", "n": 3, "least": 0.0}
    assert reproduction.effect(pd.Series(row)) == f"{said}, 3 seeds"


@pytest.mark.parametrize(
    ("least", "low", "unit", "said"),
    [
        (10.0, 10.04, "%", "12.0 (10.04 to 14.0) %"),
        (10.0, 9.98, "%", "12.0 (9.98 to 14.0) %"),
        (10.0, 10.0, "%", "12.0 (10.0 to 14.0) %"),
        (0.25, 0.2496, "of the way", "12.000 (0.2496 to 14.000) of the way"),
        (-5.0, 0.02, "%", "12.0 (0.02 to 14.0) %"),
    ],
)
def test_the_end_of_an_interval_shows_on_which_side_of_what_is_needed_it_is(least, low, unit, said):
    row = {"effect": 12.0, "low": low, "high": 14.0, "unit": unit, "n": 3, "least": least}
    assert reproduction.effect(pd.Series(row)) == f"{said}, 3 seeds"


def test_what_no_run_can_answer_is_shown_with_its_reason():
    row = {"study": "s", "claim": "It takes an hour.", "source": "s, page 1", "part": "a", "n": 0}
    row |= {"note": "theirs ran on a GPU", "unit": "hours", "least": 0.0, "epochs": "", "runs": ""}
    rows = [
        row | {"name": "one", "answer": "not run"},
        row | {"name": "two", "answer": "out of reach"},
        row | {"name": "two", "answer": "not run"},
    ]
    two, one = reproduction._claims(pd.DataFrame(rows))
    assert (one["parts"], one["open"], two["open"]) == ([], 1, 1)
    (part,) = two["parts"]
    assert (part["answer"], part["effect"]) == ("out of reach", "–")
    assert part["note"] == "theirs ran on a GPU"


def test_the_effect_that_is_called_the_largest_is_the_largest():
    """Not the one that is farthest from what the claim asks for, here that it exceeds 2."""
    common = {"claim": "Some are larger.", "source": "one", "unit": "times", "least": 2.0, "n": 1}
    parts = [("a", 0.1, "hint: contradicted"), ("b", 3.5, "hint: supported")]
    rows = [
        {**common, "part": part, "effect": effect, "answer": answer, "low": np.nan, "high": np.nan}
        for part, effect, answer in parts
    ]
    said = reproduction._finding(pd.DataFrame(rows))
    assert said.endswith("the largest effect: b, 3.500 times, one seed.")


def test_effects_in_other_units_are_not_compared():
    common = {"claim": "One is better.", "source": "one", "least": 0.0, "n": 1, "answer": "a"}
    common |= {"low": np.nan, "high": np.nan}
    parts = [("a", 0.4, "silhouette"), ("b", 1.0, "% of the loss"), ("c", -0.5, "silhouette")]
    rows = [{**common, "part": one, "effect": of, "unit": unit} for one, of, unit in parts]
    said = reproduction._finding(pd.DataFrame(rows))
    assert said.endswith(
        "the largest effect in each unit: c, −0.500 silhouette, one seed; b, 1.0 % of the loss, "
        "one seed."
    )


def test_a_study_is_not_taken_for_one_whose_name_begins_alike():
    cited = {"doe-2024": "Doe 2024", "doe-2024-b": "Roe et al. 2024", "ae": "«An ae»"}
    said = "1 of doe-2024-b, 2 of doe-2024; vae_bce, conv-ae and ae"
    found = reproduction.named(said, cited)
    assert found == "1 of Roe et al. 2024, 2 of Doe 2024; vae_bce, conv-ae and «An ae»"
    assert reproduction.named(said, {}) == said


def test_tables_of_several_studies_are_told_apart():
    verdicts = pd.DataFrame({"verdict": ["reproduced"] * 2, "n": 3})
    agreement = pd.DataFrame({"study": ["a", "b"], "table": "1", "rho": [0.5, -0.5]})
    agreement = agreement.assign(low=np.nan, high=np.nan)
    said = reproduction._numbers_finding(verdicts, agreement)
    assert said.endswith(
        "rank correlation with ours: 0.50 for table 1 of a; −0.50 for table 1 of b."
    )
    alone = reproduction._numbers_finding(verdicts, agreement.head(1))
    assert alone.endswith("rank correlation with ours: 0.50 for table 1.")


def test_a_claim_out_of_reach_is_not_answered_by_the_runs(tmp_path, monkeypatch):
    """Else the report would look for a finding that there is none of."""
    name, claim = next(iter(THESIS.facts.claims.items()))
    claim = claim.model_copy(update={"comparisons": [], "open": "nothing here measures it"})
    facts = THESIS.facts.model_copy(update={"claims": {name: claim}})
    study = replace(THESIS, facts=facts, numbers=(), folder=tmp_path)
    write_verdicts(tmp_path, monkeypatch, grid_runs([2.2e6] * 3), [study])
    found = reproduction.read_reproduction(Layout("mnist"), [study])
    assert [part["answer"] for claim in found.claims for part in claim["parts"]] == ["out of reach"]
    assert (found.findings, found.is_reached) == ([], False)


def test_a_model_may_be_called_by_a_number(tmp_path, monkeypatch):
    numbered = tuple(replace(one, model="1") for one in THESIS.numbers if one.table == "VII.1")
    study = replace(THESIS, numbers=numbered)
    write_verdicts(tmp_path, monkeypatch, grid_runs([2.2e6]), [study])
    found = reproduction.read_reproduction(Layout("mnist"), [study])
    assert [table["models"] for table in found.tables] == ["1"]
    assert {row["model"] for row in found.numbers} == {"1"}


def test_an_effect_may_have_no_unit(tmp_path, monkeypatch):
    """Claims of plugins may leave it empty, which a table in CSV has for a missing value."""
    table = pd.DataFrame([{"part": "a", "effect": 2.0, "unit": "", "n": 1, "low": np.nan}])
    monkeypatch.chdir(tmp_path)
    layout = Layout("mnist")
    layout.tables.mkdir(parents=True)
    table.assign(high=np.nan, least=0.0).to_csv(layout.tables / "claims.csv", index=False)
    (row,) = (row for _, row in reproduction.read_claims(layout).iterrows())
    assert reproduction.effect(row) == "2.000, one seed"


def test_studies_on_another_data_set_are_left_out_in_a_line(tmp_path, monkeypatch):
    on_digits = reading.read(copy_study(tmp_path, "perez-2022", dataset="digits"))
    slides = our_study("modulo-7")  # without numbers and, here, claims, so on no data set
    slides = replace(slides, facts=slides.facts.model_copy(update={"claims": {}}))
    write_verdicts(tmp_path, monkeypatch, grid_runs([2.2e6] * 3), [on_digits], "digits")
    found = reproduction.read_reproduction(Layout("digits"), [THESIS, on_digits, slides])
    assert list(found.studies) == ["perez-2022"]
    assert found.left_out == {"mnist": ["vizoso-2020"]}
    assert found.findings == ["None of the 3 published numbers can be judged by these runs."]
    assert not found.is_reached
    assert found.cited == {one.name: one.cited for one in (THESIS, on_digits, slides)}
    assert {row["study"] for row in found.numbers} == {"perez-2022"}


def write_verdicts(folder: Path, monkeypatch, runs, studies, dataset="mnist"):
    monkeypatch.chdir(folder)
    layout = Layout(dataset)
    verdicts = numbers.table(studies, evidence(runs))
    scanned = pd.DataFrame(columns=regions.COLUMNS)
    of_file = {
        "verdicts": verdicts,
        "claims": claims_table(studies, runs),
        "rank_agreement": numbers.rank_agreement(verdicts),
        "scanned": scanned,
        "regions": regions.summary(scanned),
    }
    layout.tables.mkdir(parents=True)
    for name, table in of_file.items():
        table.to_csv(layout.tables / f"{name}.csv", index=False)
