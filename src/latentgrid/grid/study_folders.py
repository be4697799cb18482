"""Finds the folders of studies by their names and aliases."""

from pathlib import Path

from latentgrid.errors import UserError
from latentgrid.grid.messages import shown
from latentgrid.grid.yaml_files import read_yaml

STUDIES = Path("studies")
STUDY = "study.yaml"  # the file that makes a folder a study


def study_names() -> list[str]:
    """Return the names of all studies, sorted."""
    return sorted(file.parent.name for file in STUDIES.glob(f"*/{STUDY}"))


def study_folder(name: str) -> Path:
    """Return the folder of a study by its name, an alias, or the path of its folder.

    Raises:
        UserError: there is no such study.
    """
    for place in (STUDIES / name, Path(name)):
        if (place / STUDY).is_file():
            return place
    for other in study_names():
        aliases = read_yaml(STUDIES / other / STUDY).get("aliases")
        if isinstance(aliases, list) and name in aliases:
            return STUDIES / other
    allowed = f"all, or a list of {', '.join(study_names()) or 'folders'} and folders of your own"
    raise UserError(f"studies: found {shown(name)}; allowed: {allowed}")
