"""Says what of the studies is covered here, by what, and what is not and why."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from latentgrid.commands.listing import indented
from latentgrid.grid import components, plugins
from latentgrid.report.markdown import markdown_templates
from latentgrid.studies.items import Item, State, read_items, require_true
from latentgrid.studies.references import COMPONENTS, Reference, stated_claims
from latentgrid.studies.study import Study

# Where a page leads to from references that name no file.
CLI = "src/latentgrid/cli.py"
PARAMS = "params.yaml"
KINDS = ("model", "figure", "experiment", "optimizer", "measure", "corruption", "claim")


@dataclass(frozen=True)
class Coverage:
    """What of studies is covered.

    Attributes:
        items: the items of each study that has some; a study's name leads to it by `studies`.
        studies: these studies by name.
        beyond: components and claims that serve no item, by kind.
    """

    items: Mapping[str, list[Item]]
    studies: Mapping[str, Study]
    beyond: Mapping[str, list[str]]

    def counts(self, study: str) -> dict[State, int]:
        """Return how many items of a study are in each state."""
        counted = Counter(item.state for item in self.items[study])
        return {state: counted[state] for state in State}


def coverage(studies: Sequence[Study]) -> Coverage:
    """Read the items of studies, check what they name, and find what serves none of them.

    Raises:
        UserError: a row is wrong, names what does not exist, or awaits what does.
    """
    items = {study.name: read_items(study) for study in studies}
    for study in studies:
        require_true(study, items[study.name])
    shown = {name: of_study for name, of_study in items.items() if of_study}
    by_name = {study.name: study for study in studies}
    return Coverage(shown, by_name, _beyond(studies, items))


def _beyond(studies: Sequence[Study], items: Mapping[str, list[Item]]) -> dict[str, list[str]]:
    """Return what serves no item: components of this package, and claims of studies with items."""
    named = {
        part
        for study, of_study in items.items()
        for item in of_study
        for part in _served(study, item.covered_by)
    }
    ours = plugins.PACKAGE_FOLDER
    found = {
        kind: [
            name
            for name in components.names(folder)
            if (kind, name) not in named and components.file_of(folder, name).is_relative_to(ours)
        ]
        for kind, folder in COMPONENTS.items()
        if kind in KINDS
    }
    found["claim"] = [
        f"{study.name}/{name}"
        for study in studies
        if items[study.name]
        for name in stated_claims(study)
        if ("claim", f"{study.name}/{name}") not in named
    ]
    return {kind: found[kind] for kind in KINDS if found[kind]}


def _served(study: str, references: Iterable[Reference]) -> Iterable[tuple[str, str]]:
    """Yield the components and claims that references name; a hyperparameter names its model."""
    for reference in references:
        match reference.kind:
            case "hyperparameter":
                model, _, setting = reference.name.partition(".")
                yield "model", model
                name, _, value = setting.partition("=")
                yield name, value
            case "claim":
                yield "claim", f"{study}/{reference.name}"
            case kind:
                yield kind, reference.name


def show(found: Coverage, console: Console) -> None:
    """Print how many items each study has in each state, and what serves none."""
    table = Table("items of", *State, box=SIMPLE_HEAD, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for study in found.items:
        table.add_row(found.studies[study].cited, *map(str, found.counts(study).values()))
    console.print(table)
    for study, items in found.items.items():
        left = [item for item in items if item.state is not State.COVERED]
        for item in left:
            place = f"{found.studies[study].cited}, {item.place}"
            heading = Text.assemble((item.state, "bold"), f": {item.says} ({place})")
            console.print(heading, highlight=False)
            console.print(indented(item.lacks))
        if left:
            console.print()
    for kind, names in found.beyond.items():
        said = f"{kind}s of this project that serve no item: {', '.join(names)}"
        console.print(said, highlight=False)
    console.print("What covers each item: docs/coverage.md", highlight=False)


def as_page(path: Path, found: Coverage) -> str:
    """Return what is covered as a page in Markdown, with links from `path` to what covers it."""
    template = markdown_templates().get_template("coverage.md.j2")
    link = _Links(path, found.studies)
    return template.render(page=path, found=found, states=list(State), link=link)


@dataclass(frozen=True)
class _Links:
    """Makes links from a page to what covers an item."""

    page: Path
    studies: Mapping[str, Study]

    def __call__(self, reference: Reference, study: str) -> str:
        """Return a link to what a reference of a study names."""
        target, hash_mark, heading = self._target(reference, study).partition("#")
        place = os.path.relpath(target, self.page.parent)
        return f"[{_shown(reference)}]({Path(place).as_posix()}{hash_mark}{heading})"

    def _target(self, reference: Reference, study: str) -> str:
        folder, name = self.studies[study].folder, reference.name
        if reference.kind in COMPONENTS:
            return _file_of(COMPONENTS[reference.kind], name)
        if reference.kind == "hyperparameter":
            return _file_of("models", name.partition(".")[0])
        claim = folder / "claims" / f"{name}.py"
        targets = {
            "claim": str(claim if claim.exists() else folder / "study.yaml"),
            "table": str(folder / "numbers.csv"),
            "key": PARAMS,
            "entry": name.rpartition(":")[0],
            "command": CLI,
            "file": name.partition("::")[0],
        }
        return targets[reference.kind]


def _file_of(kind: str, name: str) -> str:
    return os.path.relpath(components.file_of(kind, name))


def _shown(reference: Reference) -> str:
    """Return a reference in few letters, as a link shows it."""
    if reference.kind == "file":
        path, _, name = reference.name.partition("::")
        return f"`{name or Path(path.partition('#')[0]).name}`"
    return f"{reference.kind} `{re.sub('^.*/', '', reference.name)}`"
