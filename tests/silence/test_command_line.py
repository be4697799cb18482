"""What Snakemake would misread or could not read is refused in one line before it reads it."""

import pytest

from latentgrid.errors import UserError
from latentgrid.pipeline import command_line
from project import call, copy_project

CONTENT = """
dataset: digits
models: {vae: {latent_dim: 2, optimizer: adam, learning_rate: 0.001}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Configurations of every kind."""
    folder = tmp_path_factory.mktemp("configurations")
    (folder / "good.yaml").write_text(CONTENT, encoding="utf-8")
    (folder / "more.yaml").write_text("seeds: [1]\n", encoding="utf-8")
    (folder / "latin.yaml").write_bytes(f"# é\n{CONTENT}".encode("latin-1"))
    (folder / "wide.yaml").write_bytes(CONTENT.encode("utf-16"))
    (folder / "tab.yaml").write_text("models:\n\tvae: 1\n", encoding="utf-8")
    (folder / "between.yaml").write_text(f"mirror:\there\n{CONTENT}", encoding="utf-8")
    (folder / "date.yaml").write_text("mirror: 2020-99-99\n", encoding="utf-8")
    (folder / "list.yaml").write_text("[1, 2]\n", encoding="utf-8")
    (folder / "folder.yaml").mkdir()
    return folder


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--configfile latin.yaml", "latin.yaml: is not a text file in UTF-8"),
        ("--configfile wide.yaml", "wide.yaml: is not a text file in UTF-8"),
        ("--configfile tab.yaml", "tab.yaml: is not valid YAML in line 2"),
        ("--configfile between.yaml", "between.yaml: "),
        ("--configfile date.yaml", "date.yaml: "),
        ("--configfile list.yaml", "list.yaml: must hold keys and values"),
        ("--configfile folder.yaml", "folder.yaml: cannot be read: Is a directory"),
        ("--configfile none.yaml", "none.yaml: no such file; name another"),
        ("--configfiles good.yaml none.yaml", "none.yaml: no such file; name another"),
        ("--cores 2 --configfile=none.yaml -n", "none.yaml: no such file; name another"),
        ("--configfile good.yaml figures", "figures: no such file"),
        ("--configfile good.yaml --configfile more.yaml", "--configfile is given 2 times"),
        ("--configfile good.yaml --cores 1 --configfiles more.yaml", "--configfile is given 2"),
        ("--config seeds=[1] --config dataset=mnist", "--config is given 2 times"),
        ("--config seeds=[1] -C dataset=mnist", "--config is given 2 times"),
        ("--config seeds=[1] figures", "--config: found 'figures'; allowed: key=value"),
        ("--config seed=1", "--config: 'seed': unknown key; allowed: the keys dataset, "),
        ("--config training.epochs=1", "--config: 'training.epochs': unknown key"),
        ("--config training={epochs:", "--config: training: is not valid YAML"),
        ("--config =1", "--config: found '=1'; allowed: key=value"),
    ],
)
def test_what_snakemake_would_misread_is_refused(folder, monkeypatch, words, expected):
    monkeypatch.chdir(folder)
    with pytest.raises(UserError) as refused:
        command_line.require_sound(words.split())
    assert str(refused.value).startswith(expected)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "words",
    [
        "",
        "--cores all figures",
        "figures --configfile good.yaml more.yaml",
        "--configfile good.yaml --config seeds=[1] training={epochs:2} -n",
        "--configfile=good.yaml -j4 -C dataset=mnist mirror= --keep-going",
        "--configfile good.yaml -- figures",
    ],
)
def test_what_snakemake_reads_as_meant_is_taken(folder, monkeypatch, words):
    monkeypatch.chdir(folder)
    command_line.require_sound(words.split())


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return copy_project(tmp_path_factory.mktemp("command_line") / "project")


@pytest.mark.parametrize(
    "words",
    [
        ["--configfile", "latin.yaml"],
        ["--configfile", "none.yaml"],
        ["--configfile", "good.yaml", "figures"],
        ["--configfile", "good.yaml", "--configfile", "more.yaml"],
        ["--config", "training.epochs=1"],
    ],
)
def test_snakemake_itself_says_so_in_one_line(project, folder, words):
    words = [str(folder / word) if word.endswith(".yaml") else word for word in words]
    done = call(project, "snakemake", "-n", *words)
    profile, *said = done.stderr.splitlines()
    assert profile.startswith("Using workflow specific profile")
    assert len(said) == 1
    assert said[0].startswith("error: ")
    assert done.returncode == 1


def test_several_files_and_entries_reach_the_workflow(project, folder):
    files = [str(folder / "good.yaml"), str(folder / "more.yaml")]
    entries = ["training={epochs: 1}", "models={vae: {learning_rate: 1e-4}}"]
    done = call(project, "snakemake", "-n", "--configfile", *files, "--config", *entries)
    assert done.returncode == 0, done.stderr
    assert (
        "results/digits/report.html"
        in call(
            project, "snakemake", "--summary", "--configfile", *files, "--config", *entries
        ).stdout
    )
