"""Trained runs from Python, and what `import latentgrid` costs."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

import latentgrid as lg
from latentgrid.api.images import as_images
from latentgrid.api.runs import Run
from latentgrid.data import CLASS_NAMES, Images, checksum
from latentgrid.errors import UserError
from latentgrid.extras import EXTRAS, named_extras, require_installed
from latentgrid.files.atomic import write_json
from latentgrid.files.run_files import RunFiles
from latentgrid.results.trained import TrainedRun
from latentgrid.stamps.code import code_of
from trained import SETTINGS, train

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def project(tmp_path_factory, few_images):
    folder = tmp_path_factory.mktemp("project")
    train(folder, few_images, "vae", latent_dim=2)
    train(folder, few_images, "pca", latent_dim=2)
    return folder


@pytest.fixture
def vae(project):
    return lg.load(project / "results/few/runs/vae/default/seed=5")


def copied(vae, tmp_path):
    return shutil.copytree(vae.path, tmp_path / "run")


def write_table(results):
    """Write the table of the only run of these results."""
    (results / "tables").mkdir()
    pd.DataFrame({"run": ["vae/default/seed=5"]}).to_csv(results / "tables/runs.csv", index=False)
    write_json(results / "plan.json", [{"name": "vae/default/seed=5"}])


def test_a_run_makes_what_its_training_kept(vae):
    kept = vae._trained.snapshots
    images = vae.test_set.images
    assert np.array_equal(vae.encode(images), kept["2/codes"])
    samples = vae.sample(16, seed=SETTINGS["seed"])
    assert samples.dtype == np.float32
    assert np.array_equal(np.rint(samples * 255), kept["2/samples"])
    again = vae.reconstruct(images)
    assert np.array_equal(np.rint(again[:20] * 255), kept["2/reconstructions"])
    assert np.array_equal(vae.decode(vae.encode(images)), again)


def test_a_run_says_what_it_is(tmp_path, vae):
    assert list(vae.settings)[:2] == ["model", "latent_dim"]
    assert (vae.settings["epochs"], vae.settings["seed"], vae.status) == (2, 5, "finished")
    assert vae.history["epoch"].tolist() == [1, 2]
    assert "model=vae, latent_dim=2" in repr(vae)
    with pytest.raises(UserError, match=r"metrics\.json: is missing; run snakemake"):
        _ = vae.measures
    folder = copied(vae, tmp_path)
    write_json(folder / "metrics.json", {"status": "finished", "silhouette": 0.25})
    assert lg.load(folder).measures == {"silhouette": 0.25}


def test_samples_depend_on_the_seed_alone(vae):
    assert np.array_equal(vae.sample(3, seed=1), vae.sample(3, seed=1))
    assert not np.array_equal(vae.sample(3, seed=1), vae.sample(3, seed=2))


def test_images_of_every_form_are_the_same_images(vae):
    images = vae.test_set.images[:4]
    codes = vae.encode(images)
    for form in (images[:, 0], images.reshape(4, -1), images / 255, (images / 255).tolist()):
        assert np.allclose(vae.encode(form), codes, atol=1e-5)


@pytest.mark.filterwarnings("error")
def test_arrays_may_be_views_and_locked(vae):
    images = (vae.test_set.images[:4] / 255).astype(np.float32)
    mirrored = images[:, :, ::-1, ::-1]
    assert np.array_equal(vae.encode(mirrored), vae.encode(mirrored.copy()))
    images.setflags(write=False)
    assert np.array_equal(vae.encode(images), vae.encode(images.copy()))
    codes = vae.encode(images)
    assert np.array_equal(vae.decode(codes[::-1]), vae.decode(codes)[::-1])


def test_what_the_caller_set_for_torch_changes_nothing(vae):
    expected = vae.sample(2)
    torch.set_default_dtype(torch.float64)
    try:
        again = lg.load(vae.path)
        assert np.array_equal(again.sample(2), expected)
        assert np.array_equal(vae.sample(2), expected)
    finally:
        torch.set_default_dtype(torch.float32)
    with torch.device("meta"), torch.inference_mode():
        assert np.array_equal(lg.load(vae.path).sample(2), expected)
    codes = vae.encode(vae.test_set.images)
    with torch.autocast("cpu", torch.bfloat16):
        assert np.array_equal(vae.encode(vae.test_set.images), codes)


def test_more_images_than_there_is_memory_for_are_refused(vae, monkeypatch):
    def sample(n, _):
        return torch.empty(n, 2**22)

    with pytest.raises(UserError, match=r"n: found 10000000000; allowed: .* to 2147483647"):
        vae.sample(10**10)
    monkeypatch.setattr(vae.model, "sample", sample)
    with pytest.raises(UserError, match="there is no memory for 2147483647 images; draw fewer"):
        vae.sample(2**31 - 1)
    with pytest.raises(UserError, match="x: no such folder"):
        lg.load("x" * 300)


REFUSED = [
    (np.zeros((2, 5)), r"shape \(2, 5\); allowed: \(n, 1, 2, 2\), \(n, 2, 2\) or \(n, 4\)"),
    (np.full((2, 4), -0.1), "numbers from -0.1 to -0.1; allowed: floats from 0 to 1, or uint8"),
    (np.full((2, 4), 255.0), "numbers from 255 to 255"),
    (np.zeros((2, 4), int), "found int64; allowed: uint8"),
    (np.full((2, 4), np.nan), "not finite"),
    (np.zeros((0, 4)), "found none"),
    (np.zeros((0, 4), np.uint8), "found none"),
    (torch.zeros(2, 4, requires_grad=True), "is no array"),
    (np.full((2, 4), 1 + 1e-7), "numbers from 1.0000001 to 1.0000001; allowed"),
    ([[1.0], [1.0, 2.0]], "is no array"),
    ("a cat", "allowed: uint8"),
]


@pytest.mark.parametrize(("given", "reason"), REFUSED)
def test_other_images_are_refused(given, reason):
    with pytest.raises(UserError, match=reason):
        as_images(given, (1, 2, 2))


def test_grey_images_need_no_axis_of_channels_and_colours_do():
    assert as_images(np.zeros((3, 2, 2)), (1, 2, 2)).shape == (3, 1, 2, 2)
    with pytest.raises(UserError, match=r"allowed: \(n, 3, 2, 2\) or \(n, 12\)"):
        as_images(np.zeros((3, 2, 2)), (3, 2, 2))


def test_a_run_says_what_it_can(project, vae):
    assert vae.abilities == {"encode", "decode", "reconstruct", "sample"}
    assert vae.latent_dim == 2
    assert vae.classes == 0
    assert lg.load(project / "results/few/runs/pca/default/seed=5").abilities == {
        *("encode", "decode", "reconstruct")
    }


def test_a_snapshot_is_what_the_model_showed_after_an_epoch(vae):
    assert vae.epochs == [2]
    shown = vae.snapshot(2)
    assert {"samples", "codes", "reconstructions", "manifold"} <= set(shown)
    assert np.array_equal(shown["codes"], vae.encode(vae.test_set.images))
    with pytest.raises(UserError, match=r"epoch: found 1; allowed: 2$"):
        vae.snapshot(1)


def test_a_denoiser_damages_as_its_training_did(tmp_path, few_images):
    run = lg.load(train(tmp_path, few_images, "dae", latent_dim=2, corruption="block", hidden=8))
    images = run.test_set.images
    damaged = run.corrupt(images, seed=1)
    changed = damaged != images / np.float32(255)
    assert 0 < changed.mean() < 1
    assert (damaged[changed] == 0).all()
    assert np.array_equal(run.corrupt(images, seed=1), damaged)
    assert not np.array_equal(run.corrupt(images, seed=2), damaged)


def test_a_class_can_be_asked_for_where_the_model_is_told_it(tmp_path, few_images, vae):
    run = lg.load(train(tmp_path, few_images, "cond_gan", latent_dim=2, hidden=8))
    n = run.classes
    by_turns = run.sample(n, seed=3)  # one of each class
    of_each = [run.sample(n, seed=3, label=label)[label] for label in range(n)]
    assert np.allclose(of_each, by_turns, atol=1e-6)
    assert not np.allclose(run.sample(n, seed=3, label=0), run.sample(n, seed=3, label=1))
    with pytest.raises(UserError, match=rf"label: found {n}; allowed: a class from 0 to {n - 1}"):
        run.sample(1, label=n)
    with pytest.raises(UserError, match="VAE: draws images of no given class"):
        vae.sample(1, label=0)
    with pytest.raises(UserError, match="cannot corrupt"):
        vae.corrupt(vae.test_set.images)


def test_what_a_model_cannot_do_is_refused(project, vae):
    pca = lg.load(project / "results/few/runs/pca/default/seed=5")
    with pytest.raises(UserError, match=r"PCA: cannot sample; it can encode, decode, reconstruct$"):
        pca.sample(3)
    with pytest.raises(UserError, match="VAE: cannot classify"):
        vae.classify(vae.test_set.images)
    with pytest.raises(UserError, match=r"codes: found shape \(1, 3\); allowed: \(n, 2\)"):
        vae.decode(np.zeros((1, 3)))
    with pytest.raises(UserError, match="n: found 0; allowed: a whole number from 1 to 2147483647"):
        vae.sample(0)
    with pytest.raises(UserError, match="seed: found nothing"):
        vae.sample(1, seed=None)


def test_a_folder_that_is_no_finished_run_is_refused(tmp_path, vae):
    with pytest.raises(UserError, match="no such folder"):
        lg.load(tmp_path / "nowhere")
    folder = copied(vae, tmp_path)
    (folder / "outcome.json").unlink()
    with pytest.raises(UserError, match="its training has not ended"):
        lg.load(folder)


def test_a_damaged_run_is_refused(tmp_path, vae):
    folder = copied(vae, tmp_path)
    weights = folder / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match=r"weights\.safetensors: is damaged"):
        lg.load(folder)


def test_a_run_of_other_code_is_refused(tmp_path, vae):
    folder = copied(vae, tmp_path)
    stamp = folder / ".outcome.json.made"
    made = json.loads(stamp.read_text())
    made["modules"]["latentgrid.training.loop"] = "another loop"  # it decides no image of a model
    write_json(stamp, made)
    assert lg.load(folder).status == "finished"
    made["modules"]["latentgrid.nets.dense"] = "other layers"
    write_json(stamp, made)
    with pytest.raises(UserError, match=r"trained with other code of latentgrid\.nets\.dense"):
        lg.load(folder)
    stamp.unlink()
    with pytest.raises(UserError, match="copy the folder with its hidden files"):
        lg.load(folder)


def test_other_images_than_the_run_was_trained_on_are_not_its_test_set(tmp_path, vae, few_images):
    project = shutil.copytree(vae.path.parents[5], tmp_path / "project")
    run = lg.load(project / vae.path.relative_to(vae.path.parents[5]))
    assert len(run.test_set.images) == 30
    (project / "data/few/images.safetensors").unlink()
    with pytest.raises(UserError, match=r"images\.safetensors: is missing"):
        _ = lg.load(run.path).test_set
    half = {name: part[: len(part) // 2].clone() for name, part in few_images.tensors().items()}
    told = {"checksum": checksum(Images(**half)), CLASS_NAMES: "[]"}
    save_file(half, project / "data/few/images.safetensors", told)
    with pytest.raises(UserError, match="holds other images than"):
        _ = lg.load(run.path).test_set
    alone = Run(TrainedRun(RunFiles(Path("/run"), Path("/run"))), run.model)
    with pytest.raises(UserError, match="lies in no results"):
        _ = alone.test_set


def test_the_table_of_runs_leads_to_them(tmp_path, vae):
    results = tmp_path / "results"
    with pytest.raises(UserError, match=r"has no tables/runs\.csv; run snakemake"):
        lg.runs(results)
    shutil.copytree(vae.path, results / "runs/vae/default/seed=5")
    write_table(results)
    table = lg.runs(results)
    assert lg.load(table.loc[0, "path"]).settings == vae.settings
    write_json(results / "plan.json", [])
    with pytest.raises(UserError, match="does not hold the 0 runs"):
        lg.runs(results)


def test_the_import_is_light_and_decides_no_result():
    says = "import latentgrid, sys; print({'torch', 'sklearn', 'pandas'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", says], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
    modules = code_of("latentgrid.training.run").modules
    assert modules["latentgrid"] == modules["latentgrid.files"]  # an empty file
    with pytest.raises(AttributeError, match="no attribute 'lead'"):
        _ = lg.lead
    assert {"load", "runs", "estimator", "VAE"} <= {*dir(lg)}


WITHOUT_EXTRAS = """
import sys
for name in {extras}:
    sys.modules[name] = None  # an import of it fails

