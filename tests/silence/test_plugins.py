"""A plugin that is wrong is named in one line, before anything runs; the contracts can fail."""

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from safetensors.torch import load_file

from latentgrid.contracts import sample
from latentgrid.data import sources
from latentgrid.errors import UserError
from latentgrid.evaluation import measures, tables
from latentgrid.figures.draw import draw_figure
from latentgrid.grid import catalogue, components, datasets, plugins, reading
from latentgrid.grid.runs import read_plan
from latentgrid.results.tables import axes_of
from latentgrid.results.trained import TrainedRun, load_test_set
from latentgrid.steps import experiment
from latentgrid.verdicts.answers import claims_table
from project import ROOT


def latentgrid(*arguments, **variables):
    return subprocess.run(
        [sys.executable, "-m", "latentgrid", *arguments],
        env=os.environ | variables,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


MODEL = """
from torch import nn, rand_like
from latentgrid.grid.hyperparameters import LatentDim
from latentgrid.models import ImageShape
from latentgrid.models.bases.autoencoder import Autoencoder, dense_pair

class Mine(Autoencoder):
    \"\"\"An autoencoder.\"\"\"

    def __init__(self, image_shape: ImageShape, latent_dim: LatentDim = 2) -> None:
        super().__init__(latent_dim, *dense_pair(image_shape, latent_dim, 8))
"""
MEASURE = "def measure(run, test):\n    return {'one': 1.0}\n"
OPTIMIZER = """
from latentgrid.training.optimizers import Optimizer

class Mine(Optimizer):
    \"\"\"Descent.\"\"\"

    def state(self):
        return []

    def update(self, gradients):
        for parameter, gradient in zip(self.parameters, gradients):
            parameter.sub_(gradient, alpha=self.learning_rate)
"""
CORRUPTION = "def corrupt(images, generator):\n    return images * 0.5\n"
FIGURE = '"""A figure."""\nCAPTION = "Look."\ndef draw(results):\n    raise ValueError("no")\n'


@pytest.fixture(autouse=True)
def _project(tmp_path, monkeypatch):
    """Stand in a folder of our own, whose plugins are forgotten afterwards."""
    monkeypatch.setenv(plugins.CHOSEN, "[]")
    monkeypatch.chdir(tmp_path)
    for module in [name for name in sys.modules if name.partition(".")[0] == "extensions"]:
        del sys.modules[module]


def write(name, text=""):
    path = Path("extensions") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def chosen(*named):
    grid = {"pca": {"latent_dim": 2}}
    return reading.check({"dataset": "digits", "models": grid, "plugins": list(named)}, "p.yaml")


WRONG = {
    "models/mine.py, line 1: is not valid Python": ("models/mine.py", "clas Mine:"),
    "models/mine.py: its class needs a docstring": (
        "models/mine.py",
        "class M:\n    def __init__(self, image_shape): ...",
    ),
    "models/mine.py: needs a class with __init__": ("models/mine.py", MEASURE),
    "models/Mine.py: unfit name": ("models/Mine.py", MODEL),
    "measures/mine.py: has no measure": ("measures/mine.py", MODEL),
    "figures/mine.py: has no draw": ("figures/mine.py", MEASURE + "CAPTION = ''"),
    "figures/mine.py: needs a docstring": ("figures/mine.py", FIGURE.partition("\n")[2]),
    "datasets/mine.py: has no SIZE": ("datasets/mine.py", MEASURE),
    "claims/mine.py: has no CLAIM": ("claims/mine.py", MEASURE),
    "experiments/mine.py: has no run": ("experiments/mine.py", MEASURE),
    "corruptions/mine.py: has no corrupt": ("corruptions/mine.py", MEASURE),
    "optimizers/mine.py: needs a class with a docstring": ("optimizers/mine.py", MEASURE),
    "model: lies in no folder of a kind": ("model/mine.py", MODEL),
    "mine.py: lies in no folder of a kind": ("mine.py", MODEL),
    "models/deep: lies in no folder of a kind": ("models/deep/mine.py", MODEL),
    "models/vae.py have one name": ("models/vae.py", MODEL),
    "models/mine.py, line 1: imports helper, which": ("models/mine.py", f"import helper{MODEL}"),
}


# Constants, which are read without running the file


CAPTION = 'CAPTION = "Look."'
ANNOTATED = 'from typing import Final\nCAPTION: Final[str] = "Look."\nNEEDS: Final = ["encode"]'
NOT_SET = {
    'CAPTION: "str"': "has no CAPTION, which each of figures has",
    "from json import decoder as CAPTION": "line 2: found from json import decoder as CAPTION; ",
    f"from json import *\n{CAPTION}": "line 2: found from json import *; allowed: TITLE set once",
    "if True:\n    CAPTION = 'Look.'": "line 2: found if True:; allowed: CAPTION set once",
    "CAPTION = TITLE = 'Look.'": "line 2: found CAPTION = TITLE = 'Look.'; allowed: TITLE set once",
    "CAPTION = {[]: 1}": "CAPTION {[]: 1}: must be a plain value",
    "CAPTION = 3": "CAPTION: found 3; allowed: a text",
    f"{CAPTION}\nNEEDS = ('encode')": "NEEDS: found 'encode'; allowed: a tuple of texts",
    f"{CAPTION}\nREADS = [1]": "READS: found [1]; allowed: a tuple of texts",
    f"{CAPTION}\nPLACE = 'first'": "PLACE: found 'first'; allowed: a number",
    f"{CAPTION}\nANIMATED = 1": "ANIMATED: found 1; allowed: True or False",
}


def test_constants_with_an_annotation_are_read():
    write("figures/mine.py", FIGURE.replace(CAPTION, ANNOTATED))
    write("optimizers/mine.py", f"IN_TURN: bool = True\n{OPTIMIZER}")
    chosen("extensions")
    figure = catalogue.figure("mine")
    assert (figure.caption, figure.needs, figure.place) == ("Look.", {"encode"}, math.inf)
    adam = {"optimizer": "mine", "learning_rate": 0.1, "latent_dim": 2}
    with pytest.raises(UserError, match=r"models.ae.optimizer: found 'mine'; allowed: "):
        reading.check(
            {"dataset": "digits", "models": {"ae": adam}, "plugins": ["extensions"]}, "p.yaml"
        )


@pytest.mark.parametrize("line", NOT_SET)
def test_a_constant_that_cannot_be_read_is_named(line):
    write("figures/mine.py", FIGURE.replace(CAPTION, line))
    with pytest.raises(UserError) as caught:
        chosen("extensions")
    assert f"extensions/figures/mine.py: {NOT_SET[line]}" in str(caught.value).replace(
        "mine.py, ", "mine.py: "
    )


def test_an_annotation_without_a_value_sets_nothing_in_a_class():
    bare = '"""An autoencoder."""\n    closed_form: bool\n    ranked_by: str = "silhouette"'
    write("models/mine.py", MODEL.replace('"""An autoencoder."""', bare))
    chosen("extensions")
    assert not catalogue.is_closed_form("mine")
    assert catalogue.said("mine", "ranked_by") == "silhouette"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('own_rates = ("rate")', "own_rates: found 'rate'; allowed: a tuple of texts"),
        ("closed_form = 1", "closed_form: found 1; allowed: True or False"),
        ("ranked_by = None", "ranked_by: found None; allowed: a text"),
        ("loss_ranks = not True", "loss_ranks not True: must be a plain value"),
    ],
)
def test_a_constant_of_a_model_has_the_form_of_its_contract(line, said):
    write("models/mine.py", MODEL.replace('"""An', f'"""An autoencoder."""\n    {line}\n    """An'))
    with pytest.raises(UserError) as caught:
        chosen("extensions")
    assert f"extensions/models/mine.py: {said}" in str(caught.value)


