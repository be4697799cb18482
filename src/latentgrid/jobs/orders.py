"""What a job is to make and by which code: written down by the workflow, heeded by the job.

A job imports the code that lies on disk when it starts, which may not be what the workflow read. A
job without an order, started by hand, makes results without a stamp; the workflow makes them again.
"""

import importlib
import json
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentgrid.errors import UserError, one_line, plain_errors
from latentgrid.files.atomic import replacing, sha256
from latentgrid.grid import plugins
from latentgrid.grid.components import KINDS
from latentgrid.jobs.client import JOB
from latentgrid.jobs.loading import LOADED
from latentgrid.stamps.made import Digests, Product, Recipe, require_as_written, stamp, stamp_of

if TYPE_CHECKING:  # to import it takes a job as long as some jobs' work
    from latentgrid.stamps.code import Code

ORDERS = "LATENTGRID_ORDERS"  # the environment variable with the file of all orders
MAIN = ".__main__"


@dataclass(frozen=True)
class Order:
    """What one job is to make.

    Attributes:
        product: what it makes.
        inputs: the digests of what it is made from, as they were before the job began.
        modules: the names of the modules that decide the product.
    """

    product: Product
    inputs: Mapping[str, str]
    modules: frozenset[str]

    def stamp(self) -> None:
        """Say beside each result what it was made by.

        Raises:
            UserError: an input is not any more what it was when the job began, or a component was
                used that was not there when the workflow was planned.
        """
        _require(dict.fromkeys(_components_loaded() - self.modules, ""), LOADED)
        now = Digests()
        changed = [path for path, digest in self.inputs.items() if now.of(Path(path)) != digest]
        if changed:
            raise UserError(
                f"{', '.join(changed)}: changed while a job read it; run the same command again"
            )
        stamp(self.product, self.inputs)


def write(path: Path, jobs: Mapping[str, tuple[Product, "Code"]], plan: Path) -> None:
    """Write down for each job what it is to make and by which code, in one file for all of them.

    Args:
        path: of that file.
        jobs: for each its product and its code.
        plan: the file of all runs, which must stay as it is while the jobs run.
    """
    sources = {code.digest: json.dumps(code.sources) for _, code in jobs.values()}
    orders = [
        (job, code.digest, json.dumps(_as_data(product))) for job, (product, code) in jobs.items()
    ]
    with replacing(path) as part, closing(sqlite3.connect(part)) as database, database:
        database.execute("CREATE TABLE plan (path TEXT, digest TEXT)")
        database.execute("INSERT INTO plan VALUES (?, ?)", [str(plan), sha256(plan)])
        database.execute("CREATE TABLE sources (code TEXT PRIMARY KEY, files TEXT)")
        database.execute("CREATE TABLE orders (job TEXT PRIMARY KEY, code TEXT, product TEXT)")
        database.executemany("INSERT INTO sources VALUES (?, ?)", sources.items())
        database.executemany("INSERT INTO orders VALUES (?, ?, ?)", orders)


def _as_data(product: Product) -> dict[str, Any]:
    return {
        "outputs": list(map(str, product.outputs)),
        "inputs": list(map(str, product.inputs)),
        "recipe": asdict(product.recipe),
    }


@cache
def mine() -> Order | None:
    """Return this process's order, or None if it was started without one.

    What the product is made from is read at the first call.

    Raises:
        UserError: the code that was loaded is not that of the order, or an input is not as its
            job wrote it.
    """
    path, job = os.environ.get(ORDERS), os.environ.get(JOB)
    if not path or not job:
        return None
    sources, product = read(Path(path), job)
    _require_loaded(sources)
    return Order(product, _digests(product), frozenset(sources))


def read(path: Path, job: str) -> tuple[dict[str, str], Product]:
    """Return the SHA-256 of the source file of each module of a job's order, and its product.

    Raises:
        UserError: there is no such order, or the plan changed since.
    """
    query = "SELECT files, product, path, digest FROM orders JOIN sources USING (code), plan"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            found = database.execute(f"{query} WHERE job = ?", [job])
            sources, product, plan, digest = found.fetchone()
    except (sqlite3.Error, TypeError) as error:
        raise UserError(f"{path}: has no order for {job} ({one_line(error)})") from None
    if Digests().of(Path(plan)) != digest:
        raise UserError(f"{plan}: changed while the workflow ran; run the same command again")
    return json.loads(sources), _product(**json.loads(product))


def recipe_of(job: str) -> Recipe:
    """Return what decides the product of a job of this workflow, this process's or another.

    Raises:
        UserError: there is no such order, or the plan changed since.
    """
    return read(Path(os.environ[ORDERS]), job)[1].recipe


def _product(outputs: list[str], inputs: list[str], recipe: dict[str, Any]) -> Product:
    return Product(tuple(map(Path, outputs)), tuple(map(Path, inputs)), Recipe(**recipe))


def _digests(product: Product) -> dict[str, str]:
    """Return the digest of each input; those with a stamp must be as they were written."""
    digests = Digests()
    for path in product.inputs:
        if stamp_of(path).exists():
            require_as_written(path)
    found = {str(path): digests.of(path) for path in sorted(product.inputs)}
    return {path: digest for path, digest in found.items() if digest is not None}


def require_unchanged() -> None:
    """End here, before it is loaded, if the code on disk is not that of this process's order."""
    path, job = os.environ.get(ORDERS), os.environ.get(JOB)
    if path and job:
        with plain_errors():
            sources, _ = read(Path(path), job)
            _require(sources, {module: _on_disk(module) for module in sources})


def _require_loaded(planned: Mapping[str, str]) -> None:
    """Refuse to go on if other code was loaded than planned.

    All of it is loaded first, so that nothing of it is read from the disk later.
    """
    for module in planned:
        if not module.endswith(MAIN):
            plugins.make_importable()
            importlib.import_module(module)
    _require(planned, {module: LOADED.get(module) or _on_disk(module) for module in planned})


def _components_loaded() -> set[str]:
    """Return the modules of models, measures and so on that this process has loaded."""
    folders = [".".join([plugins.PACKAGE, *kind.folder.split("/")]) for kind in KINDS.values()]
    folders += [f"{root.package}.{kind}" for root in plugins.roots() for kind in KINDS]
    named = {name for name in LOADED if name.rpartition(".")[0] in folders}
    return {name for name in named if not name.rpartition(".")[2].startswith("_")}


def _require(planned: Mapping[str, str], found: Mapping[str, str | None]) -> None:
    changed = [module for module, digest in planned.items() if found[module] != digest]
    if changed:
        raise UserError(
            f"the code changed while the workflow ran ({', '.join(changed)}); "
            f"run the same command again, which makes what the change affects"
        )


def _on_disk(module: str) -> str | None:
    """Return the SHA-256 of the file of a module, which need not be a valid one."""
    file = plugins.source(module)
    return sha256(file) if file else None