import latentgrid as lg

run = lg.load({path!r})
print(run.sample(2).shape, lg.VAE(epochs=1).fit(run.test_set.images.reshape(30, -1)).n_features_in_)
"""


def test_no_extra_is_needed(vae):
    code = WITHOUT_EXTRAS.format(extras=[*EXTRAS], path=str(vae.path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "(2, 1, 28, 28) 784\n", done.stderr


def test_a_missing_library_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    said = r"mlflow: is not .* pip install 'latentgrid\[tracking\]'"
    with pytest.raises(UserError, match=said), named_extras():
        import mlflow  # noqa: F401
    monkeypatch.setitem(EXTRAS, "of_nobody", "workflow")
    with pytest.raises(UserError, match=r"of_nobody: is not .*latentgrid\[workflow\]"):
        require_installed("of_nobody")
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ModuleNotFoundError), named_extras():
        import safetensors  # noqa: F401


def test_extras_are_those_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    distributions = packages_distributions()
    for module, extra in EXTRAS.items():
        libraries = {re.split("[=[]", one)[0] for one in project["optional-dependencies"][extra]}
        assert {*map(str.lower, distributions[module])} & libraries, module


def test_the_page_about_python_runs_as_it_stands(tmp_path, monkeypatch, project):
    for part in ("data", "results"):
        shutil.copytree(project / part / "few", tmp_path / part / "digits")
    write_table(tmp_path / "results/digits")
    metrics = tmp_path / "results/digits/runs/vae/default/seed=5/metrics.json"
    write_json(metrics, {"status": "finished"})
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)```", (ROOT / "docs/python.md").read_text(), re.M | re.S)
    assert len(blocks) == 2
    names = {}
    for block in blocks:
        exec(block, names)  # noqa: S102 - the code of our own page
    assert names["codes"].shape == (1797, 2)
