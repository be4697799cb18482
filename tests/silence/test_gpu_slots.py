"""GPU slots lie where no other user can make or hold them; who does is named, and jobs go on."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

import other_user
from latentgrid.errors import UserError
from latentgrid.jobs import devices
from other_user import call_as_other, needs_other_user


@pytest.fixture
def homes(tmp_path, monkeypatch):
    """The two places where a user's slots may lie, both empty."""
    for name in ("XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
    return tmp_path / "XDG_CACHE_HOME", tmp_path / "XDG_RUNTIME_DIR"


def first_place():
    return next(devices._places())


def test_slots_lie_in_the_user_s_cache_and_only_the_user_may_look(homes, capfd):
    folder = devices.slots_folder()
    assert folder.is_relative_to(homes[0])
    assert folder.stat().st_mode & 0o777 == 0o700
    assert devices.slots_folder() == folder
    assert capfd.readouterr() == ("", "")


def test_without_variables_they_lie_in_the_home(homes, monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert devices.slots_folder().is_relative_to(tmp_path / "home" / ".cache")


def others(path):
    shutil.chown(path, other_user.NUMBER)


def open_to_all(path):
    path.chmod(0o777)


def a_link(path):
    path.rmdir()
    path.symlink_to(path.parent)


def a_file(path):
    path.rmdir()
    path.touch()


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        pytest.param(
            others,
            "belongs to the user nobody",
            marks=pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away"),
        ),
        (open_to_all, "can be written by others"),
        (a_link, "is a link"),
        (a_file, "is no folder"),
    ],
)
def test_a_place_that_is_not_the_user_s_alone_is_named_and_left(homes, capfd, spoil, fault):
    folder = first_place()
    folder.mkdir(parents=True)
    spoil(folder)
    assert devices.slots_folder().is_relative_to(homes[1])
    said = capfd.readouterr().err
    assert said.startswith(f"note: {folder} {fault}; GPU slots are in {homes[1]}")
    assert said.count("\n") == 1


def test_a_dangling_link_is_no_place_either(homes):
    folder = first_place()
    folder.parent.mkdir(parents=True)
    folder.symlink_to("/nonexistent")
    assert devices.slots_folder().is_relative_to(homes[1])


def test_with_no_place_at_all_the_job_ends_in_one_line_that_says_what_to_do(homes):
    for place in devices._places():
        place.mkdir(parents=True)
        place.chmod(0o777)
    with pytest.raises(UserError, match="set XDG_CACHE_HOME to a folder of yours") as caught:
        devices.slots_folder()
    assert "\n" not in str(caught.value)


@needs_other_user
def test_a_user_whose_home_cannot_be_made_still_trains(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    runtime = Path(tempfile.mkdtemp())  # pytest's own folders are closed to others
    others(runtime)
    code = "from latentgrid.jobs.devices import take_device as t; print(t('auto', 1)[0])"
    variables = {"CUDA_VISIBLE_DEVICES": "a", "HOME": str(home), "XDG_RUNTIME_DIR": str(runtime)}
    try:
        done = call_as_other([sys.executable, "-c", code], runtime, variables)
    finally:
        shutil.rmtree(runtime)
    assert (done.returncode, done.stdout) == (0, "cuda\n"), done.stderr
    assert done.stderr.startswith(f"note: {home}/.cache/latentgrid/gpus-")
    assert "cannot be made (Permission denied)" in done.stderr
