"""The contract of a reader of data sets (`latentgrid.data.readers`)."""

import importlib

from latentgrid.contracts import require
from latentgrid.grid import catalogue, components, datasets


def options_are_typed(name: str) -> None:
    """The constructor's first argument has the reader's name, and all have a type."""
    options = catalogue.options_schema(name).model_fields
    require(options[name].is_required(), f"{name}: must have no default, as it says what is read")
    others = [option for option in options if options[option].is_required()]
    require(others == [name], f"{', '.join(others[1:])}: must have a default")
    require("name" not in options, "name: is no option, as `dataset:` has such a key")


def it_reads(name: str) -> None:
    """The class has `size()` and `load(folder, mirror)`."""
    module = importlib.import_module(components.module_of("readers", name))
    reader = getattr(module, catalogue.reader_class(name).name)
    for method in ("size", "load"):
        require(callable(getattr(reader, method, None)), f"has no method {method}")


def its_names_are_free(name: str) -> None:
    """No name in NAMES, in lower case, is that of a data set with a file of its own."""
    taken = {one.lower() for one in datasets.own_names(name)} & {*components.names("datasets")}
    require(not taken, f"NAMES: {', '.join(sorted(taken))} has a file of its own")


CHECKS = (options_are_typed, it_reads, its_names_are_free)
