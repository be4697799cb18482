"""Two folders of results compared, and two clones that give the same bits."""

import json
import shutil
import zlib

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from latentgrid.commands.compare import LEFT_OUT, but_for_code, compare
from latentgrid.errors import UserError
from latentgrid.files.atomic import sha256
from latentgrid.files.layout import Layout
from project import ROOT, TINY, call, contents, copy_project, run, write_params

RUN = Layout("digits").run("vae/default/seed=0")
TABLE = Layout("digits").tables / "runs.csv"
FIGURE = Layout("digits").figures / "samples"


@pytest.fixture
def pair(tmp_path):
    """Two projects with the same results, but for their times, logs and locks."""
    first, second = tmp_path / "first", tmp_path / "second"
    for file in (RUN.folder, TABLE.parent, FIGURE.parent):
        (first / file).mkdir(parents=True)
    (first / RUN.config).write_text('{"code": "abc", "settings": {"epochs": [1, 2], "seed": 0}}')
    weights = {
        "bias": np.zeros(3, np.float32),
        "weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    }
    save_file(weights, first / RUN.weights)
    (first / TABLE).write_text("run,loss\na,1.5\nb,2.5\n")
    Image.new("RGB", (10, 10)).save(first / f"{FIGURE}.png")
    stream = zlib.compress(b"0 0 m 1 1 l S")
    (first / f"{FIGURE}.pdf").write_bytes(b"%PDF-1.4\n" + stream + b"\n%%EOF")
    (first / Layout("digits").report).write_text("<p>one</p>\n<p>two</p>")
    shutil.copytree(first, second)
    for project in (first, second):
        (project / RUN.timing).write_text(f'{{"host": "{project.name}"}}')
        logs = project / Layout("digits").logs / "train"
        logs.mkdir(parents=True)
        (logs / "run.log").write_text(str(project))
        (project / Layout("digits").lock).write_text(project.name)
    return first, second


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def change_pixels(path):
    picture = Image.open(path)
    picture.paste((255, 0, 0), (0, 0, 5, 5))
    picture.save(path)


def replace(before, after):
    def change(path):
        text = path.read_bytes()
        assert before in text
        path.write_bytes(text.replace(before, after))

    return change


def save_weight(tensor):
    return lambda path: save_file({"bias": np.zeros(3, np.float32), **tensor}, path)


def test_times_logs_and_locks_are_left_out(pair):
    found = compare(*pair)
    assert found.differences == {}
    assert (found.compared, found.left_out) == (6, 3)
    assert found.summary == "6 files, all the same; 3 left out, which hold times, hosts or paths"


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        (RUN.weights, flip_a_bit, "tensor weight: values differ by up to 15"),
        (RUN.weights, save_weight({}), "tensor weight is only in one"),
        (
            RUN.weights,
            save_weight({"weight": np.zeros(2, np.float32)}),
            "tensor weight: float32[2, 3] and float32[2]",
        ),
        (TABLE, replace(b"2.5", b"2.6"), "row 2, column loss: 2.5 and 2.6"),
        (TABLE, replace(b"loss", b"cost"), "header, column 2: loss and cost"),
        (TABLE, replace(b"b,2.5\n", b""), "2 and 1 rows"),
        (RUN.config, replace(b"[1, 2]", b"[1, 3]"), "settings.epochs[1]: 2 and 3"),
        (RUN.config, replace(b'"abc"', b"null"), 'code: "abc" and null'),
        (RUN.config, replace(b", 2]", b"]"), "settings.epochs[1]: 2 and nothing"),
        (RUN.config, replace(b"}}", b""), "not readable: "),
        (RUN.config, replace(b": ", b":"), "the same content, written in other bytes"),
        (f"{FIGURE}.png", change_pixels, "25.00 % of the pixels"),
        (f"{FIGURE}.pdf", replace(b"%%EOF", b"%%OEF"), "bytes each; line 3: %%EOF and %%OEF"),
        (
            Layout("digits").report,
            replace(b"two", b"three"),
            "21 and 23 bytes; line 2: <p>two</p> and <p>three</p>",
        ),
    ],
)
def test_what_differs_is_named_with_the_place(pair, file, change, words):
    change(pair[1] / file)
    ((name, reason),) = compare(*pair).differences.items()
    assert name == str(file)
    assert words in reason


def test_further_differences_are_counted(pair):
    replace(b".5", b".6")(pair[1] / TABLE)
    (reason,) = compare(*pair).differences.values()
    assert reason == "row 1, column loss: 1.5 and 1.6 (and 1 more)"


def test_a_long_line_is_cut_to_where_it_differs(pair):
    for project, word in zip(pair, ("one", "two"), strict=True):
        page = project / Layout("digits").report
        page.write_text("x" * 500 + word + "y" * 500)
    (reason,) = compare(*pair).differences.values()
    assert "xone" in reason and "xtwo" in reason
    assert len(reason) < 300


def test_a_file_that_only_one_has_is_named(pair):
    (pair[1] / TABLE).unlink()
    (pair[0] / RUN.folder / "timing.json").unlink()
    found = compare(*pair)
    assert found.differences == {str(TABLE): f"only in {pair[0]}"}
    assert found.left_out == 3


