"""Refuses figures of plugins that need what no model can do, or read what nothing makes.

The former would never be drawn, and nobody would be told.
"""

from collections.abc import Collection, Iterable

from latentgrid.errors import UserError
from latentgrid.grid import catalogue, components, plugins

LAID_OUT = ("embedded_images", "embedded_codes")  # in the plane


def require_known() -> None:
    """Refuse NEEDS and READS of plugins' figures that name nothing.

    Raises:
        UserError: the text names the file, the constant and what is allowed.
    """
    for kind, name in components.of_plugins():
        if kind == "figures":
            described = catalogue.figure(name)
            if described.needs:
                _require(name, "NEEDS", described.needs, _abilities())
            _require(name, "READS", described.reads, _results())


def _require(figure: str, constant: str, named: Iterable[str], known: Collection[str]) -> None:
    unknown = [name for name in named if name not in known]
    if unknown:
        file = plugins.shown(components.file_of("figures", figure))
        allowed = ", ".join(sorted(known))
        raise UserError(f"{file}: {constant}: found {unknown[0]!r}; allowed: {allowed}")


def _abilities() -> frozenset[str]:
    every = frozenset[str]().union(*map(catalogue.abilities, catalogue.models()))
    return frozenset(name for name in every if not name.startswith("_"))


def _results() -> frozenset[str]:
    return frozenset({*LAID_OUT, *(f"experiments/{name}" for name in catalogue.experiments())})
