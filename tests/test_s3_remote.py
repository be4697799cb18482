"""DVC's remote on S3, as in docs/remote.md: DVC's part for it and a server, both from a folder."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from latentgrid.commands.restore import restore
from latentgrid.errors import UserError
from project import contents
from test_restore import STAGE, TABLES, set_address

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("LATENTGRID_S3" not in os.environ, reason="make test-s3 runs it"),
]

# In front of what is installed, and for the processes alone that these tests start.
INSTALLED = {"PYTHONPATH": str(Path(os.environ.get("LATENTGRID_S3", "")).absolute())}
PORT = 15055
SERVER = f"http://127.0.0.1:{PORT}"
# Makes a person, a key and a bucket. After these four calls the server asks for a key.
SET_UP = f"""
import json, boto3
at = dict(endpoint_url="{SERVER}", aws_access_key_id="none", aws_secret_access_key="none")
iam, s3 = (boto3.client(name, region_name="us-east-1", **at) for name in ("iam", "s3"))
allowed = {{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
policy = json.dumps({{"Version": "2012-10-17", "Statement": [allowed]}})
iam.create_user(UserName="me")
iam.put_user_policy(UserName="me", PolicyName="all", PolicyDocument=policy)
key = iam.create_access_key(UserName="me")["AccessKey"]
s3.create_bucket(Bucket="team")
print(key["AccessKeyId"], key["SecretAccessKey"])
"""


def python(*arguments, **variables):
    """Return how a Python that has DVC's S3 and the server is called."""
    return {"args": [sys.executable, *arguments], "env": os.environ | INSTALLED | variables}


@pytest.fixture(scope="module")
def keys():
    """Start the server, and return the variables with which a person's commands find their key."""
    started = python(
        "-m", "moto.server", "-H", "127.0.0.1", "-p", str(PORT), INITIAL_NO_AUTH_ACTION_COUNT="4"
    )
    with subprocess.Popen(**started, stderr=subprocess.DEVNULL) as server:
        while server.poll() is None:
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", PORT)) == 0:
                    break
            time.sleep(0.1)
        made = subprocess.run(**python("-c", SET_UP), capture_output=True, text=True, check=True)
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        yield dict(zip(names, made.stdout.split(), strict=True)) | {
            "AWS_DEFAULT_REGION": "us-east-1"
        }
        server.terminate()


def dvc(folder, keys, *arguments):
    """Call DVC as a person, and return its exit status and what it said."""
    called = python("-m", "dvc", *arguments, **keys)
    done = subprocess.run(**called, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def recorded(tmp_path, keys):
    """A folder with recorded tables and a remote on the server, to which nothing was pushed."""
    folder = tmp_path / "first"
    (folder / TABLES).mkdir(parents=True)
    (folder / TABLES / "runs.csv").write_text("run,loss\na,1\n")
    (folder / "dvc.yaml").write_text(STAGE)
    for words in (
        ["init", "--no-scm"],
        ["remote", "add", "--default", "shared", "s3://team/latentgrid"],
        ["remote", "modify", "shared", "endpointurl", SERVER],
        ["commit", "--force"],
    ):
        assert dvc(folder, keys, *words)[0] == 0
    return folder


def test_results_go_through_a_bucket_and_what_is_wrong_with_it_is_named(
    recorded, keys, tmp_path, monkeypatch
):
    assert "2 files pushed" in dvc(recorded, keys, "push")[1]
    clone = tmp_path / "clone"
    (clone / ".dvc").mkdir(parents=True)
    for name in (".dvc/config", "dvc.yaml", "dvc.lock"):
        (clone / name).write_text((recorded / name).read_text())
    monkeypatch.chdir(clone)
    for name, value in (INSTALLED | keys | {"AWS_SECRET_ACCESS_KEY": "wrong"}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=r"the remote shared failed \(.*Forbidden"):
        restore()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys["AWS_SECRET_ACCESS_KEY"])
    restore()
    assert contents(TABLES) == contents(recorded / TABLES) != {}

    set_address(recorded, "s3://another/latentgrid")
    status, said = dvc(recorded, keys, "push")
    assert status != 0
    assert "The specified bucket does not exist" in said
