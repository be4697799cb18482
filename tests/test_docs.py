"""The examples of docs/extend.md, run as they stand there, and the links of the documents."""

import contextlib
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from latentgrid.files.layout import Layout
from latentgrid.grid import components
from project import TINY, copy_project, environment, run, without_links, write_params

ROOT = Path(__file__).parents[1]
EXTEND = ROOT / "docs" / "extend.md"


def named_blocks(text):
    """Return (file name, code) of every fenced block that a line naming a file stands before."""
    return re.findall(r"^`([\w/.-]+)`:\n\n```\w+\n(.*?)```", text, re.M | re.S)


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """A project in a folder with a space in its name, with the files of the page, run once."""
    project = copy_project(tmp_path_factory.mktemp("extended") / "a project")
    blocks = named_blocks(EXTEND.read_text())
    models = {}
    for name, code in blocks:
        if name == "params.yaml":
            models |= yaml.safe_load(code)["models"]
        else:
            assert name.startswith("extensions/")
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            (project / name).write_text(code)
    params = TINY | {"dataset": "bars", "plugins": ["extensions"], "models": models}
    params["figures"] = ["mean_codes", "latent", "prior_lengths"]
    write_params(project, params)
    assert "3 runs on bars" in run(project, "latentgrid", "plan").stdout
    run(project, "snakemake", "--cores", "2")
    return project


@pytest.mark.slow
@pytest.mark.xdist_group("extended")
def test_examples_of_the_extension_page(extended):
    files = {path.parent.name for path in (extended / "extensions").glob("*/*.py")}
    assert files == components.KINDS.keys()
    results = extended / "results/bars"
    runs = pd.read_csv(results / "tables/runs.csv")
    assert (runs["status"] == "finished").all()
    vaes = runs[runs["model"] == "weighted_vae"]
    assert (list(vaes["beta"]), set(vaes["optimizer"])) == ([0.5, 4], {"descent"})
    assert list(runs[runs["model"] == "dae"]["corruption"]) == ["stripes"]
    assert runs["code_spread"].between(0, 10).all()
    controls = pd.read_csv(results / "tables/controls.csv").set_index("measure")
    assert controls.loc["code_spread", "inside"] == "yes"
    flags = pd.read_csv(results / "tables/quality.csv")
    assert "without a control" not in set(flags["flag"])
    claims = pd.read_csv(results / "tables/claims.csv").set_index("name")
    assert claims.loc["strong_beta", "n"] == 1
    page = without_links(results / "report.html")
    assert "A larger β pulls the codes together." in page
    assert "β times the KL divergence" in page
    assert "whose codes are not centred" in page
    assert "The longest mean code is that of" in page
    assert "In 50 dimensions the shortest is" in page


@pytest.mark.slow
@pytest.mark.xdist_group("extended")
def test_the_examples_keep_the_contracts(extended):
    files = [str(path) for path in (extended / "extensions").glob("*/*.py")]
    said = run(extended, "latentgrid", "check-plugin", *files).stdout
    assert said.count("checks hold") == len(files) == 11
    assert "failed" not in said


@pytest.mark.slow
@pytest.mark.xdist_group("extended")
def test_an_edit_of_a_plugin_makes_again_what_it_affects(extended):
    def planned(file, old, new):
        path = extended / "extensions" / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        said = run(extended, "snakemake", "-n").stderr
        path.write_text(text)
        trained = {line.split("/")[0] for line in said.splitlines() if line.startswith("to train")}
        return {line.removeprefix("to train: ") for line in trained}, said

    runs, said = planned("models/weighted_vae.py", '"""A dense', '"""A small and dense')
    assert not runs
    assert len(re.findall("^to make again: 1 result", said, re.M)) == 1  # the model's page
    runs, _ = planned("models/weighted_vae.py", "self.beta *", "2 * self.beta *")
    assert runs == {"weighted_vae"}
    assert planned("optimizers/descent.py", "0.9", "0.8")[0] == {"weighted_vae"}
    assert planned("schedules/slowly_down.py", "2 *", "3 *")[0] == {"dae"}
    assert planned("corruptions/stripes.py", "1::2", "::2")[0] == {"dae"}
    runs, _ = planned("datasets/bars.py", "manual_seed(0)", "manual_seed(1)")
    assert runs == {"weighted_vae", "dae"}
    runs, said = planned("measures/code_spread.py", "axis=0", "axis=1")
    assert (runs, "code of extensions.measures.code_spread" in said) == (set(), True)
    runs, said = planned("figures/mean_codes.py", "(WIDTH, 2)", "(WIDTH, 3)")
    assert (runs, "code of extensions.figures.mean_codes" in said) == (set(), True)


@pytest.mark.slow
@pytest.mark.xdist_group("extended")
def test_a_job_refuses_a_plugin_that_changed_after_the_plan(extended):
    """An order lies there from the call that made the results; its job is called by hand."""
    measure = extended / "extensions/measures/code_spread.py"
    text = measure.read_text()
    run_name = pd.read_csv(extended / "results/bars/tables/runs.csv")["run"][0]
    chosen = json.dumps([["extensions", str(extended / "extensions")]])
    measure.write_text(text.replace("axis=0", "axis=1"))
    job = ("latentgrid.jobs.client", "--as", f"evaluate:{run_name}", "latentgrid.steps.evaluate")
    done = subprocess.run(
        [sys.executable, "-m", *job, "--dataset", "bars", "--run", run_name, "--test-images", "10"],
        cwd=extended,
        env=environment(extended)
        | {"LATENTGRID_ORDERS": str(Layout("bars").orders), "LATENTGRID_PLUGINS": chosen},
        capture_output=True,
        text=True,
        check=False,
    )
    measure.write_text(text)
    assert done.returncode == 1
    assert (
        "the code changed while the workflow ran (extensions.measures.code_spread)" in done.stderr
    )


PARTS = ("docs", "benchmarks", "studies")


@pytest.mark.parametrize(
    "page",
    [*ROOT.glob("*.md"), *(page for part in PARTS for page in (ROOT / part).rglob("*.md"))],
    ids=lambda p: p.relative_to(ROOT).as_posix(),
)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_every_dependency_is_explained():
    explained = (ROOT / "docs" / "libraries.md").read_text()
    project = (ROOT / "pyproject.toml").read_text()
    listed = re.findall(r'^  "([A-Za-z][\w.-]*)(?:==[^"]*)?",$', project, re.M)
    assert len(listed) > 20
    typing_stubs = {name for name in listed if name.startswith("types-")}
    ours = {name for name in listed if name.startswith("latentgrid")}
    for name in set(listed) - typing_stubs - ours - {"setuptools"}:
        assert name in explained, name


@pytest.mark.slow
def test_the_page_of_the_rules_is_the_workflows_own():
    place = importlib.util.spec_from_file_location("rulegraph", ROOT / "tools" / "rulegraph.py")
    tool = importlib.util.module_from_spec(place)
    place.loader.exec_module(tool)
    with contextlib.chdir(ROOT):
        written = (ROOT / tool.PAGE).read_text(encoding="utf-8")
        assert tool.page() == written, "call make rulegraph"


def test_the_readme_counts_and_is_short():
    text = (ROOT / "README.md").read_text()
    models, figures = map(int, re.search(r"(\d+) models,\s+(\d+) figures", text).groups())
    assert models == len(components.names("models"))
    assert figures == len(components.names("figures"))
    assert len(text.split()) <= 600
