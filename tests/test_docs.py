"""The examples of docs/extend.md, run as they stand there, and the links of the documents."""

import contextlib
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from project import copy_project, run

ROOT = Path(__file__).parents[1]
EXTEND = ROOT / "docs" / "extend.md"


def named_blocks(text):
    """Return {file name: code} of every fenced block that a line naming a file stands before."""
    return dict(re.findall(r"^`([\w/.]+)`:\n\n```\w+\n(.*?)```", text, re.M | re.S))


@pytest.mark.slow
def test_examples_of_the_extension_page(tmp_path):
    project = copy_project(tmp_path / "project")
    blocks = named_blocks(EXTEND.read_text())
    models = yaml.safe_load(blocks.pop("params.yaml"))
    assert len(blocks) == 8
    for name, code in blocks.items():
        assert not (project / name).exists()
        (project / name).write_text(code)
    quick = yaml.safe_load((project / "config" / "quick.yaml").read_text())
    quick["training"]["epochs"] = 1
    quick["evaluation"]["judge"] = None
    quick["figures"] = ["mean_codes", "latent", "prior_lengths"]
    (project / "params.yaml").write_text(yaml.safe_dump(quick | models))

    assert "2 runs on digits" in run(project, "latentgrid", "plan").stdout
    run(project, "snakemake", "--cores", "all")

    runs = pd.read_csv(project / "results/digits/tables/runs.csv")
    assert list(runs["beta"]) == [0.5, 4]
    assert (runs["status"] == "finished").all()
    assert runs["code_spread"].between(0, 10).all()
    claims = pd.read_csv(project / "results/digits/tables/claims.csv").set_index("name")
    assert claims.loc["strong_beta", "n"] == 1
    page = (project / "results/digits/report.html").read_text()
    assert "A larger β pulls the codes together." in page
    assert "β times the KL divergence" in page
    assert "whose codes are not centred" in page
    assert "The longest mean code is that of weighted_vae." in page
    assert "In 50 dimensions the shortest is" in page
    contract = [sys.executable, "-m", "pytest", "-q", "tests/test_models.py", "-k", "weighted_vae"]
    tested = subprocess.run(
        contract,
        cwd=project,
        env={"PYTHONPATH": str(project / "src"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout


PARTS = ("docs", "benchmarks", "reference")


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