@pytest.mark.parametrize("said", WRONG)
def test_a_wrong_plugin_is_named(said):
    Path("helper.py").touch()
    write("models/_shared.py")
    write(*WRONG[said])
    with pytest.raises(UserError) as caught:
        chosen("extensions")
    assert f"extensions/{said}" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        (["nowhere"], "p.yaml: plugins: nowhere: no such folder or file; allowed: a list of"),
        (["other"], "plugins: other: has no folder of a kind; allowed: models, "),
        (["json"], "p.yaml: plugins: json: json is the name of a package of Python's too"),
        (["torch"], "p.yaml: plugins: torch: torch is the name of a package of Python's too"),
        (["my own"], "p.yaml: plugins: my own: the folder's name must be letters, digits and _"),
        (["extensions", "b/extensions"], "extensions and b/extensions have one name"),
        ([1], "p.yaml: plugins[0]: found 1; allowed: a list of folders or files"),
        ("extensions", None),
    ],
)
def test_what_is_no_plugin_folder_is_named(named, said):
    write("models/mine.py", MODEL)
    for folder in ("other", "json", "torch", "my own", "b/extensions/models"):
        Path(folder).mkdir(parents=True)
    with pytest.raises(UserError) as caught:
        reading.check(
            {"dataset": "digits", "models": {"pca": {"latent_dim": 2}}, "plugins": named}, "p.yaml"
        )
    assert said is None or said in str(caught.value)


