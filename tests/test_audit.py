"""The audit finds what is wrong in a study by itself, and leaves sound tables alone."""

import csv
import importlib.util
import json
import math
import random
import subprocess
import sys
from collections import Counter
from itertools import product

import pytest
import yaml
from scipy.stats import binomtest, chi2, nbinom

from latentgrid import cli
from latentgrid.audit import false_alarms, table
from latentgrid.audit.disagreements import STATED
from latentgrid.audit.examine import RULES, examine
from latentgrid.audit.rules import calculations, equal_values, last_digits
from latentgrid.errors import UserError
from latentgrid.files.layout import Layout
from latentgrid.report.audit import read_audit
from latentgrid.report.markdown import markdown_templates
from latentgrid.report.page import templates
from latentgrid.studies import reading
from latentgrid.tracking.records import tallies
from project import ROOT, call, pending, run, without_links
from studies import copy_study

LAYOUT = Layout("digits")
SETTINGS = list(product((2, 20, 50), ("adam", "rmsprop", "adadelta"), (0.0001, 0.00075)))
LOSS = {"called": "a loss", "unit": "nats", "measure": None, "better": "smaller", "least": 0}
SHARE = {"called": "a share", "unit": "of 1", "measure": None, "better": "larger", "mean_of": 25}
ADAM = {
    "side": {"optimizer": "adam"},
    "rival": {"optimizer": "rmsprop"},
    "alike": ["latent_dim", "learning_rate"],
    "by": "min_train_loss",
    "better": "smaller",
    "published_as": "loss",
    "unit": "nats",
}


