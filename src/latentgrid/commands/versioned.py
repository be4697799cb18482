"""Refuses a stage of DVC that would version other results than those that it makes.

DVC fills ${dataset} in dvc.yaml with a name alone. For a folder of images, or options, users write
there by hand what the results are called, and which folder DVC is to look at.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from latentgrid.errors import UserError
from latentgrid.grid.datasets import Source
from latentgrid.grid.yaml_files import read_yaml

STAGES = Path("dvc.yaml")
BY_DVC = "DVC_STAGE"  # an environment variable that DVC gives to the commands of a stage
FILLED = "${dataset}"


def require_versioned(source: Source, said: object) -> None:
    """Refuse dvc.yaml if it keeps another data set's results, or does not look at the images.

    Args:
        source: the data set.
        said: what `dataset:` in params.yaml says, with which DVC fills ${dataset}.

    Raises:
        UserError: it does; the text says what to write there.
    """
    stages = read_yaml(STAGES)["stages"].values()
    outs = [out for stage in stages for out in _paths(stage, "outs")]
    deps = [Path(dep).resolve() for stage in stages for dep in _paths(stage, "deps")]
    for out in outs:
        kept = out.replace(FILLED, str(said)).split("/")
        if kept[0] in {"data", "results"} and kept[1:2] != [source.name]:
            raise UserError(
                f"{STAGES}: keeps {out}, but the results of params.yaml are called {source.name}; "
                f"write {source.name} in place of {out.split('/')[1]} everywhere there"
            )
    for place in (Path(file).expanduser().resolve() for file in source.files):
        if place not in deps:
            raise UserError(
                f"{STAGES}: dvc repro would not see that images changed; add {place} to deps there"
            )


def _paths(stage: Any, key: str) -> Iterator[str]:
    """Yield the paths of a stage's deps or outs, which may be keys with settings below them."""
    for one in stage.get(key, []):
        yield from [one] if isinstance(one, str) else one
