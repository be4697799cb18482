"""Wrong input of every kind gets one message: file, key, what stood there, what is allowed."""

import json
import math
import subprocess
import sys

import pytest
import yaml

from latentgrid.errors import UserError
from latentgrid.grid import catalogue, reading

ABSENT = object()
MODELS = ", ".join(catalogue.models())
AXES = "latent_dim, optimizer, learning_rate, epochs, batch_size, precision"
RATE = "a number above 0, 10 at most"
WHOLE = "a whole number, 1 or more"
WIDTH = "a whole number from 1 to 4096"
SEEDS = "a list of whole numbers from 0 to 4294967295, each there once"
COUNTS = "a list of whole numbers, each 0 or more and there once, 10,000 at most"
LIKELIHOOD = "the keys images, draws, or null for none"
TRAINING = (
    "the keys epochs, batch_size, precision, validation, device, jobs_per_gpu, fused, cuda_graphs"
)


def put(raw, key, value):
    *sections, last = key
    for section in sections:
        raw = raw[section]
    if value is ABSENT:
        del raw[last]
    else:
        raw[last] = value


def message(raw):
    with pytest.raises(UserError) as caught:
        reading.check(raw, "params.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "found", "allowed"),
    [
        ("datset", "mnist", "unknown key, found 'mnist'", "the keys dataset, mirror, seeds, "),
        ("dataset", "minst", "found 'minst'", "celeba, cifar10"),
        ("dataset", 3, "found 3", "celeba, cifar10"),
        ("dataset", ABSENT, "is missing", "celeba, cifar10"),
        ("mirror", 3, "found 3", "a URL or a folder, or null for none"),
        ("seeds", [], "found []", SEEDS),
        ("seeds", 0, "found 0", SEEDS),
        ("seeds", [0, 1, 0], "found [0, 1, 0]", SEEDS),
        ("mirror", "", "found ''", "a URL or a folder, or null for none"),
        ("training", None, "found nothing", TRAINING),
        ("training.epoch", 3, "unknown key, found 3", TRAINING),
        ("training.epochs", 0, "found 0", WHOLE),
        ("training.epochs", [5, 10], "found [5, 10]", WHOLE),
        ("training.batch_size", -100, "found -100", WHOLE),
        ("training.cuda_graphs", "maybe", "found 'maybe'", "true, false"),
        ("training.cuda_graphs", 1, "found 1", "true, false"),
        ("training.cuda_graphs", None, "found nothing", "true, false"),
        ("training.device", "gpu", "found 'gpu'", "auto, cpu, cuda"),
        ("training.jobs_per_gpu", 0, "found 0", WHOLE),
        ("training.fused", 0, "found 0", WHOLE),
        ("training.fused", 2.5, "found 2.5", WHOLE),
        ("snapshots.epochs", [1, 1], "found [1, 1]", COUNTS),
        ("snapshots.samples", 0, "found 0", "a whole number from 1 to 10000"),
        ("snapshots.manifold", 1, "found 1", "a whole number from 2 to 64"),
        ("evaluation.test_images", 1, "found 1", "a whole number, 2 or more"),
        ("evaluation.likelihood", 500, "found 500", LIKELIHOOD),
        ("evaluation.likelihood.images", 1, "found 1", "a whole number, 2 or more"),
        ("evaluation.likelihood.draws", 0, "found 0", WHOLE),
        ("evaluation.likelihood.draws", None, "found nothing", WHOLE),
        ("evaluation.likelihood.draw", 5, "unknown key, found 5", LIKELIHOOD),
        ("models", {}, "found {}", f"at least one of {MODELS}, each with its axes"),
        ("models", ["vae"], "found ['vae']", f"at least one of {MODELS}, each with its axes"),
        ("models", None, "found nothing", f"at least one of {MODELS}, each with its axes"),
        ("models.vaee", {"latent_dim": 2}, "unknown model 'vaee'", MODELS),
        ("models.Vae", {}, "unfit name", "a letter, then letters, digits and _, all lower-case"),
        ("models.a/b", {}, "unfit name", "a letter, then letters, digits and _, all lower-case"),
        ("models.vae", None, "found nothing", "hyperparameters with their values"),
        ("models.vae", [2], "found [2]", "hyperparameters with their values"),
        ("models.vae.model", "vea", "unknown model 'vea'", MODELS),
        ("models.vae.laten_dim", [2], "unknown key, found [2]", AXES),
        ("models.vae.beta", 4, "unknown key, found 4", AXES),
        ("models.vae.latent_dim", ABSENT, "is missing", WIDTH),
        (
            "models.vae.optimizer",
            ABSENT,
            "is missing",
            "adadelta, adagrad, adam, adam_000, adam_gan, adam_keras, momentum, rmsprop, sgd",
        ),
        ("models.vae.learning_rate", ABSENT, "is missing", RATE),
        (
            "models.vae.optimizer",
            "adamw",
            "found 'adamw'",
            "adadelta, adagrad, adam, adam_000, adam_gan, adam_keras, momentum, rmsprop, sgd",
        ),
        (
            "models.vae.optimizer",
            "Adam",
            "found 'Adam'",
            "adadelta, adagrad, adam, adam_000, adam_gan, adam_keras, momentum, rmsprop, sgd",
        ),
        ("models.vae.optimizer", [], "found []", "at least one value"),
        ("models.vae.learning_rate", -1, "found -1", RATE),
        ("models.vae.learning_rate", 0, "found 0", RATE),
        ("models.vae.learning_rate", 11, "found 11", RATE),
        ("models.vae.learning_rate", "fast", "found 'fast'", RATE),
        ("models.vae.learning_rate", True, "found True", RATE),
        ("models.vae.learning_rate", math.nan, "found nan", RATE),
        ("models.vae.learning_rate", math.inf, "found inf", RATE),
        ("models.vae.learning_rate", None, "found nothing", RATE),
        ("models.vae.learning_rate", {"from": 1}, "found {'from': 1}", RATE),
        ("models.vae.learning_rate", [], "found []", "at least one value"),
        ("models.vae.latent_dim", 0, "found 0", WIDTH),
        ("models.vae.latent_dim", 4097, "found 4097", WIDTH),
        ("models.vae.latent_dim", 2.5, "found 2.5", WIDTH),
        ("models.vae.latent_dim", "two", "found 'two'", WIDTH),
        ("models.vae.latent_dim", True, "found True", WIDTH),
        ("models.vae.latent_dim", math.inf, "found inf", WIDTH),
        ("models.vae.epochs", 0, "found 0", WHOLE),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(raw_params, key, value, found, allowed):
    put(raw_params, key.split("."), value)
    text = message(raw_params)
    assert text.startswith(f"params.yaml: {key}: {found}; allowed: {allowed}")
    assert "\n" not in text


@pytest.mark.parametrize(
    ("place", "values", "found", "allowed"),
    [
        ("models.vae.learning_rate[1]", [1e-4, -1], "found -1", RATE),
        ("models.vae.learning_rate[0]", [[1e-4]], "found [0.0001]", RATE),
        (
            "models.vae.learning_rate[2]",
            [1e-4, 2e-4, 1e-4],
            "found 0.0001 twice",
            "each value once",
        ),
        ("models.vae.latent_dim[1]", [2, "2"], "found '2' twice", "each value once"),
        ("seeds[1]", [0, -1], "found -1", SEEDS),
        ("seeds[0]", [2**32], "found 4294967296", SEEDS),
        ("seeds[0]", [0.5], "found 0.5", SEEDS),
        ("seeds[0]", [False], "found False", SEEDS),
        ("snapshots.epochs[1]", [1, "last"], "found 'last'", COUNTS),
    ],
)
def test_a_wrong_value_in_a_list_is_named_by_its_place(raw_params, place, values, found, allowed):
    put(raw_params, place.partition("[")[0].split("."), values)
    assert message(raw_params) == f"params.yaml: {place}: {found}; allowed: {allowed}"


def test_every_mistake_outside_the_grid_is_named_at_once(raw_params):
    put(raw_params, ["dataset"], "minst")
    put(raw_params, ["training", "epochs"], 0)
    put(raw_params, ["snapshots"], 3)
    lines = message(raw_params).splitlines()
    assert [line.split(":")[1].strip() for line in lines] == [
        "dataset",
        "training.epochs",
        "snapshots",
    ]


def test_a_long_value_is_cut(raw_params):
    put(raw_params, ["models", "vae", "optimizer"], "x" * 5000)
    assert len(message(raw_params)) < 200


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "must hold keys and values, not nothing"),
        (b"- a\n- b\n", "must hold keys and values, not ['a', 'b']"),
        (b"hello", "must hold keys and values, not 'hello'"),
        (b"a:\n\tb: 1\n", "is not valid YAML in line 2: "),
        (b"a: [1, 2\nb: 3\n", "is not valid YAML in line 2: "),
        (b"a: b: c\n", "is not valid YAML in line 1: "),
        (b"a: *nowhere\n", "is not valid YAML in line 1: "),
        (b"a: !!python/object/apply:os.getcwd []\n", "is not valid YAML in line 1: "),
        (b"a: 1\n---\nb: 2\n", "is not valid YAML in line 2: "),
        (b"a: 1\nb: 2\na: 3\n", 'is not valid YAML in line 3: found duplicate key "a"'),
        (b"s:\n  a: 1\n  a: 1\n", 'is not valid YAML in line 3: found duplicate key "a"'),
        (b"a: \x00\n", "is not valid YAML: "),
        (bytes(range(256)), "is not a text file in UTF-8"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is not a text file in UTF-8"),
        ("a: é".encode("latin-1"), "is not a text file in UTF-8"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused_in_one_line(tmp_path, content, problem):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        reading.load([path])
    assert str(caught.value).startswith(f"{path}: {problem}")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.yaml: no such file"):
        reading.load([tmp_path / "nowhere.yaml"])


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        reading.load([tmp_path])


def write(path, raw):
    path.write_text(json.dumps(raw))  # JSON is YAML
    return path


def test_later_files_and_overrides_lie_on_earlier_ones(raw_params, tmp_path):
    first = write(tmp_path / "params.yaml", raw_params)
    second = write(
        tmp_path / "more.yaml",
        {
            "training": {"epochs": 3},
            "seeds": [5, 6],
            "models": {"vae": {"latent_dim": [7]}, "mmd_vae": {"latent_dim": 9}},
        },
    )
    given = ["training={batch_size: 10}", "models={mmd_vae: {latent_dim: 8}}"]
    found = reading.load([first, second], given)
    assert (found.training.epochs, found.training.batch_size) == (3, 10)
    assert found.training.device == "auto"
    assert found.seeds == [5, 6]
    assert found.models["vae"].axes["latent_dim"] == [7]
    assert found.models["vae"].axes["optimizer"] == ["adadelta", "adam", "rmsprop"]
    assert found.models["mmd_vae"].axes["latent_dim"] == [8]
    assert found.models["conv_vae"].axes["latent_dim"] == [2, 20, 50]


def test_an_override_of_one_alias_leaves_the_other(raw_params, tmp_path):
    del raw_params["models"]
    lines = [f"{key}: {json.dumps(value)}" for key, value in raw_params.items()]
    lines += [
        "models:",
        "  vae: &grid {latent_dim: [2, 20], optimizer: adam, learning_rate: 1e-4}",
        "  conv_vae: *grid",
    ]
    (tmp_path / "params.yaml").write_text("\n".join(lines))
    found = reading.load([tmp_path / "params.yaml"], ["models={vae: {latent_dim: 5}}"])
    assert found.models["vae"].axes["latent_dim"] == [5]
    assert found.models["conv_vae"].axes["latent_dim"] == [2, 20]


def test_a_good_file_is_read_as_it_stands(raw_params, tmp_path):
    raw_params["mirror"] = "/somewhere"
    found = reading.load([write(tmp_path / "params.yaml", raw_params)])
    assert found == reading.check(raw_params, "params.yaml")
    assert found.mirror == "/somewhere"
    assert found.evaluation.test_images == 10_000
    assert found.evaluation.likelihood.draws == 500
    assert found.snapshots.epochs == [1, 5, 20]
    assert found.models["vae"].model == "vae"


def test_reading_parameters_imports_no_heavy_library():
    script = """
import sys
import latentgrid.grid.runs
from latentgrid.grid import reading
heavy = {"torch", "numpy", "sklearn", "mlflow", "pandas", "matplotlib"} & set(sys.modules)
print(*sorted(heavy))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout.split() == []


# Figures.


def test_all_figures_are_those_that_the_models_can_make(raw_params):
    chosen = reading.check(raw_params, "params.yaml").figures_to_draw()
    assert chosen["samples"] == ["vae", "conv_vae", "mmd_vae"]
    assert "denoising" not in chosen
    assert set(chosen) <= set(catalogue.figures())


def test_a_list_of_figures_is_drawn_of_all_entries_that_can(raw_params):
    raw_params["models"]["lenet5"] = {"optimizer": "adam", "learning_rate": 0.001}
    chosen = reading.check(raw_params | {"figures": ["latent"]}, "params.yaml").figures_to_draw()
    assert chosen == {"latent": ["vae", "conv_vae", "mmd_vae"]}


@pytest.mark.parametrize("figures", [["denoising"], {"denoising": "all"}])
def test_a_figure_that_no_entry_can_make_is_refused_by_name(raw_params, figures):
    raw_params["figures"] = figures
    with pytest.raises(
        UserError, match="figures: denoising can show none of the entries of models; allowed"
    ):
        reading.check(raw_params, "params.yaml")


def test_null_on_the_command_line_is_none(tmp_path, raw_params):
    file = tmp_path / "params.yaml"
    file.write_text(yaml.safe_dump(raw_params | {"mirror": "here"}))
    checked = reading.load([file], ["mirror=null", "evaluation={judge: null}"])
    assert (checked.mirror, checked.evaluation.judge) == (None, None)


def test_a_figure_shows_the_entries_that_are_named(raw_params):
    chosen = reading.check(
        raw_params | {"figures": {"latent": ["vae"], "samples": "all"}}, "params.yaml"
    )
    assert chosen.figures_to_draw()["latent"] == ["vae"]
    assert chosen.figures_to_draw()["samples"] == ["vae", "conv_vae", "mmd_vae"]


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ("none", "figures: found 'none'; allowed: all, a list of figures, or"),
        (["smples"], "figures: unknown figure 'smples'; allowed: "),
        ({"smples": "all"}, "figures: unknown figure 'smples'; allowed: "),
        ({"latent": []}, "figures.latent: found []; allowed: all, or a list of vae"),
        ({"latent": "vae"}, "figures.latent: found 'vae'; allowed: all, or a list of vae"),
        (["latent", "latent"], "figures[1]: found 'latent' twice; allowed: each name once"),
        ({"latent": ["vae", "vae"]}, "figures.latent[1]: found 'vae' twice; allowed: each name"),
        (
            {"latent": ["vae", "gan"]},
            "figures.latent[1]: found 'gan', which is no entry whose model has encode; "
            "allowed: all, or a list of vae, conv_vae, mmd_vae",
        ),
        (
            {"samples": ["vea"]},
            "figures.samples[0]: found 'vea', which is no entry whose model has sample",
        ),
    ],
)
def test_figures_that_cannot_be_drawn_are_refused(raw_params, figures, expected):
    gan = {"latent_dim": 2, "optimizer": "adam_gan", "learning_rate": 0.001}
    raw_params["models"]["gan"] = gan
    with pytest.raises(UserError) as refused:
        reading.check(raw_params | {"figures": figures}, "params.yaml")
    assert f"params.yaml: {expected}" in str(refused.value)


def test_likelihoods_are_bounded_where_there_are_densities_and_only_if_asked_for(raw_params):
    assert reading.check(raw_params, "params.yaml").with_likelihood() == ["vae", "conv_vae"]
    raw_params["evaluation"]["likelihood"] = None
    assert reading.check(raw_params, "params.yaml").with_likelihood() == []
