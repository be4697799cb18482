"""Which source files a step depends on, so that Snakemake reruns no more than it must."""

from functools import cache

import grimp

PACKAGE = "latentgrid"


def source_files(*modules: str) -> list[str]:
    """Return the files of the project that the named modules import, directly or not, sorted.

    Paths are relative to the repository. A figure's source is not among those of a training job,
    so editing it retrains nothing.
    """
    found = set(modules)
    for module in modules:
        found |= _graph().find_upstream_modules(module)
    packages = {module.rpartition(".")[0] for module in found} - {""}
    return sorted(_file(module) for module in found | packages)


@cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph(PACKAGE, cache_dir=None)


@cache
def _file(module: str) -> str:
    from latentgrid.catalogue import PACKAGE as ROOT

    path = ROOT.joinpath(*module.split(".")[1:])
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return f"src/{file.relative_to(ROOT.parent)}"
