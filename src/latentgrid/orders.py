"""What a job is to make and by which code: written down by the workflow, heeded by the job.

A job imports the code that lies on disk when it starts, which may not be what the workflow read. A
job without an order, started by hand, makes results without a stamp; the workflow makes them again.
"""

import importlib.util
import json
import os
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentgrid.errors import UserError, one_line
from latentgrid.files import replacing, sha256
from latentgrid.job import JOB
from latentgrid.made import Digests, Product, Recipe, require_as_written, stamp, stamp_of

if TYPE_CHECKING:  # to import it takes a job as long as some jobs' work
    from latentgrid.imports import Code

ORDERS = "LATENTGRID_ORDERS"  # the environment variable with the file of all orders
MAIN = ".__main__"


@dataclass(frozen=True)
class Order:
    """What one job is to make.

    Attributes:
        products: what it makes.
        inputs: the digests of the products' inputs, as they were before the job began.
    """

    products: Sequence[Product]
    inputs: Mapping[str, str]

    def stamp(self) -> None:
        """Say beside each result what it was made by."""
        for product in self.products:
            of_product = map(str, product.inputs)
            stamp(product, {path: self.inputs[path] for path in of_product if path in self.inputs})


def write(path: Path, jobs: Mapping[str, tuple[Sequence[Product], "Code"]]) -> None:
    """Write down for each job what it is to make and by which code, in one file for all of them."""
    sources = {code.digest: json.dumps(code.sources) for _, code in jobs.values()}
    orders = [
        (job, code.digest, json.dumps([_as_data(product) for product in products]))
        for job, (products, code) in jobs.items()
    ]
    with replacing(path) as part, closing(sqlite3.connect(part)) as database, database:
        database.execute("CREATE TABLE sources (code TEXT PRIMARY KEY, files TEXT)")
        database.execute("CREATE TABLE orders (job TEXT PRIMARY KEY, code TEXT, products TEXT)")
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

    What the products are made from is read at the first call.

    Raises:
        UserError: the code that was loaded is not that of the order, or an input is not as its
            job wrote it.
    """
    path, job = os.environ.get(ORDERS), os.environ.get(JOB)
    if not path or not job:
        return None
    sources, products = read(Path(path), job)
    _require_sources(sources)
    return Order(products, _digests(products))


def read(path: Path, job: str) -> tuple[dict[str, str], list[Product]]:
    """Return the SHA-256 of the source file of each module of a job's order, and its products.

    Raises:
        UserError: there is no such order.
    """
    query = "SELECT files, products FROM orders JOIN sources USING (code) WHERE job = ?"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            sources, parts = database.execute(query, [job]).fetchone()
    except (sqlite3.Error, TypeError) as error:
        raise UserError(f"{path}: has no order for {job} ({one_line(error)})") from None
    return json.loads(sources), [_product(**part) for part in json.loads(parts)]


def _product(outputs: list[str], inputs: list[str], recipe: dict[str, Any]) -> Product:
    return Product(tuple(map(Path, outputs)), tuple(map(Path, inputs)), Recipe(**recipe))


def _digests(products: Sequence[Product]) -> dict[str, str]:
    """Return the digest of each input; those with a stamp must be as they were written."""
    digests = Digests()
    inputs = {path for product in products for path in product.inputs}
    for path in inputs:
        if stamp_of(path).exists():
            require_as_written(path)
    found = {str(path): digests.of(path) for path in sorted(inputs)}
    return {path: digest for path, digest in found.items() if digest is not None}


def _require_sources(planned: Mapping[str, str]) -> None:
    """Refuse to go on if other code was loaded than planned.

    All of it is loaded first, so that nothing of it is read from the disk later.
    """
    for module in planned:
        if not module.endswith(MAIN):
            importlib.import_module(module)
    changed = [module for module, digest in planned.items() if _source(module) != digest]
    if changed:
        raise UserError(
            f"the code changed while the workflow ran ({', '.join(changed)}); "
            f"run the same command again, which makes what the change affects"
        )


def _source(module: str) -> str | None:
    """Return the SHA-256 of the file that a module is loaded from."""
    spec = importlib.util.find_spec(module)
    path = Path(spec.origin) if spec and spec.origin else None
    return sha256(path) if path and path.is_file() else None
