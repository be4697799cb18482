"""Finds and reads studies; what is wrong in one is named with its file and line."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from latentgrid.errors import UserError, one_line
from latentgrid.grid.messages import shown, shown_key
from latentgrid.grid.study_folders import STUDY, study_folder, study_folders, study_names
from latentgrid.grid.yaml_files import read_yaml
from latentgrid.studies.known import unknown_names
from latentgrid.studies.numbers import read_numbers
from latentgrid.studies.schema import NAME, Open, StudyFile
from latentgrid.studies.study import Study

MAX_LINES = 5
OF_A_KEY = "[key]"  # the last part of pydantic's place of a key that is no text
TYPES = {
    "string_type": "a text, in quotes if it looks like something else",
    "list_type": "a list",
    "dict_type": "keys with values",
    "mapping_type": "keys with values",
    "model_type": "keys with values",
}


def chosen(named: Iterable[str] | str) -> list[Study]:
    """Return the studies that `studies:` in params.yaml names; "all" names all there are.

    Raises:
        UserError: one of them does not exist or is named twice, something in its files is wrong, or
            two have the same name or alias.
    """
    studies = list(map(read, study_folders(study_names() if named == "all" else named)))
    _require_distinct(studies)
    return studies


def _require_distinct(studies: Iterable[Study]) -> None:
    """Refuse two studies with one name or alias, as nobody could tell which of them is meant."""
    called: dict[str, Study] = {}
    for study in studies:
        for name in (study.name, *study.facts.aliases):
            other = called.setdefault(name, study)
            if other is not study:
                raise UserError(
                    f"studies: {other.folder} and {study.folder} are both called {name}; name only "
                    f"one of them, or change the name or alias of one"
                )


def load(name: str) -> Study:
    """Read a study by its name, an alias, or the path of its folder.

    Raises:
        UserError: there is no such study, or something in its files is wrong; the text names file,
            line, what stands there and what is allowed.
    """
    return read(study_folder(name))


def read(folder: Path) -> Study:
    """Read the study in a folder.

    Raises:
        UserError: something in its files is wrong.
    """
    name = folder.resolve().name
    if not NAME.fullmatch(name):
        raise UserError(
            f"{folder}: unfit name; allowed: lower-case letters and digits, with - between words, "
            f"as in vizoso-2020"
        )
    path = folder / STUDY
    try:
        facts = StudyFile.model_validate(read_yaml(path))
    except ValidationError as error:
        problems = error.errors(include_url=False)[:MAX_LINES]
        raise UserError("\n       ".join(_sentence(path, one) for one in problems)) from None
    for place, found, allowed in unknown_names(facts):
        raise UserError(f"{_where(path, place)}: found {shown(found)}; allowed: {allowed}")
    study = Study(name, folder, facts, tuple(read_numbers(folder / "numbers.csv", facts)))
    _require_excess(study)
    _require_one_setting(study)
    _require_compared(study)
    _require_one_answer(study)
    return study


def _sentence(path: Path, problem: Any) -> str:
    where = _where(path, [part for part in problem["loc"] if part != OF_A_KEY])
    if problem["type"] == "invalid_key" or OF_A_KEY in problem["loc"]:
        return f"{where}: a key must be a text; put it in quotes"
    match problem["type"]:
        case "missing":
            return f"{where}: is missing"
        case "extra_forbidden":
            return f"{where}: unknown key"
        case "value_error":
            return f"{where}: found {shown(problem['input'])}; {problem['ctx']['error']}"
    allowed = TYPES.get(problem["type"], problem["msg"].removeprefix("Input should be "))
    return f"{where}: found {shown(problem['input'])}; allowed: {allowed}"


def _where(path: Path, place: Sequence[str | int]) -> str:
    key = ".".join(map(shown_key, place)) or "all of it"
    return f"{path}, line {line_of(path, place)}: {key}"


def line_of(path: Path, place: Iterable[str | int]) -> int:
    """Return the line of a YAML file in which a key or an item stands; of the last one there is."""
    content: Any
    try:
        content = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except (YAMLError, ValueError):
        return 1
    line = 0
    for part in place:
        try:
            places = content.lc.data
            # pydantic names a key that is a number by its text
            key = part if part in places else {str(one): one for one in places}[str(part)]
            line = places[key][0]
            content = content[key]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return int(line) + 1


def _require_excess(study: Study) -> None:
    """Refuse a number whose excess cannot be computed from its setting."""
    for number in study.numbers:
        try:
            study.excess(number)
        except ValueError as error:
            raise UserError(
                f"{study.folder / 'numbers.csv'}, line {number.line}: the excess of "
                f"{number.quantity}: {one_line(error)}"
            ) from None


def _require_one_setting(study: Study) -> None:
    """Refuse a number whose model may be built in several ways: any of these would decide on it."""
    for number in study.numbers:
        is_searched = study.facts.tables[number.table].open is Open.UNDER_SPECIFIED
        if is_searched or number.ours is None or study.quantity(number).measure is None:
            continue
        for axis, value in study.built(number.ours).items():
            if isinstance(value, list) and axis not in number.settings:
                raise UserError(
                    f"{study.folder / 'numbers.csv'}, line {number.line}: {number.model} is built "
                    f"with several values of {axis}, and a number is of one; make {axis} a column, "
                    f"or open the table as {Open.UNDER_SPECIFIED}"
                )


def _require_compared(study: Study) -> None:
    """Refuse a claim that is said of published numbers which are not there."""
    for name, claim in study.facts.claims.items():
        for position, comparison in enumerate(claim.comparisons):
            if comparison.published_as and not all(study.numbers_of(comparison)):
                place = ("claims", name, "comparisons", position)
                raise UserError(
                    f"{_where(study.folder / 'study.yaml', place)}: is a claim on nothing: "
                    f"numbers.csv has no {' or '.join(comparison.published_as)} of both sides"
                )


def _require_one_answer(study: Study) -> None:
    """Refuse a claim that study.yaml states and a file answers too."""
    for name in study.facts.claims:
        file = study.folder / "claims" / f"{name}.py"
        if file.exists():
            where = _where(study.folder / STUDY, ("claims", name))
            raise UserError(f"{where}: {file} answers it too; leave one")
