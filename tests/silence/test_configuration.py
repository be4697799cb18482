"""What params.yaml, --configfile and --config say is what is done, or refused by name."""

import json

import pytest
import yaml

from fuzz import end_of
from latentgrid.errors import UserError
from latentgrid.grid import reading, schema
from latentgrid.grid.runs import canonical, planned_runs
from project import ROOT

MINIMAL = {
    "dataset": "digits",
    "models": {"vae": {"latent_dim": 2, "optimizer": "adam", "learning_rate": 0.001}},
}
MAX_ARGUMENT = 128 * 1024  # bytes, on Linux


def written(folder, content, name="params.yaml"):
    path = folder / name
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def message(*arguments):
    with pytest.raises(UserError) as refused:
        reading.load(*arguments)
    assert "\n" not in str(refused.value)
    return str(refused.value)


# Defaults.


def test_data_set_and_models_are_enough(tmp_path):
    ours = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    least = written(tmp_path, {key: ours[key] for key in MINIMAL})
    assert reading.load([least]) == reading.load([ROOT / "params.yaml"])


@pytest.mark.parametrize("section", ["training", "snapshots", "evaluation"])
def test_a_key_that_is_missing_has_its_default_beside_others_that_are_there(tmp_path, section):
    ours = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    whole = reading.load([ROOT / "params.yaml"])
    for key in ours[section]:
        lacking = {name: value for name, value in ours[section].items() if name != key}
        assert reading.load([written(tmp_path, ours | {section: lacking})]) == whole


# Truth values.


@pytest.mark.parametrize("word", ["maybe", "yes", "on", "1", "null", "[true]", '"true"'])
def test_a_truth_value_is_true_or_false(tmp_path, word):
    path = written(tmp_path, f"{yaml.safe_dump(MINIMAL)}training: {{cuda_graphs: {word}}}\n")
    assert message([path]).startswith(f"{path}: training.cuda_graphs: found ")
    assert message([path]).endswith("; allowed: true, false")


@pytest.mark.parametrize(("word", "value"), [("true", True), ("false", False), ("False", False)])
def test_a_truth_value_may_come_from_the_command_line(tmp_path, word, value):
    path = written(tmp_path, MINIMAL)
    assert reading.load([path], [f"training={{cuda_graphs: {word}}}"]).training.cuda_graphs is value


# Numbers, as YAML 1.2 reads them, whatever Snakemake makes of them.


@pytest.mark.parametrize(
    ("word", "value"),
    [("1e-3", 0.001), ("1e-4", 0.0001), ("1E-3", 0.001), ("0.001", 0.001), ("1", 1.0), (".5", 0.5)],
)
def test_what_is_plainly_a_number_is_one_in_a_file_and_on_the_command_line(tmp_path, word, value):
    axes = f"{{latent_dim: 2, optimizer: adam, learning_rate: {word}}}"
    lines = f"dataset: digits\nmodels: {{vae: {axes}}}"
    in_file = reading.load([written(tmp_path, lines)])
    least = written(tmp_path, MINIMAL, "least.yaml")
    given = reading.load([least], [f"models={{vae: {{learning_rate: {word}}}}}"])
    for found in (in_file, given):
        assert found.models["vae"].axes["learning_rate"] == [value]
    assert in_file == given


def test_whole_numbers_with_a_zero_first_are_decimal(tmp_path):
    path = written(tmp_path, "seeds: [010]\n" + yaml.safe_dump(MINIMAL))
    assert reading.load([path]).seeds == [10]
    assert reading.load([path], ["seeds=[011]"]).seeds == [11]


def test_lists_and_words_of_the_command_line_are_read_like_those_of_a_file(tmp_path):
    path = written(tmp_path, MINIMAL | {"mirror": "here"})
    given = ["mirror=null", "seeds=[3, 4]", "training={epochs: 2, device: cpu}", "dataset=mnist"]
    found = reading.load([path], given)
    assert (found.mirror, found.seeds, found.dataset) == (None, [3, 4], "mnist")
    assert (found.training.epochs, found.training.device) == (2, "cpu")