def study_of(folder, tables, quantities=None, claims=(), **facts):
    """Write and read a study; `tables` maps each to its numbers as printed, in order of SETTINGS.

    A number may be a pair with its quantity, and a table's name may have its model behind a /.
    """
    folder = folder / "a-study"
    folder.mkdir(exist_ok=True)
    content = {
        "title": "A study",
        "authors": [],
        "year": None,
        "place": "nowhere",
        "dataset": "mnist",
        "settings": ["latent_dim", "optimizer", "learning_rate"],
        "trained": {"epochs": 1, "batch_size": 100},
        "tables": {name.partition("/")[0]: {"shows": "numbers"} for name in tables},
        "quantities": {"loss": LOSS, "share": SHARE, **(quantities or {})},
        "claims": {
            f"claim-{n}": {"says": "so", "place": "text", "comparisons": [comparison]}
            for n, comparison in enumerate(claims)
        },
        **facts,
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    with (folder / "numbers.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["table", "model", *content["settings"], "quantity", "unit", "value"])
        for name, numbers in tables.items():
            place, _, model = name.partition("/")
            for setting, number in zip(SETTINGS, numbers, strict=False):
                quantity, printed = number if isinstance(number, tuple) else ("loss", number)
                unit = content["quantities"][quantity]["unit"]
                rows.writerow([place, model or "vae", *setting, quantity, unit, printed])
    return reading.read(folder)


def grid(seed=0, scale=1.0):
    """Return 18 numbers whose effects multiply, but for the spread of a seed, with five digits."""
    draw = random.Random(seed)
    effects = [
        {level: draw.gauss(0, 0.5) for level in levels} for levels in zip(*SETTINGS, strict=True)
    ]
    exact = [sum(e[v] for e, v in zip(effects, s, strict=True)) for s in SETTINGS]
    return [f"{scale * math.exp(value + draw.gauss(0, 0.01)):.4e}" for value in exact]


def lines_of(study, rule):
    return [finding.place.line for finding in RULES[rule].find(study)]


# The first study: what the issue asks for, found without a word about it in the code.


def test_what_is_found_in_the_first_study():
    study = reading.load("000")
    found = {rule: list(module.find(study)) for rule, module in RULES.items()}
    printed = {number.line: number.printed for number in study.numbers}

    def values(rule):
        return sorted(printed[finding.place.line] for finding in found[rule])

    assert values("equal_values") == ["2.1641e+6", "3.8400e+6"]
    assert all("table VII.1" in one.says for one in found["equal_values"])
    assert values("out_of_line") == ["2.1137e+6", "2.1995e+6"]
    assert all("d = 50" in one.place.setting for one in found["out_of_line"])
    assert "628,700 without the known excess" in found["out_of_line"][0].says
    assert values("mixed_digits") == ["5.23219", "60.11"]
    (adam,) = [one for one in found["claims_against_table"] if "Adam is chosen" in one.about]
    assert "2.0031e+6 is beaten by 2.1137e+6 at d = 50, adadelata" in adam.says
    (best,) = [one for one in found["claims_against_table"] if "(table VI.5)" in one.about]
    assert best.says == (
        "2.0031e+6 is beaten by 2.1137e+6 at d = 50, adadelata, lr 0.00075: without the known "
        "excess they are 1,409,100 and 628,700"
    )
    assert [one.says for one in found["spelling"]] == [
        "optimizer adadelata is spelled adadelta elsewhere; numbers with this spelling: 12"
    ]
    assert len(found["statements"]) == len(study.facts.statements) > 9
    silent = {"impossible", "too_few_digits", "calculations", "agreements", "grim", "last_digits"}
    assert {rule for rule, findings in found.items() if not findings} == silent


def test_each_study_is_audited():
    found = Counter({study.name: len(examine(study)) for study in reading.chosen("all")})
    stated = {study.name: len(study.facts.statements) for study in reading.chosen("all")}
    only_texts = ("auto-encoders-slides", "modulo-7", "vesel-draft", "perez-2022")
    assert all(found[name] == stated[name] > 2 for name in only_texts)


# Equal values.


def test_a_copied_cell_is_found_and_a_sound_pair_of_tables_is_not(tmp_path):
    first, second = grid(1), grid(2)
    assert not lines_of(study_of(tmp_path, {"1": first, "2/conv_vae": second}), "equal_values")
    second[4] = first[4]
    assert lines_of(study_of(tmp_path, {"1": first, "2/conv_vae": second}), "equal_values") == [24]


def test_a_copied_cell_with_one_digit_more_is_told_as_it_is_printed(tmp_path):
    first, second = grid(1), grid(2)
    mantissa, _, exponent = first[4].partition("e")
    second[4] = f"{mantissa}4e{exponent}"
    study = study_of(tmp_path, {"1": first, "2/conv_vae": second})
    (finding,) = RULES["equal_values"].find(study)
    assert finding.says.startswith(f"{second[4]} stands in table 1 as {first[4]}, at vae, ")


def test_a_copied_column_is_found(tmp_path):
    first = grid(1)
    lines = lines_of(study_of(tmp_path, {"1": first, "2/conv_vae": first}), "equal_values")
    assert lines == [*range(20, 38)]


def test_values_of_few_digits_are_equal_by_chance(tmp_path):
    rough = [f"{float(one):.1f}" for one in grid(1)]
    tables = {"1": rough, "2/conv_vae": [f"{float(one):.1f}" for one in grid(2)]}
    assert not lines_of(study_of(tmp_path, tables), "equal_values")


def test_the_chance_of_equal_values_is_that_of_draws():
    draw = random.Random(3)
    chances = []
    for _ in range(4000):
        units = [draw.randint(-60, 60) for _ in range(40)]
        differences = [abs(one) for one in units]
        equal = differences.count(0)
        chances.append(equal_values.chance(equal, differences, len(differences)))
    for level in (0.2, 0.05, 0.01):
        fired = sum(one <= level for one in chances)
        assert binomtest(fired, len(chances), level, alternative="greater").pvalue > 1e-4
    assert min(chances) < 0.01


@pytest.mark.parametrize(
    ("equal", "apart"),
    [(2, {5: 20, 40: 60}), (20, {1: 600, 2: 150}), (80, {1: 600, 9: 12_000}), (3, {1: 40_000})],
)
def test_the_chance_of_equal_values_is_a_negative_binomial_tail(equal, apart):
    differences = [0] * equal + [units for units, pairs in apart.items() for _ in range(pairs)]
    width = min(apart)
    tail = nbinom.sf(equal - 1, apart[width] + 1, 1 - 1 / (2 * width + 1))
    found = equal_values.chance(equal, differences, len(differences))
    assert found == pytest.approx(tail, rel=1e-6)


def test_equal_values_of_a_large_sound_table_are_no_finding(tmp_path):
    draw = random.Random(0)
    tables = {str(n): [f"{draw.uniform(100, 400):.1f}" for _ in SETTINGS] for n in range(9)}
    assert len(set().union(*tables.values())) < 9 * len(SETTINGS)
    assert examine(study_of(tmp_path, tables)) == []


# Impossible values.


def test_a_value_below_the_least_without_its_excess_is_impossible(tmp_path):
    excess = {"value": "100 * latent_dim", "because": "a constant"}
    quantities = {"loss": {**LOSS, "excess": excess}}
    numbers = ["5000.0" if d == 50 else "9000.0" for d, _, _ in SETTINGS]
    assert not lines_of(study_of(tmp_path, {"1": numbers}, quantities), "impossible")
    numbers[-1] = "4999.9"
    assert lines_of(study_of(tmp_path, {"1": numbers}, quantities), "impossible") == [19]


# Values out of line.


@pytest.mark.parametrize("factor", [1 / 3, 3])
def test_a_value_out_of_line_is_found_and_no_other(tmp_path, factor):
    numbers = grid(5, scale=1e6)
    assert not lines_of(study_of(tmp_path, {"1": numbers}), "out_of_line")
    numbers[7] = f"{float(numbers[7]) * factor:.4e}"
    study = study_of(tmp_path, {"1": numbers})
    (finding,) = RULES["out_of_line"].find(study)
    assert finding.place.line == 9
    assert finding.place.setting == "vae, d = 20, adam, lr 0.00075"


def test_axes_that_act_together_are_no_outlier(tmp_path):
    """Adadelta at the low rate is worse at every dimension: six of 18 values show it."""
    numbers = [
        f"{float(one) * (3 if optimizer == 'adadelta' and rate == 0.0001 else 1):.4e}"
        for one, (_, optimizer, rate) in zip(grid(5), SETTINGS, strict=True)
    ]
    assert not lines_of(study_of(tmp_path, {"1": numbers}), "out_of_line")


def test_values_below_zero_are_compared_as_they_are(tmp_path):
    numbers = [f"{float(one) - 1:.4f}" for one in (f"{d / 50:.4f}" for d, _, _ in SETTINGS)]
    quantities = {"loss": {**LOSS, "least": None}}
    assert not lines_of(study_of(tmp_path, {"1": numbers}, quantities), "out_of_line")
    numbers[3] = "7.0000"
    assert lines_of(study_of(tmp_path, {"1": numbers}, quantities), "out_of_line") == [5]


# Claims.


def with_adam(ahead):
    """Return a table in which Adam is so much better than RMSProp, setting after setting."""
    values = iter(ahead)
    return [f"{2 - next(values):.3f}" if o == "adam" else "2.000" for _, o, _ in SETTINGS]


def test_a_claim_is_beaten_where_its_side_is(tmp_path):
    claimed = {"claims": [ADAM]}
    sound = study_of(tmp_path, {"1": with_adam([0.1] * 6)}, **claimed)
    assert not lines_of(sound, "claims_against_table")
    study = study_of(tmp_path, {"1": with_adam([0.1, 0.1, -0.1, 0.1, 0.1, 0.1])}, **claimed)
    (finding,) = RULES["claims_against_table"].find(study)
    assert finding.place.line == 8
    assert finding.says == "2.100 is beaten by 2.000 at rmsprop"
    compared = "optimizer adam against optimizer rmsprop"  # the comparison has no words of its own
    assert finding.about == f"«so» (text), {compared}: beaten at 1 of 6 settings"


def test_what_a_claim_needs_counts(tmp_path):
    table = {"1": with_adam([0.1] * 6)}
    enough, short = ({**ADAM, "as_share": True, "least": least} for least in (4.9, 5.1))
    assert not lines_of(study_of(tmp_path, table, claims=[enough]), "claims_against_table")
    found = list(RULES["claims_against_table"].find(study_of(tmp_path, table, claims=[short])))
    assert len(found) == 6
    assert found[0].says == (
        "1.900 against 2.000 at rmsprop; the effect is 5.0487 nats at the most, and the claim "
        "needs more than 5.1"
    )


@pytest.mark.parametrize("share", [False, True], ids=["difference", "share"])
@pytest.mark.parametrize(
    ("least", "ahead", "rule"),
    [
        # 0.100 ± 0.001 of 2.000: two roundings of half a thousandth. As a share, 5.00 ± 0.05 %.
        (0.0985, 0.1, None),
        (0.0995, 0.1, "too_few_digits"),
        (0.1005, 0.1, "too_few_digits"),
        (0.1015, 0.1, "claims_against_table"),
        (-0.0985, -0.1, "claims_against_table"),
        (-0.0995, -0.1, "too_few_digits"),
        (-0.1015, -0.1, None),
        (0.0005, 0, "too_few_digits"),
        (0.0015, 0, "claims_against_table"),
    ],
)
def test_rounding_is_weighed_with_what_a_claim_needs(tmp_path, share, least, ahead, rule):
    least = least * 50 if share else least
    claim = {**ADAM, "as_share": share, "least": least}
    study = study_of(tmp_path, {"1": with_adam([ahead] * 6)}, claims=[claim])
    for name in ("too_few_digits", "claims_against_table"):
        assert len(lines_of(study, name)) == (6 if name == rule else 0), name


def test_a_share_of_what_may_be_0_has_no_bound(tmp_path):
    numbers = ["0.0" if o == "rmsprop" else "0.4" for _, o, _ in SETTINGS]
    enough = {**ADAM, "better": "larger", "as_share": True, "least": 1e6}
    study = study_of(tmp_path, {"1": numbers}, claims=[enough])
    assert not lines_of(study, "claims_against_table")
    assert len(lines_of(study, "too_few_digits")) == 6
    beaten = study_of(tmp_path, {"1": numbers}, claims=[{**ADAM, "as_share": True}])
    assert len(lines_of(beaten, "claims_against_table")) == 6
    assert not lines_of(beaten, "too_few_digits")


def test_the_best_of_all_others_may_be_better(tmp_path):
    best = {**ADAM, "side": {"optimizer": "adam", "latent_dim": 2}, "rival": "others", "alike": []}
    sound = with_adam([0.5, 0.4, 0.3, 0.3, 0.3, 0.3])
    assert not lines_of(study_of(tmp_path, {"1": sound}, claims=[best]), "claims_against_table")
    beaten = with_adam([0.5, 0.4, 0.3, 0.6, 0.3, 0.3])
    lines = lines_of(study_of(tmp_path, {"1": beaten}, claims=[best]), "claims_against_table")
    assert lines == [2]


def test_an_excess_alone_may_make_a_claim_hold(tmp_path):
    excess = {"value": "0.1 * latent_dim", "because": "a constant"}
    claim = {**ADAM, "side": {"latent_dim": 2}, "rival": {"latent_dim": 50}}
    claim["alike"] = ["optimizer", "learning_rate"]
    numbers = [f"{2 + 0.1 * d - 0.001 * d:.3f}" for d, _, _ in SETTINGS]
    quantities = {"loss": {**LOSS, "excess": excess}}
    study = study_of(tmp_path, {"1": numbers}, quantities, [claim])
    found = list(RULES["claims_against_table"].find(study))
    assert len(found) == 6
    assert "without the known excess they are 1.998 and " in found[0].says
    assert found[0].about.endswith("beaten at 6 of 6 settings without the known excess")
    assert not lines_of(study_of(tmp_path, {"1": numbers}, None, [claim]), "claims_against_table")


def test_digits_that_cannot_tell_are_named_and_beat_no_claim(tmp_path):
    study = study_of(tmp_path, {"1": with_adam([0.1, 0, 0.1, 0.1, 0.1, 0.1])}, claims=[ADAM])
    assert lines_of(study, "too_few_digits") == [3]
    assert not lines_of(study, "claims_against_table")
    sound = study_of(tmp_path, {"1": with_adam([0.001] * 6)}, claims=[ADAM])
    assert not lines_of(sound, "too_few_digits")


# Arithmetic, texts and digits.


@pytest.mark.parametrize(
    ("printed", "right", "holds"),
    [
        ("18", 18.0, True),
        ("17", 18.0, False),
        ("0.33", 1 / 3, True),
        ("0.34", 1 / 3, True),
        ("0.35", 1 / 3, False),
        ("0.66", 2 / 3, True),
        ("2.1e6", 2.14e6, True),
        ("2.1e6", 2.21e6, False),
        ("eighteen", 18.0, False),
        ("nan", 18.0, False),
        ("inf", 18.0, False),
    ],
)
def test_a_printed_number_is_what_it_equals_rounded_or_cut(printed, right, holds):
    assert calculations.agrees(printed, right) is holds


def test_arithmetic_is_checked_with_its_line(tmp_path):
    both = [
        {"place": "text", "says": "settings", "printed": printed, "equals": "3 * 3 * 2"}
        for printed in ("18", "16")
    ]
    study = study_of(tmp_path, {}, calculations=both)
    (finding,) = RULES["calculations"].find(study)
    line = (study.folder / "study.yaml").read_text().splitlines()[finding.place.line - 1]
    assert line == "- place: text"
    assert finding.says == "settings: printed 16, but 3 * 3 * 2 is 18"


@pytest.mark.parametrize(
    ("obtained", "reference", "holds"),
    [
        ("85.54", "86.4", True),
        ("85.40", "86.4", False),
        ("87.40", "86.4", False),
        ("56", "55", True),  # 1 % is 0.55, and half a unit of either comes on top
        ("56.5", "55", False),
        ("0.0", "0.0", True),
    ],
)
def test_an_obtained_number_agrees_with_its_reference_or_is_named(
    tmp_path, obtained, reference, holds
):
    pair = {"place": "text", "about": "a loss", "obtained": obtained, "reference": reference}
    study = study_of(tmp_path, {}, agreements=[{**pair, "within": 0.01}])
    assert not list(RULES["calculations"].find(study))
    assert (not list(RULES["agreements"].find(study))) is holds


def test_what_is_just_too_far_is_not_told_as_near_enough(tmp_path):
    pair = {"place": "text", "about": "a loss", "obtained": "104.0820", "reference": "102.0000"}
    study = study_of(tmp_path, {}, agreements=[{**pair, "within": 0.02}])
    (finding,) = RULES["agreements"].find(study)
    assert finding.says.endswith("2.04 % above it; 2 % allowed")


def test_an_obtained_number_is_no_arithmetic():
    found = [one for one in examine(reading.load("pythae")) if one.rule != "statements"]
    assert {one.rule for one in found} == {"agreements"}
    assert found[0].says == "the FID: obtained 9.1, reference 9.9, 8.1 % below it; 1 % allowed"


def test_means_of_cases_are_possible_ones(tmp_path):
    means = [("share", mean) for mean in ("0.84", "0.85", "0.8", "1.00", "0.00", "0.840")]
    assert lines_of(study_of(tmp_path, {"1": means}), "grim") == [3]
    per_cent = {"share": {**SHARE, "unit": "%", "mean_of": 30}}
    means = [("share", mean) for mean in ("33.3", "33.4", "66.6", "66.7", "3")]
    assert lines_of(study_of(tmp_path, {"1": means}, per_cent), "grim") == [3]


def test_places_that_say_the_same_agree(tmp_path):
    statements = [
        {"about": "a rate", "said": {"text": 0.0007, "code": "7e-4"}},
        {"about": "a network", "said": {"text": "Two  layers", "code": "two layers"}},
        {"about": "a batch", "said": {"text": 100, "code": 128}, "holds": "code"},
    ]
    (finding,) = RULES["statements"].find(study_of(tmp_path, {}, statements=statements))
    assert finding.says == "a batch – text: 100; code: 128. Right is: code"
    assert finding.place.table == "text, code"


@pytest.mark.parametrize(
    ("numbers", "odd"),
    [
        (["30.988", "62.210", "5.2179", "4.3326"], []),
        (["30.988", "62.210", "60.11", "4.3326"], [4]),
        (["30.988", "62.21", "60.11", "4.3326"], []),
        (["30.988", "62.210", "5.23219", "4.3326"], [4]),
        (["0.9", "10.2", "100.4"], []),
        (["0.10", "10.25", "100.4", "3.25"], [4]),
        (["2.1808e+6", "4.4594e+6", "2.164e+6", "3.8400e+6"], [4]),
        # Two of three numbers may have lost a zero, four of five hardly.
        (["2.18", "4.45", "2.164"], []),
        (["2.18", "4.45", "3.84", "1.77", "2.164"], [6]),
    ],
)
def test_a_table_has_one_format(tmp_path, numbers, odd):
    assert lines_of(study_of(tmp_path, {"1": numbers}), "mixed_digits") == odd


def test_where_two_formats_are_as_frequent_the_longer_one_is_usual(tmp_path):
    study = study_of(tmp_path, {"1": ["2.104", "3.305", "2.9051", "2.2060"]})
    said = [finding.says for finding in RULES["mixed_digits"].find(study)]
    have = "has 4 significant digits, where 2 of the table's 4 numbers have 5"
    assert said == [f"2.104 {have}", f"3.305 {have}"]


def test_a_name_in_two_spellings_is_named_once(tmp_path):
    names = {"model": {"VAE": "vae", "Vae": "vae", "other": None, "another": None}}
    tables = {"1/VAE": ["1.0", "2.0"], "2/Vae": ["1.1"], "3/other": ["1.2"], "4/another": ["1.3"]}
    assert lines_of(study_of(tmp_path, tables, names=names), "spelling") == [4]
    tables = {"1/VAE": ["1.0", "2.0"], "2/ae": ["1.1"]}
    assert not lines_of(study_of(tmp_path, tables, names=names), "spelling")


def test_the_tail_of_last_digits_is_that_of_chi_square():
    for most in (5, 15, 30):
        counts = Counter({"1": most} | {str(digit): 6 for digit in range(2, 10)})
        expected = counts.total() / 9
        x = sum((counts[str(digit)] - expected) ** 2 / expected for digit in range(1, 10))
        assert last_digits.chance(counts) == pytest.approx(chi2.sf(x, 8), rel=1e-6)


@pytest.mark.parametrize("zeros", [True, False], ids=["printed", "dropped"])
def test_last_digits_count_alike_in_tables_of_any_size(tmp_path, zeros):
    draw = random.Random(2)
    numbers = [f"{draw.randint(100_000, 999_999) / 100:.2f}" for _ in range(300)]
    numbers = numbers if zeros else [one.rstrip("0") for one in numbers]
    counted = set()
    for size in (2, 3, 18):
        tables = {str(n): numbers[n : n + size] for n in range(0, len(numbers), size)}
        study = study_of(tmp_path, tables)
        assert not lines_of(study, "last_digits"), size
        counted.add(tuple(number.printed for number in last_digits.looked_at(study)))
    ((*all_alike,),) = counted
    assert len(all_alike) > 250


@pytest.mark.parametrize("cases", [400, 1500])
def test_means_of_cases_have_last_digits_of_their_own(tmp_path, cases):
    draw = random.Random(1)
    share = {"share": {**SHARE, "mean_of": cases}}
    means = [("share", f"{draw.randint(0, cases) / cases:.4f}") for _ in range(20 * len(SETTINGS))]
    tables = {str(n): means[n::20] for n in range(20)}
    study = study_of(tmp_path, tables, share)
    assert not lines_of(study, "grim")
    assert not lines_of(study, "last_digits")


def test_last_digits_that_are_made_up_are_found(tmp_path):
    draw = random.Random(1)
    tables = {str(n): [f"{draw.randint(10_000, 99_999) / 10}" for _ in SETTINGS] for n in range(4)}
    assert not lines_of(study_of(tmp_path, tables), "last_digits")
    made_up = {
        name: [one[:-1] + draw.choice("0377") for one in numbers]
        for name, numbers in tables.items()
    }
    assert lines_of(study_of(tmp_path, made_up), "last_digits") == [2]
    few = {name: made_up[name] for name in ("0", "1")}
    assert not lines_of(study_of(tmp_path, few), "last_digits")


@pytest.mark.parametrize(
    "tables",
    [
        {},
        {"1": ["2.1641"]},
        {"1": ["2.1641", "2.1641"]},
        {"1": ["2.1641"] * 18},
        {"1": ["2.1641"] * 18, "2/conv_vae": ["2.1641"] * 18},
        {"1": ["0.0000"] * 18},
    ],
    ids=["none", "one", "two equal", "all equal", "two tables all equal", "all 0"],
)
def test_too_little_to_say_anything(tmp_path, tables):
    assert examine(study_of(tmp_path, tables)) == []


# How often the rules fire on what is sound.


def tool():
    place = importlib.util.spec_from_file_location(
        "measured_false_alarms", ROOT / "tools" / "false_alarms.py"
    )
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def rates():
    """The stated counts, which each rule has, and the tool that measured them."""
    stated = false_alarms.measured()
    assert stated.keys() == RULES.keys()
    return stated, tool()


@pytest.mark.xdist_group("audit_rates")
def test_stated_rates_hold_on_fresh_simulated_studies(rates):
    stated, measuring = rates
    found = measuring.rates(measuring.simulate(measuring.SIMULATED + seed) for seed in range(60))
    for rule, counts in stated.items():
        if "simulated" in counts:
            alarms, tried = counts["simulated"]
            fired, fresh = found[rule]
            # Laplace's estimate, so that a rate of 0 allows the rarest of draws.
            rate = (alarms + 1) / (tried + 2)
            assert binomtest(fired, fresh, rate, alternative="greater").pvalue > 1e-4, rule


@pytest.mark.xdist_group("audit_rates")
def test_stated_rates_hold_on_our_own_runs(rates):
    stated, measuring = rates
    found = measuring.rates(measuring.real_studies())
    real = {rule: counts["real"] for rule, counts in stated.items() if "real" in counts}
    assert real == {rule: found[rule] for rule in real}


def test_the_documentation_has_the_measured_rates():
    text = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    for rule, counts in false_alarms.measured().items():
        cells = [
            f"{counts[kind][0]:,} of {counts[kind][1]:,}" if kind in counts else "–"
            for kind in ("simulated", "real")
        ]
        assert f"| `{rule}` | {' | '.join(cells)} |" in text


# The command, the table, the report and MLflow.


def test_the_command_prints_and_writes_findings_without_torch(tmp_path):
    code = (
        "import sys; from latentgrid.cli import app; app(sys.argv[1:], standalone_mode=False); "
        "assert not {'torch', 'pandas', 'mlflow', 'sklearn'} & sys.modules.keys()"
    )
    written = tmp_path / "found.csv"
    done = subprocess.run(
        [sys.executable, "-c", code, "audit", "000", "--csv", str(written)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("Adrián Vizoso Expósito (2020)") == 1
    assert "studies/vizoso-2020/numbers.csv, line 32: VII.2, conv_vae, d = 50" in done.stdout
    assert f"(out_of_line {false_alarms.in_words('out_of_line')})" in done.stdout
    rows = list(csv.DictReader(written.open(encoding="utf-8", newline="")))
    assert len(rows) == len(examine(reading.load("000")))
    assert tuple(rows[0]) == table.COLUMNS


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["nope"],
            "error: studies: found 'nope'; allowed: all, or a list of auto-encoders-slides",
        ),
        (["000", "--csv", "."], "error: --csv: found '.', a folder; allowed: a file"),
    ],
)
def test_bad_input_is_one_line(arguments, says):
    done = call(ROOT, "latentgrid", "audit", *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith(says)
    assert len(done.stderr.splitlines()) == 1


def test_without_any_study_the_command_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="studies: no folder there"):
        cli.audit(["all"])


def test_a_broken_study_is_named_by_file_and_line(tmp_path):
    folder = study_of(tmp_path, {"1": ["1.0"]}).folder
    numbers = folder / "numbers.csv"
    numbers.write_text(numbers.read_text().replace("1.0", "one"))
    done = call(ROOT, "latentgrid", "audit", str(folder))
    assert done.returncode == 1
    assert f"{numbers}, line 2, column value: found 'one'" in done.stderr


def test_table_report_and_mlflow_show_the_same_findings(tmp_path, monkeypatch):
    studies = reading.chosen(["000", "001"])
    found = {study.name: examine(study) for study in studies}
    cited = {study.name: study.cited for study in studies}
    monkeypatch.chdir(tmp_path)
    layout = Layout("mnist")
    assert tallies(layout) == {}
    table.write(layout.audit, found)
    assert tallies(layout) == {
        f"latentgrid.published.findings.{name}": str(len(findings))
        for name, findings in found.items()
    }
    shown = read_audit(layout)
    of_thesis = shown["vizoso-2020"].values()
    of_numbers = [one for one in found["vizoso-2020"] if one.rule != STATED]
    assert sum(len(group) for of in of_thesis for group in of.groups) == len(of_numbers)
    on_claims = shown["vizoso-2020"]["Claims against the study's own table"]
    assert (on_claims.count, len(on_claims.groups)) == (16, 6)
    page = templates().get_template("audit.html.j2").render(audit=shown, cited=cited)
    assert "Equal values: 2" in page
    assert "2.1641e+6 stands in table VII.1 too" in page
    text = markdown_templates().get_template("audit.md.j2").render(audit=shown)
    assert f"| vizoso-2020 | Equal values | 2 | {false_alarms.in_words('equal_values')} |" in text
    assert "Nothing is found" in templates().get_template("audit.html.j2").render(audit={})


def test_the_rates_are_written_as_the_tool_writes_them():
    written = json.loads(false_alarms.MEASURED.read_text(encoding="utf-8"))
    assert all(0 <= fired <= tried for of in written.values() for fired, tried in of.values())


@pytest.mark.slow
def test_the_workflow_audits_and_does_so_again_when_a_study_changes(project):
    rows = list(csv.DictReader((project / LAYOUT.audit).open(encoding="utf-8", newline="")))
    assert rows == []
    study = copy_study(project, "vesel-draft", dataset="digits") / "study.yaml"
    assert pending(project)[str(LAYOUT.audit)] == "audit"
    run(project, "snakemake", "--cores", "2")
    rows = list(csv.DictReader((project / LAYOUT.audit).open(encoding="utf-8", newline="")))
    assert {row["study"] for row in rows} == {"vesel-draft"}
    page = without_links(project / LAYOUT.report)
    assert 'id="disagreements"' in page
    assert "Vesel&#39;s draft: 9" in page
    assert "whose parameters the generator&#39;s step in algorithm 1 changes" in page
    study.write_text("title: nothing else\n")
    refused = call(project, "snakemake", "--cores", "1", "-n")
    assert refused.returncode == 1
    assert "studies/vesel-draft/study.yaml, line 1" in refused.stderr