def test_without_plugins_there_are_those_of_the_package():
    write("models/mine.py", MODEL)
    chosen("extensions")
    assert "mine" in catalogue.models()
    chosen()
    assert "mine" not in catalogue.models()


def test_a_file_that_is_named_comes_without_its_neighbours():
    write("models/mine.py", MODEL)
    write("models/yours.py", MODEL)
    chosen("extensions/models/mine.py")
    assert {"mine", "yours"} & set(catalogue.models()) == {"mine"}
    assert components.module_of("models", "mine") == "extensions.models.mine"


def test_a_plugin_is_imported_from_its_folder_and_not_from_another_of_that_name():
    for place, value in (("extensions", 1), ("deep/extensions", 2)):
        folder = Path(place) / "measures"
        folder.mkdir(parents=True)
        (folder / "mine.py").write_text(f"{MEASURE}\nVALUE = {value}\n")
    chosen("deep/extensions")
    script = """
import importlib
from latentgrid.grid import components
print(importlib.import_module(components.module_of("measures", "mine")).VALUE)
"""
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ
    )
    assert found.stdout == "2\n"


def test_an_installed_package_names_its_plugins(tmp_path):
    package = tmp_path / "site" / "mine_for_latentgrid"
    (package / "models").mkdir(parents=True)
    (package / "models" / "mine.py").write_text(MODEL)
    (package / "__init__.py").touch()
    info = tmp_path / "site" / "mine-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[latentgrid.plugins]\nmine = mine_for_latentgrid\n")
    write_params = {"dataset": "digits", "models": {"mine": {"optimizer": "adam"}}}
    Path("params.yaml").write_text(json.dumps(write_params))
    path = os.pathsep.join([str(ROOT / "src"), str(tmp_path / "site")])
    variables = {"PYTHONPATH": path, plugins.CHOSEN: ""}
    assert "mine  An autoencoder." in latentgrid("models", **variables).stdout
    checked = latentgrid("check-plugin", str(package / "models/mine.py"), **variables)
    assert "11 of 11 checks hold" in checked.stdout, checked.stderr


# Names of hyperparameters, which are settings and columns of tables too


OF_OTHERS = "is the name of another setting or of a column of tables; choose another name"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        *[(name, OF_OTHERS) for name in ("seed", "run", "model", "status", "fused", "n", "runs")],
        *[(name, OF_OTHERS) for name in ("best_by", "epochs", "patience", "kl_warm_up", "path")],
        *[(name, OF_OTHERS) for name in ("test_loss", "silhouette", "silhouette_sd", "elbo_ci")],
        *[(name, "cannot be a setting; allowed: a letter") for name in ("_x", "β", "model_config")],
    ],
)
def test_a_hyperparameter_cannot_have_a_name_that_is_taken(name, said):
    write("models/mine.py", MODEL.replace("latent_dim: L", f"{name}: bool, latent_dim: L"))
    with pytest.raises(UserError) as caught:
        chosen("extensions")
    assert f"extensions/models/mine.py: {name}: {said}" in str(caught.value)


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("x: 3", "x: types are those of hyperparameters.py"),
        ("x: 1 / 0", "x: types are those of hyperparameters.py"),
        ("x: LatentDim.y", "x: types are those of hyperparameters.py"),
        ("x: Real = 'a'", "x: its default 'a' does not fit its type"),
        ("x: PositiveInteger = -1", "x: its default -1 does not fit its type"),
    ],
)
def test_a_type_or_default_of_a_hyperparameter_that_makes_no_sense_is_named(argument, said):
    write("models/mine.py", MODEL.replace("latent_dim: LatentDim = 2", argument))
    with pytest.raises(UserError) as caught:
        chosen("extensions")
    assert f"extensions/models/mine.py: {said}" in str(caught.value)


