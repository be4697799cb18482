"""A plugin that is wrong is named in one line, before anything runs; the contracts can fail."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from latentgrid.errors import UserError
from latentgrid.grid import catalogue, components, plugins, reading
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
