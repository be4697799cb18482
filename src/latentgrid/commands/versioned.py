"""Refuses a stage of DVC that would version other results than those that it makes.

DVC fills ${dataset} in dvc.yaml with a name alone. For a folder of images, or options, users write
there by hand what the results are called, and which folders of their own DVC is to look at.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from latentgrid.errors import UserError
from latentgrid.grid import catalogue
from latentgrid.grid.schema import Params
from latentgrid.grid.study_folders import study_folders
from latentgrid.grid.yaml_files import read_yaml

STAGES = Path("dvc.yaml")
BY_DVC = "DVC_STAGE"  # an environment variable that DVC gives to the commands of a stage
FILLED = "${dataset}"


def require_versioned(params: Params, said: object) -> None:
    """Refuse dvc.yaml if it keeps another data set's results, or does not look at the user's files.

    Args:
        params: the configuration.
        said: what `dataset:` in params.yaml says, with which DVC fills ${dataset}.

    Raises:
        UserError: it does; the text says what to write there.
    """
    stages = read_yaml(STAGES)["stages"].values()
    outs = [out for stage in stages for out in _paths(stage, "outs")]
    deps = [Path(dep).resolve() for stage in stages for dep in _paths(stage, "deps")]
    for out in outs:
        kept = out.replace(FILLED, str(said)).split("/")
        if kept[0] in {"data", "results"} and kept[1:2] != [params.dataset]:
            raise UserError(
                f"{STAGES}: keeps {out}, but the results of params.yaml are called "
                f"{params.dataset}; write {params.dataset} in place of {out.split('/')[1]} "
                f"everywhere there"
            )
    for place in map(Path.expanduser, _of_the_user(params)):
        if not any(place.resolve().is_relative_to(dep) for dep in deps):
            raise UserError(
                f"{STAGES}: dvc repro would not see that {place} changed; add it to deps there"
            )


def _of_the_user(params: Params) -> Iterator[Path]:
    """Yield the files and folders that params.yaml names and that decide results."""
    yield from map(Path, [*params.source.files, *params.plugins])
    if params.studies != "all":
        yield from study_folders(params.studies)
    if params.mirror and not catalogue.same_from_any_mirror(*params.source.component):
        yield from filter(Path.exists, [Path(params.mirror).expanduser()])  # else it is a URL


def _paths(stage: Any, key: str) -> Iterator[str]:
    """Yield the paths of a stage's deps or outs, which may be keys with settings below them."""
    for one in stage.get(key, []):
        yield from [one] if isinstance(one, str) else one
