"""Restores the data and results of the current commit from DVC's cache, or from its remote.

If the cache lacks one file of a folder, `dvc checkout` empties the folder, and it does not notice a
damaged file. So the cache is checked before it, and the results after it. `dvc fetch` says that all
is up to date where there is no remote, or where the remote's folder is empty.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from latentgrid.commands.doctor import damaged_files
from latentgrid.errors import UserError, one_line, without_credentials
from latentgrid.extras import require_installed
from latentgrid.files.layout import Layout
from latentgrid.files.locks import is_held

DVC = (sys.executable, "-m", "dvc")
ERROR = "ERROR: "  # what dvc begins a line with
LOCK = Path("dvc.lock")
FOLDER = ".dir"  # the digest of a folder ends so; it is the digest of its list of files
MAX_NAMED = 5
MISSING = "is missing"


def restore() -> None:
    """Restore the data and results of the current commit; what DVC's cache lacks is fetched.

    Raises:
        UserError: nothing is recorded, cache and remote do not hold all of it, or a workflow is
            running: data and results were not changed. Or a restored result is not as its job
            wrote it.
    """
    outputs = _recorded()
    require_installed("dvc")
    cache = _cache()
    datasets = sorted({Path(out["path"]).parts[1] for out in outputs if "/" in out["path"]})
    for dataset in datasets:
        if is_held(Layout(dataset).lock):
            raise UserError(f"{Layout(dataset).results} is being made by a snakemake; wait for it")
    wrong, of_remote = list(_wrong(cache, outputs)), ""
    if any(line.endswith(MISSING) for line in wrong):
        of_remote = _fetch()
        wrong = list(_wrong(cache, outputs))
    if wrong:
        more = f"\n       and {len(wrong) - MAX_NAMED} more" if len(wrong) > MAX_NAMED else ""
        raise UserError(
            f"nothing was restored, as DVC's cache does not hold all of it{of_remote}; snakemake "
            "makes it again:\n       " + "\n       ".join(wrong[:MAX_NAMED]) + more
        )
    done = subprocess.run([*DVC, "checkout"], check=False)
    if done.returncode:
        raise UserError("dvc checkout failed; what it said stands above")
    damaged = [said for dataset in datasets for said in damaged_files(Layout(dataset))]
    if damaged:
        raise UserError("restored, but:\n       " + "\n       ".join(damaged[:MAX_NAMED]))
    print(f"restored: {', '.join(str(Layout(dataset).results) for dataset in datasets)}")


def _recorded() -> list[dict[str, Any]]:
    """Return the outputs that dvc.lock records."""
    if not Path("dvc.yaml").exists():
        raise UserError("dvc.yaml: no such file; run this in the project's folder")
    if not LOCK.exists():
        raise UserError(
            f"this commit has no {LOCK}, so it recorded no results; run dvc repro and commit {LOCK}"
        )
    try:
        content = YAML(typ="safe", pure=True).load(LOCK.read_text(encoding="utf-8"))
        stages = content["stages"].values()
        outputs = [dict(out) for stage in stages for out in stage.get("outs", ())]
        return [{"path": str(out["path"]), "md5": str(out["md5"])} for out in outputs]
    except (YAMLError, UnicodeDecodeError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{LOCK}: cannot be read ({one_line(error)}); git checkout it") from None


def _cache() -> Path:
    """Return the folder of DVC's cache."""
    done = _dvc("cache", "dir")
    if done.returncode:
        raise UserError(f"dvc cache dir: {one_line(done.stderr)}")
    return Path(done.stdout.strip()) / "files" / "md5"


def _fetch() -> str:
    """Fetch what the cache lacks, and return why some of it may still be missing, for a message."""
    remote = _dvc("config", "core.remote").stdout.strip()
    if not remote:
        return ", and no remote is set (dvc remote add --default NAME ADDRESS)"
    print(f"fetching from the remote {remote} what DVC's cache lacks", file=sys.stderr)
    said = _dvc("fetch").stderr.splitlines()
    errors = [line.removeprefix(ERROR) for line in said if line.startswith(ERROR)]
    if errors:
        return f", and the remote {remote} failed ({without_credentials(one_line(errors[0]))})"
    return f", and the remote {remote} lacks it too; whoever recorded it calls dvc push"


def _dvc(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*DVC, *arguments], capture_output=True, encoding="utf-8", check=False)


def _wrong(cache: Path, outputs: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a line for each recorded file that is missing or damaged in the cache."""
    for out in outputs:
        reason = _reason(cache, out["md5"])
        if reason:
            yield f"{out['path']}: {reason}"
        elif out["md5"].endswith(FOLDER):
            for file in json.loads(_place(cache, out["md5"]).read_bytes()):
                reason = _reason(cache, file["md5"])
                if reason:
                    yield f"{out['path']}/{file['relpath']}: {reason}"


def _reason(cache: Path, digest: str) -> str:
    path = _place(cache, digest)
    if not path.is_file():
        return f"{path} {MISSING}"
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "md5").hexdigest()
    return "" if found == digest.removesuffix(FOLDER) else f"{path} is damaged; delete it"


def _place(cache: Path, digest: str) -> Path:
    return cache / digest[:2] / digest[2:]