def test_a_model_s_own_rate_is_no_hyperparameter_of_it():
    rates = '"""An autoencoder."""\n    own_rates = ("slow",)'
    mine = MODEL.replace('"""An autoencoder."""', rates)
    write("models/mine.py", mine.replace("latent_dim: L", "slow: LearningRate, latent_dim: L"))
    with pytest.raises(UserError, match="slow: is the name of another setting"):
        chosen("extensions")


def test_an_option_of_a_reader_cannot_have_a_name_that_is_taken():
    reader = (
        'class Mine:\n    """Reads."""\n    def __init__(self, mine: Text, name: Text = "a"): ...'
    )
    write("readers/mine.py", reader)
    with pytest.raises(UserError, match=r"readers/mine.py: name: is the name of another setting"):
        chosen("extensions")


def test_every_column_and_every_setting_is_a_name_that_is_taken():
    with sample.results():
        plan = read_plan(sample.LAYOUT.plan)
        runs = tables.runs_table(sample.LAYOUT, plan)
    axes = axes_of(plan)
    best = tables.best_table(tables.settings_table(runs, axes))
    settings = {name for planned in plan for name in planned["settings"]}
    taken = catalogue.taken("vae")
    assert {*runs, *best, *settings} - {*axes} <= taken
    assert not taken & {
        name for m in catalogue.models() for name in catalogue.model_hyperparameters(m)
    }


CONTROL = "from latentgrid.evaluation.controls import Control"
BROKEN = {
    "losses() draws from PyTorch's global generator": (
        "models/mine.py",
        f"{MODEL}\n    def losses(self, batch, generator):\n        found = super().losses"
        "(batch, generator)\n        return {k: v + rand_like(v) for k, v in found.items()}\n",
    ),
    "a code depends on the other images": (
        "models/mine.py",
        f"{MODEL}\n    def encode(self, images):\n        codes = super().encode(images)\n"
        "        return codes - codes.mean(dim=0)\n",
    ),
    "no player moves spare": (
        "models/mine.py",
        f"{MODEL}        self.spare = nn.Linear(1, 1)\n\n    def players(self):\n"
        "        player = super().players()[0]\n        player.groups[0][:] = "
        "player.groups[0][:-2]\n        return [player]\n",
    ),
    "gives one = nan": ("measures/mine.py", MEASURE.replace("1.0", "float('nan')")),
    "a second optimizer that got parameters and state() takes other steps": (
        "optimizers/mine.py",
        OPTIMIZER.replace(
            "        for p", "        self.learning_rate = self.learning_rate / 2\n        for p"
        ),
    ),
    "not [0, 1]": ("corruptions/mine.py", CORRUPTION.replace("* 0.5", "- 0.5")),
    "corrupt() changes the images": (
        "corruptions/mine.py",
        CORRUPTION.replace("* 0", ".mul_(0").replace(".5", ".5)"),
    ),
    "It failed: ValueError: no": ("figures/mine.py", FIGURE),
    "SystemExit: 0": ("measures/mine.py", MEASURE.replace("1.0", "exit(0)")),
    "one, always: 1, expected 2 to 3 (a guess)": (
        "measures/mine.py",
        f"{CONTROL}\n{MEASURE}\n\ndef controls(material):\n"
        "    yield Control('one', 'always', 2, 3, measure(None, None)['one'], 'a guess')\n",
    ),
    "controls() yields 1.0, which is no Control": (
        "measures/mine.py",
        f"{MEASURE}\n\ndef controls(material):\n    yield 1.0\n",
    ),
    "controls() yields the range 3 to 2, which holds nothing": (
        "measures/mine.py",
        f"{CONTROL}\n{MEASURE}\n\ndef controls(material):\n"
        "    yield Control('one', 'always', 3, 2, 1.0, 'a slip')\n",
    ),
    "returns seed, which is there already": ("measures/mine.py", MEASURE.replace("one", "seed")),
    "ZeroDivisionError: division by zero; extensions/measures/mine.py, line 2": (
        "measures/mine.py",
        MEASURE.replace("1.0", "1 / 0"),
    ),
}