def test_a_run_may_be_called_like_what_is_left_out(pair):
    for name in LEFT_OUT:
        place = Layout("digits").runs / name.replace("*", "x") / "default" / "history.csv"
        (pair[0] / place).parent.mkdir(parents=True)
        (pair[0] / place).write_text("")
    assert len(compare(*pair).differences) == len(LEFT_OUT)


@pytest.mark.parametrize("name", ["logs", "state"])
def test_a_data_set_may_be_called_like_what_is_left_out(pair, name):
    for project in pair:
        (project / Layout("digits").results).rename(project / Layout(name).results)
    assert compare(*pair).differences == {}
    replace(b"two", b"three")(pair[1] / Layout(name).report)
    found = compare(*pair)
    assert list(found.differences) == [str(Layout(name).report)]
    assert (found.compared, found.left_out) == (6, 3)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("first", "none", "no such folder"),
        ("first", "first", "the same folder"),
        ("first", "second/results", "only one of"),
        ("empty", "empty too", "holds a file"),
    ],
)
def test_a_wrong_folder_is_named(pair, first, second, words):
    root = pair[0].parent
    (root / "empty").mkdir()
    (root / "empty too").mkdir()
    with pytest.raises(UserError, match=words):
        compare(root / first, root / second)


def test_the_command_ends_with_the_count_and_a_status(pair):
    same = call(ROOT, "latentgrid", "compare", *map(str, pair))
    assert (same.returncode, same.stdout.count("\n")) == (0, 1)
    config = json.loads((pair[1] / RUN.config).read_text())
    (pair[1] / RUN.config).write_text(json.dumps(config | {"code": "def"}))
    differs = call(ROOT, "latentgrid", "compare", *map(str, pair))
    assert differs.returncode == 1
    assert differs.stdout.splitlines() == [
        f'{RUN.config}: code: "abc" and "def"',
        "6 files, 1 differ; 3 left out, which hold times, hosts or paths",
    ]


CODES = ("fedcba987654-dirty", "0123456789ab")


@pytest.fixture
def of_two_commits(pair):
    """The pair, whose second was made by other code: that stands in four files of it."""
    for project, code in zip(pair, CODES, strict=True):
        config = json.loads((project / RUN.config).read_text()) | {"code": code}
        (project / RUN.config).write_text(json.dumps(config))
        text = {"epochs": 2, "sha256": {"config.json": sha256(project / RUN.config)}}
        (project / RUN.outcome).write_text(json.dumps(text))
        inventory = {"vae/default/seed=0": sha256(project / RUN.outcome)}
        (project / Layout("digits").inventory).write_text(json.dumps(inventory))
        (project / Layout("digits").report).write_text(f"<p>made by {code}</p>")
    return pair


def test_results_of_two_commits_are_the_same_but_for_the_code_that_they_name(of_two_commits):
    found = compare(*of_two_commits)
    assert len(found.differences) == 4
    assert but_for_code(*of_two_commits, found).differences == {}
    done = call(ROOT, "latentgrid", "compare", "--any-code", *map(str, of_two_commits))
    assert (done.returncode, "8 files, all the same" in done.stdout) == (0, True)


@pytest.mark.parametrize(
    ("file", "change"),
    [
        (TABLE, replace(b"2.5", b"2.6")),
        (RUN.config, replace(b"[1, 2]", b"[1, 3]")),
        (RUN.outcome, replace(b'"epochs": 2', b'"epochs": 3')),
        (RUN.config, lambda path: path.write_bytes(b"{")),
        (RUN.weights, flip_a_bit),
        (RUN.weights, lambda path: path.unlink()),
    ],
)
def test_what_differs_besides_the_code_is_still_named(of_two_commits, file, change):
    change(of_two_commits[1] / file)
    found = but_for_code(*of_two_commits, compare(*of_two_commits))
    assert str(file) in found.differences


def is_of_one_run(name):
    """Tell whether a file of the tiny grid is one of its first run's and first figure's too."""
    place, _, below = name.removeprefix("digits/").partition("/")
    if place == "runs":
        return below.startswith("vae/latent_dim=2,optimizer=adam,learning_rate=0.001/")
    if place == "figures":
        return below.startswith("samples.")
    if place == "models":
        return below.startswith("vae.")
    return "interactive" not in place


@pytest.mark.slow
def test_two_clones_on_all_cores_and_on_one_give_the_same_bits(built, tmp_path, monkeypatch):
    project = copy_project(tmp_path / "project")
    models = {"vae": TINY["models"]["vae"] | {"learning_rate": 0.001}}
    write_params(project, TINY | {"models": models, "figures": ["samples"]})
    for command in ("git init --quiet", "git add --all", "git commit --quiet --message all"):
        run(project, *command.split())
    (project / "README.md").write_text("not committed")
    places = tmp_path / "places"
    places.mkdir()
    monkeypatch.setenv("TMPDIR", str(places))
    done = run(project, "tools/reproduce.sh", "params.yaml")
    expected = {
        name
        for folder in ("data", "results")
        for name in contents(built / folder)
        if not any(part in LEFT_OUT or part.startswith(".") for part in name.split("/"))
        and is_of_one_run(name)
    }
    assert done.stdout.splitlines()[-1].startswith(f"{len(expected)} files, all the same; ")
    assert "warning: the clones are of the last commit" in done.stderr
    assert list(places.iterdir()) == []
