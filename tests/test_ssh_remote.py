"""DVC's remote on another machine by SSH, as in docs/remote.md: a real sshd, on loopback."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from latentgrid.files.layout import Layout
from project import call, contents, copy_built, has_nothing_to_do, run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.cluster,
    pytest.mark.skipif("LATENTGRID_CLUSTER" not in os.environ, reason="make test-cluster runs it"),
]

LAYOUT = Layout("digits")
PORT = 12022
CONFIGURATION = """\
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/me.pub
PidFile {folder}/pid
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM no
StrictModes no
Subsystem sftp internal-sftp
"""


@pytest.fixture
def server(tmp_path):
    """Start sshd, and return the folder of its files: the key `me` may log in."""
    folder = tmp_path / "sshd"
    folder.mkdir()
    Path("/run/sshd").mkdir(exist_ok=True)
    for name in ("host", "me", "another"):
        new_key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(new_key, check=True)
    (folder / "configuration").write_text(CONFIGURATION.format(port=PORT, folder=folder))
    daemon = subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", str(folder / "configuration")])
    yield folder
    daemon.terminate()
    daemon.wait(10)


@pytest.fixture
def project(built, server, tmp_path):
    """A project whose results are committed, with the server as its remote."""
    project = copy_built(built, tmp_path / "project")
    run(project, "git", "init", "--quiet")
    run(project, "dvc", "repro")
    address = f"ssh://root@127.0.0.1:{PORT}{server / 'shared'}"
    run(project, "dvc", "remote", "add", "--default", "shared", address)
    log_in(project, server / "me")
    run(project, "git", "add", "--all")
    run(project, "git", "commit", "--quiet", "--message", "results")
    yield project
    shutil.rmtree(project)


def log_in(project, key):
    """Say which key is this person's, in a file that git ignores."""
    run(project, "dvc", "remote", "modify", "--local", "shared", "keyfile", str(key))


def clone(project, to, key):
    run(project, "git", "clone", "--quiet", str(project), str(to))
    log_in(to, key)
    return to


def test_others_get_all_or_the_tables_alone_and_nobody_without_a_key(project, server, tmp_path):
    assert "pushed" in run(project, "dvc", "push").stdout
    all_of_it = clone(project, tmp_path / "all", server / "me")
    run(all_of_it, "latentgrid", "restore")
    for folder in (LAYOUT.data, LAYOUT.runs, LAYOUT.tables, LAYOUT.figures):
        assert contents(all_of_it / folder) == contents(project / folder) != {}
    assert has_nothing_to_do(all_of_it, "-n")
    assert "up to date" in run(all_of_it, "dvc", "push").stdout

    tables = clone(project, tmp_path / "tables", server / "me")
    run(tables, "dvc", "pull", str(LAYOUT.tables))
    assert contents(tables / LAYOUT.tables) == contents(project / LAYOUT.tables)
    assert not (tables / LAYOUT.runs).exists()

    stranger = clone(project, tmp_path / "stranger", server / "another")
    refused = call(stranger, "latentgrid", "restore")
    assert refused.returncode != 0
    assert "the remote shared failed (" in refused.stderr
    assert "Permission denied" in refused.stderr