@pytest.mark.parametrize("said", BROKEN)
def test_a_contract_that_is_broken_is_named(said, capsys):
    from latentgrid.commands.check_plugin import check_plugin

    file = write(*BROKEN[said])
    chosen("extensions")
    assert not check_plugin(file)
    assert said in capsys.readouterr().out


def test_check_plugin_ends_with_status_1_where_a_check_fails():
    file = write("corruptions/mine.py", CORRUPTION.replace("* 0.5", "- 0.5"))
    done = latentgrid("check-plugin", str(file))
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "0 of 1 checks hold." in done.stdout
    assert latentgrid("check-plugin", "no.py").stderr == "error: no.py: no such file\n"


def test_an_error_at_import_is_named_before_anything_trains():
    from latentgrid.steps.trial import require_importable

    write("measures/mine.py", f"{MEASURE}\nONE = 1 / 0\n")
    chosen("extensions")
    with pytest.raises(UserError) as caught:
        require_importable("measures", "mine")
    place = "extensions/measures/mine.py, line 4"
    assert str(caught.value) == f"{place}: cannot be imported: ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("constant", "says"),
    [
        # No model would fit it, so that with `figures: all` it would not be drawn.
        ('NEEDS = ("encod",)', "NEEDS: found 'encod'; allowed: .*encode"),
        ('READS = ("experiment/gan_toy",)', "READS: found 'experiment/gan_toy'; allowed: .*/gan"),
        ('READS = ("experiments/gan",)', "READS: found 'experiments/gan'; allowed: .*/gan_toy"),
    ],
)
def test_a_figure_that_needs_or_reads_what_there_is_not_is_refused(constant, says):
    write("figures/mine.py", f"{FIGURE}{constant}\n")
    with pytest.raises(UserError, match=f"extensions/figures/mine.py: {says}"):
        chosen("extensions")


def test_whether_a_larger_value_is_better_is_said_by_a_plain_value():
    write("measures/mine.py", f"{MEASURE}LARGER_IS_BETTER = 'one'\n")
    with pytest.raises(UserError, match=r"measures/mine.py: LARGER_IS_BETTER: found 'one'; allow"):
        chosen("extensions")


# What a plugin returns or raises while the workflow runs


def refused(call):
    with pytest.raises(UserError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("return None", ": measure() returns nothing; allowed: numbers by name, {} for none"),
        ("return 1.0", ": measure() returns float; allowed: numbers by name"),
        ("return {'one': test.codes}", ", line 2: AttributeError: 'TestSet' object has no"),
    ],
)
def test_what_a_measure_returns_or_raises_is_named(code, says):
    write("measures/mine.py", f"def measure(run, test):\n    {code}\n")
    chosen("extensions")
    with sample.trained():
        run = TrainedRun(sample.LAYOUT.run(read_plan(sample.LAYOUT.plan)[0]["name"]))
        test = load_test_set(sample.LAYOUT.images)
        said = refused(lambda: measures.of_run(run, test))
    assert f"extensions/measures/mine.py{says}" in said


