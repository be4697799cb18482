"""The container of docs/containers.md: what goes into it, and that it makes the same bits."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from latentgrid.files.layout import Layout
from project import ROOT, contents, copy_built, has_nothing_to_do

DOCKERFILE = (ROOT / "container" / "Dockerfile").read_text(encoding="utf-8")
APPTAINER = (ROOT / "container" / "apptainer.def").read_text(encoding="utf-8")
HOME = "/opt/latentgrid/"
INSTALL = "container/install.sh"
LAYOUT = Layout("digits")
NAMELESS = 12345


def section(name):
    """Return the lines of a section of the Apptainer definition."""
    body = APPTAINER.split(f"%{name}\n")[1].split("\n\n")[0]
    return [line.strip() for line in body.splitlines()]


def copied():
    """Return what the Dockerfile copies, in order."""
    sources = [line.split()[1:-1] for line in DOCKERFILE.splitlines() if line.startswith("COPY")]
    return [name for names in sources for name in names]


def test_docker_and_apptainer_make_the_same():
    digest = r"debian@sha256:([0-9a-f]{64})\n"
    assert re.search(digest, DOCKERFILE).group(1) == re.search(digest, APPTAINER).group(1)
    assert [line.split()[0] for line in section("files")] == copied()
    assert re.findall(r"^RUN (.*)", DOCKERFILE, re.M) == [INSTALL]
    assert section("post") == [HOME + INSTALL]
    variables = re.findall(r"^ENV (.*)", DOCKERFILE, re.M)
    assert section("environment") == [f"export {variable}" for variable in variables]
    labels = dict(re.findall(r'([\w.]+)="(\w+)"', DOCKERFILE))
    assert dict(line.split() for line in section("labels")) == labels != {}


def test_nothing_is_sent_to_the_builder_but_what_it_copies():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[1] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == set(copied())
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *copied()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for name in copied():
        assert any(file == name or file.startswith(f"{name}/") for file in tracked), name


@pytest.mark.slow
@pytest.mark.skipif("LATENTGRID_CONTAINER" not in os.environ, reason="make test-container runs it")
def test_a_user_without_a_name_makes_the_same_bits_without_a_network(built, tmp_path):
    project = copy_built(built, tmp_path / "project")
    subprocess.run(
        ["rm", "-r", str(project / LAYOUT.results), str(project / LAYOUT.data)], check=True
    )
    for path in (*tmp_path.parents[:3], tmp_path):
        path.chmod(path.stat().st_mode | 0o755)  # pytest's folders are the user's alone
    subprocess.run(["chown", "-R", f"{NAMELESS}:{NAMELESS}", str(project)], check=True)
    run_in_container(project, "snakemake", "--cores", "2")
    for folder in (LAYOUT.data, LAYOUT.tables, LAYOUT.figures):
        assert seen(project / folder) == seen(built / folder) != {}
    weights = [Path(name) for name in contents(built / LAYOUT.runs) if name.endswith("tensors")]
    assert len(weights) >= 4
    for name in weights:
        made, expected = ((where / LAYOUT.runs / name) for where in (project, built))
        assert made.read_bytes() == expected.read_bytes(), name
    assert has_nothing_to_do(project, "-n")


def seen(folder):
    """Return the files of a folder; hidden ones hold digests of what names the Python."""
    return {name: text for name, text in contents(folder).items() if Path(name).name[0] != "."}


def run_in_container(project, *command):
    """Run a command in the container, without a network and as a user without a name."""
    options = ["--isolation", "chroot", "--user", f"{NAMELESS}:{NAMELESS}"]
    place = ["--volume", f"{project}:{project}", "--workingdir", str(project)]
    container = os.environ["LATENTGRID_CONTAINER"]
    subprocess.run(
        ["unshare", "--net", "buildah", "run", *options, *place, container, "--", *command],
        check=True,
    )
