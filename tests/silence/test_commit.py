"""The commit that a run records is the one whose code ran: real git, real folders."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from latentgrid import provenance
from latentgrid.provenance import code_version


def git(folder: Path, *arguments: str) -> str:
    person = [f"GIT_{who}_{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")]
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull}
        | dict.fromkeys(person, "a"),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def repository(folder: Path) -> str:
    """Make a folder with a model a repository, and return its commit."""
    model = folder / "src" / "latentgrid" / "models" / "vae.py"
    model.parent.mkdir(parents=True)
    model.write_text("first\n")
    (folder / ".gitignore").write_text("__pycache__/\n")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "first")
    return git(folder, "rev-parse", "HEAD")[:12]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of its own in an empty folder."""
    folder = tmp_path / "it's a project"
    folder.mkdir()
    monkeypatch.setattr(provenance, "PROJECT", folder)
    return folder


def test_the_project_is_the_folder_above_the_sources():
    assert (provenance.PROJECT / "src" / "latentgrid" / "provenance.py").is_file()


def test_a_clean_project_has_its_commit(project):
    commit = repository(project)
    assert code_version() == commit


@pytest.mark.parametrize("staged", [False, True])
def test_an_edit_is_dirty_whether_staged_or_not(project, staged):
    commit = repository(project)
    (project / "src/latentgrid/models/vae.py").write_text("second\n")
    if staged:
        git(project, "add", ".")
    assert code_version() == f"{commit}-dirty"


def test_a_new_model_that_git_does_not_know_is_dirty(project):
    commit = repository(project)
    (project / "src/latentgrid/models/mine.py").write_text("new\n")
    assert code_version() == f"{commit}-dirty"


def test_it_is_dirty_though_git_is_told_to_hide_new_files(project):
    commit = repository(project)
    git(project, "config", "status.showUntrackedFiles", "no")
    (project / "src/latentgrid/models/mine.py").write_text("new\n")
    assert code_version() == f"{commit}-dirty"


def test_a_deleted_model_is_dirty(project):
    commit = repository(project)
    (project / "src/latentgrid/models/vae.py").unlink()
    assert code_version() == f"{commit}-dirty"


def test_what_is_ignored_or_lies_beside_the_sources_is_not(project):
    commit = repository(project)
    (project / "params.yaml").write_text("epochs: 2\n")
    compiled = project / "src/latentgrid/__pycache__/vae.pyc"
    compiled.parent.mkdir()
    compiled.write_bytes(b"compiled")
    assert code_version() == commit


def test_a_repository_around_the_project_is_not_the_project_s(project):
    (project / "src").mkdir()
    repository_around = project.parent
    git(repository_around, "init", "--quiet")
    git(repository_around, "commit", "--quiet", "--allow-empty", "--message", "of the outer one")
    assert code_version() == "unknown"


def test_without_a_repository_or_a_commit_or_git_it_is_unknown(project, monkeypatch):
    assert code_version() == "unknown"
    git(project, "init", "--quiet")
    assert code_version() == "unknown"
    monkeypatch.setenv("PATH", "/nonexistent")
    assert code_version() == "unknown"


def test_in_a_hook_of_git_s_for_another_repository_it_is_still_this_one(
    project, tmp_path, monkeypatch
):
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    commit = repository(project)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert code_version() == commit


def test_through_a_link_and_in_a_second_work_tree_it_is_the_project_s(
    project, tmp_path, monkeypatch
):
    commit = repository(project)
    link = tmp_path / "link"
    link.symlink_to(project)
    git(project, "worktree", "add", "--quiet", str(tmp_path / "second"))
    for place in (link, tmp_path / "second"):
        monkeypatch.setattr(provenance, "PROJECT", place)
        assert code_version() == commit


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a project to another user")
def test_a_project_of_another_user_has_its_commit_too(project):
    commit = repository(project)
    shutil.chown(project, "nobody")
    for path in project.rglob("*"):
        shutil.chown(path, "nobody")
    refused = subprocess.run(["git", "status"], cwd=project, capture_output=True, check=False)
    assert b"dubious ownership" in refused.stderr
    assert code_version() == commit


def test_nothing_of_it_is_printed(project):
    code = "from latentgrid.provenance import code_version; code_version()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b"", b"")
