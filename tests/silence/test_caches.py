"""A home that cannot be made keeps nobody from working."""

import os

import pytest

from latentgrid.pipeline import caches
from project import call, copy_project

NO_HOME = "/proc/nobody"  # not even root makes a folder there


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to stand in, the variables as they are in a login, and none of ours kept."""
    monkeypatch.chdir(tmp_path)
    for name in ("XDG_CACHE_HOME", "MPLCONFIGDIR"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return tmp_path


@pytest.mark.parametrize("variable", ["HOME", "XDG_CACHE_HOME"])
def test_caches_are_kept_in_the_project_where_there_is_no_home(here, monkeypatch, variable):
    monkeypatch.setenv(variable, NO_HOME)
    caches.keep_in_project_without_home()
    assert os.environ["XDG_CACHE_HOME"] == str(here / ".snakemake" / "caches")
    assert os.environ["MPLCONFIGDIR"] == str(here / ".snakemake" / "caches" / "matplotlib")


def test_caches_stay_in_a_home_that_there_is(here, monkeypatch):
    monkeypatch.setenv("HOME", str(here))
    caches.keep_in_project_without_home()
    assert "XDG_CACHE_HOME" not in os.environ
    assert "MPLCONFIGDIR" not in os.environ


@pytest.mark.parametrize("variables", [{}, {"PYTHONIOENCODING": "ascii"}])
@pytest.mark.parametrize(
    "words", [["snakemake", "-n", "data"], ["latentgrid", "models"], ["latentgrid", "watch"]]
)
def test_commands_need_no_home(project_of_digits, monkeypatch, words, variables):
    for name, value in ({"HOME": NO_HOME} | variables).items():
        monkeypatch.setenv(name, value)
    done = call(project_of_digits, *words)
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode == (1 if "watch" in words else 0), done.stderr


@pytest.fixture(scope="module")
def project_of_digits(tmp_path_factory):
    project = copy_project(tmp_path_factory.mktemp("caches") / "project")
    params = "dataset: digits\nmodels: {pca: {latent_dim: 2}}\n"
    (project / "params.yaml").write_text(params, encoding="utf-8")
    return project