def test_a_key_given_twice_on_the_command_line_is_refused(tmp_path):
    said = message([written(tmp_path, MINIMAL)], ["training={epochs: 2, epochs: 3}"])
    assert said.startswith("--config: training: is not valid YAML in line 1: found duplicate key")


# Whose mistake it is.


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("trainin=3", "--config: trainin: unknown key, found 3"),
        ("training={epochs: 0}", "--config: training.epochs: found 0"),
        ("training={epoch: 1}", "--config: training.epoch: unknown key"),
        ("seeds=[0, -1]", "--config: seeds[1]: found -1"),
        ("models={vae: {latent_dim: 0}}", "--config: models.vae.latent_dim: found 0"),
        ("models={vae: {latent_dim: [2, 0]}}", "--config: models.vae.latent_dim[1]: found 0"),
        ("evaluation={judge: vae}", "--config: evaluation.judge: found 'vae'"),
        ("figures=[smples]", "--config: figures: unknown figure 'smples'"),
        ("training={epochs:", "--config: training: is not valid YAML"),
        ("training", "--config: found 'training'; allowed: key=value"),
        ("mirror=me:secret@host", "--config: mirror: has a user name"),
    ],
)
def test_a_mistake_on_the_command_line_is_not_that_of_the_file(tmp_path, given, expected):
    assert message([written(tmp_path, MINIMAL)], [given]).startswith(expected)


def test_of_several_files_the_one_with_the_mistake_is_named(tmp_path):
    first = written(tmp_path, MINIMAL)
    second = written(tmp_path, {"training": {"epochs": 0}}, "more.yaml")
    assert message([first, second]).startswith(f"{second}: training.epochs: found 0")
    assert message([second, first], ["seeds=[1]"]).startswith(f"{second}: training.epochs: found 0")


def test_what_is_missing_is_missing_in_all_files(tmp_path):
    first = written(tmp_path, {"dataset": "digits"})
    second = written(tmp_path, {"seeds": [1]}, "more.yaml")
    assert message([first, second]).startswith(f"{first} + {second}: models: is missing")


# Lists.


def test_a_list_of_snapshots_fits_into_a_command_or_is_refused(tmp_path):
    # Jobs get their settings as one argument. Where they read them from a file, this cannot fail.
    last = 2**31 - 2
    most = list(range(last, last - schema.MAX_EPOCHS, -1))
    longest = MINIMAL | {"training": {"epochs": 2**31 - 1}, "snapshots": {"epochs": most}}
    (run,) = planned_runs(reading.load([written(tmp_path, json.dumps(longest))]))
    assert len(run.snapshots["epochs"]) == schema.MAX_EPOCHS + 1
    assert len(canonical(run.settings)) < MAX_ARGUMENT - 4096
    longest["snapshots"]["epochs"].append(1)
    said = message([written(tmp_path, json.dumps(longest))])
    assert "snapshots.epochs: found [" in said
    assert said.endswith("10,000 at most")


# Passwords.


@pytest.mark.parametrize(
    "mirror",
    [
        "me:secret@host/mnist",
        "me:secret@host:mnist",
        "HTTPS://me:secret@host/",
        "HTTP://host/?token=secret",
        "http://me%3Asecret@host/",
        "http://me%3Asecret%40host/",
        "http%3A%2F%2Fme%3Asecret%40host",
        "https://host/mnist#token=secret",
        "https://host/mnist;jsessionid=secret",
        "https://host/mnist%3Ftoken=secret",
        "http://me:secret@[::1]:80/mnist",
        "ftp://secret@host/",
    ],
)
def test_a_mirror_with_a_password_in_any_form_is_refused_without_repeating_it(tmp_path, mirror):
    path = written(tmp_path, MINIMAL | {"mirror": mirror})
    said = end_of("params", lambda: reading.load([path]), f"{path}: mirror: has a user name")
    assert "secret" not in said


@pytest.mark.parametrize(
    "mirror", ["http://[::1]:80/mnist", "HTTPS://host/mnist", "/data/a:b@c", "../me@work/mnist"]
)
def test_a_mirror_without_a_password_is_taken(tmp_path, mirror):
    assert reading.load([written(tmp_path, MINIMAL | {"mirror": mirror})]).mirror == mirror
