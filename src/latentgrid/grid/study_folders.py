"""Finds the folders of studies by their names and aliases."""

from collections.abc import Iterable
from pathlib import Path

from latentgrid.errors import UserError
from latentgrid.grid.messages import shown
from latentgrid.grid.yaml_files import read_yaml

STUDIES = Path("studies")
STUDY = "study.yaml"  # the file that makes a folder a study
GRID = "grid.yaml"  # the runs that a study's claims need, in its folder


def study_names() -> list[str]:
    """Return the names of all studies, sorted."""
    return sorted(file.parent.name for file in STUDIES.glob(f"*/{STUDY}") if file.is_file())


def study_folder(name: str) -> Path:
    """Return the folder of a study by its name, an alias, or the path of its folder.

    Raises:
        UserError: there is no such study, or two have this alias.
    """
    for place in (STUDIES / name, Path(name)):
        if _has_study(place):
            return place
    found = [STUDIES / other for other in study_names() if name in _aliases(STUDIES / other)]
    if len(found) > 1:
        both = " and ".join(map(str, found))
        raise UserError(f"studies: {shown(name)} is an alias of {both}; name the folder")
    if found:
        return found[0]
    allowed = f"all, or a list of {', '.join(study_names()) or 'folders'} and folders of your own"
    raise UserError(f"studies: found {shown(name)}; allowed: {allowed}")


def study_folders(names: Iterable[str]) -> list[Path]:
    """Return the folders of studies by their names, aliases, or paths.

    Raises:
        UserError: one is not there or is named twice, or two have the same alias.
    """
    folders: list[Path] = []
    for folder in map(study_folder, names):
        if folder in folders:
            raise UserError(f"studies: {folder} is named twice; name it once")
        folders.append(folder)
    return folders


def _has_study(folder: Path) -> bool:
    try:
        return (folder / STUDY).exists()
    except OSError:  # such as a name that is too long for a file
        return False


def _aliases(folder: Path) -> list[object]:
    aliases = read_yaml(folder / STUDY).get("aliases")
    return aliases if isinstance(aliases, list) else []