@pytest.mark.parametrize(
    ("returned", "says"),
    [
        ("Figure()", "draw() must return a Drawing, not Figure"),
        ("Drawing(Figure(), 'One is long.')", "seen must be a list of sentences, not 'One is"),
        ("Drawing(Figure(), [3])", "seen must be a list of sentences, not [3]"),
        ("Drawing(Figure().subplots())", "figures of matplotlib, not Axes"),
        ("Drawing(Figure(), frames=[1])", "figures of matplotlib, not int"),
    ],
)
def test_a_figure_that_returns_no_drawing_failed(returned, says, tmp_path):
    """A text in place of a list of sentences would be shown letter by letter."""
    write(
        "figures/mine.py",
        f'"""A figure."""\n'
        f"from matplotlib.figure import Figure\nfrom latentgrid.figures.drawing import Drawing\n"
        f"CAPTION = 'Look.'\ndef draw(results):\n    return {returned}\n",
    )
    chosen("extensions")
    results = SimpleNamespace(first_test_images=np.zeros((1, 1, 8, 8), np.uint8))
    assert says in draw_figure("mine", results).missing


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("return {}", ": run() returns dict; allowed: tensors by name"),
        ("return torch.zeros(2)", ": run() returns Tensor; allowed"),
        ("return {'a': torch.zeros(2).numpy()}", ": run() returns 'a': ndarray; allowed"),
        ("return {'a': 1 / 0}", ", line 3: ZeroDivisionError: division by zero"),
    ],
)
def test_what_an_experiment_returns_or_raises_is_named(code, says, tmp_path):
    write("experiments/mine.py", f"import torch\ndef run():\n    {code}\n")
    chosen("extensions")
    said = refused(lambda: experiment.main("mine", tmp_path / "mine.safetensors"))
    assert said.startswith(f"extensions/experiments/mine.py{says}")


def test_tensors_of_an_experiment_may_share_memory(tmp_path):
    code = "import torch\ndef run():\n    a = torch.arange(4.0)\n    return {'a': a, 'b': a[::2]}\n"
    write("experiments/mine.py", code)
    chosen("extensions")
    experiment.main("mine", tmp_path / "mine.safetensors")
    assert load_file(tmp_path / "mine.safetensors")["b"].tolist() == [0, 2]


CLAIM = """CLAIM = "One is longer."
SOURCE = "an example"
from latentgrid.verdicts.claims import Part
from latentgrid.verdicts.rule import Effect

def examine(runs):
    yield {}
"""


@pytest.mark.parametrize(
    ("part", "says"),
    [
        # Three runs of each seed would count as six seeds, and their interval be too narrow.
        ("Part('a', Effect([1.0] * 6, 'm'), runs)", ": a: has 6 effects of runs with 2 seeds"),
        ("Part('a', Effect([1.0, float('nan')], 'm'), runs)", ": a: has an effect that is no"),
        ("Effect([1.0], 'm')", ": examine() yields Effect; allowed: Part"),
        ("Part('a', Effect([1 / 0], 'm'), runs)", ", line 7: ZeroDivisionError: division"),
    ],
)
def test_what_a_claim_yields_or_raises_is_named(part, says):
    write("claims/mine.py", CLAIM.format(part))
    chosen("extensions")
    runs = pd.DataFrame({"run": list("abcdef"), "model": "pca", "seed": [0, 1] * 3})
    said = refused(lambda: claims_table([], runs.assign(precision="float32")))
    assert said.startswith(f"extensions/claims/mine.py{says}")


@pytest.mark.parametrize(
    ("kind", "code", "says"),
    [
        (
            "readers",
            "from latentgrid.grid.hyperparameters import FolderName\nclass Mine:\n    'Reads.'\n"
            "    def __init__(self, mine: FolderName):\n        self.text = open(mine)\n",
            "dataset: extensions/readers/mine.py, line 5: FileNotFoundError: .*: 'no.txt'",
        ),
        (
            "datasets",
            "from latentgrid.data.sources import Size\nSIZE = Size(2, 2, (1, 4, 4), 1)\n"
            "def load(folder, mirror):\n    return open('no.txt')\n",
            "extensions/datasets/mine.py, line 4: FileNotFoundError: .*: 'no.txt'",
        ),
        (
            "datasets",
            "SIZE = Size(2, 2, (1, 4, 4), 1)\ndef load(folder, mirror): ...\n",
            "extensions/datasets/mine.py, line 1: cannot be imported: NameError: .*",
        ),
    ],
)
def test_what_a_source_of_images_raises_is_named(kind, code, says, tmp_path):
    write(f"{kind}/mine.py", code)
    chosen("extensions")
    source = datasets.read({"mine": "no.txt"} if kind == "readers" else "mine")
    said = refused(lambda: sources.load(source, tmp_path, None))
    assert re.fullmatch(says, said.replace("\\", "/"))
