"""A dvc.yaml that would keep other results than those that are made is refused by what to write."""

from pathlib import Path

import pytest

from latentgrid.commands.versioned import STAGES, require_versioned
from latentgrid.errors import UserError
from latentgrid.grid import catalogue
from latentgrid.grid.schema import Params

OURS = (Path(__file__).parents[1] / STAGES).read_text()
FLOWERS = {"folder": "~/pictures/flowers", "resize": 64}
NAME = "flowers,resize=64"


def check(tmp_path, monkeypatch, text, said, **others):
    monkeypatch.chdir(tmp_path)
    STAGES.write_text(text)
    params = {"dataset": said, "models": {"pca": {"latent_dim": 2}}} | others
    require_versioned(Params.model_validate(params), said)


@pytest.mark.parametrize("said", ["digits", "cifar10", "cifar10,grey=True"])
def test_names_need_nothing(tmp_path, monkeypatch, said):
    check(tmp_path, monkeypatch, OURS, said)


def test_a_folder_needs_its_name_and_itself(tmp_path, monkeypatch):
    named, place = OURS.replace("${dataset}", NAME), Path("~/pictures/flowers").expanduser()
    with pytest.raises(UserError, match=f"dvc repro would not see that {place} changed"):
        check(tmp_path, monkeypatch, named, FLOWERS)
    seen = named.replace("    deps:\n", f"    deps:\n      - {place}\n")
    check(tmp_path, monkeypatch, seen, FLOWERS)


@pytest.mark.parametrize(
    ("place", "others"),
    [
        ("extensions", {"plugins": ["extensions/models/mine.py", "extensions"]}),
        ("mine/author-2024", {"studies": ["mine/author-2024", "vizoso-2020"]}),
        ("archives", {"mirror": "archives"}),
    ],
)
def test_files_of_the_user_need_to_be_looked_at(tmp_path, monkeypatch, place, others):
    monkeypatch.setattr(catalogue, "same_from_any_mirror", lambda *_: False)
    (tmp_path / place).mkdir(parents=True)
    for study in ("mine/author-2024", "studies/vizoso-2020"):
        (tmp_path / study).mkdir(parents=True, exist_ok=True)
        (tmp_path / study / "study.yaml").touch()
    with pytest.raises(UserError, match=f"dvc repro would not see that {place}.* changed; add "):
        check(tmp_path, monkeypatch, OURS, "digits", **others)
    seen = OURS.replace("    deps:\n", f"    deps:\n      - {place}\n")
    check(tmp_path, monkeypatch, seen, "digits", **others)


@pytest.mark.parametrize("mirror", ["https://example.org/mnist", "archives"])
def test_a_mirror_whose_archives_are_verified_need_not_be_looked_at(tmp_path, monkeypatch, mirror):
    (tmp_path / "archives").mkdir()
    check(tmp_path, monkeypatch, OURS, "mnist", mirror=mirror)


@pytest.mark.parametrize(
    ("kept", "said", "name"),
    [
        (NAME, "digits", "digits"),
        ("digits", FLOWERS, NAME),
        # What DVC fills in is not what results are called.
        ("${dataset}", "cifar10,grey=true", "cifar10,grey=True"),
    ],
)
def test_results_of_another_name_are_refused(tmp_path, monkeypatch, kept, said, name):
    with pytest.raises(UserError) as error:
        check(tmp_path, monkeypatch, OURS.replace("${dataset}", kept), said)
    assert str(error.value) == (
        f"dvc.yaml: keeps data/{kept}, but the results of params.yaml are called {name}; write "
        f"{name} in place of {kept} everywhere there"
    )
