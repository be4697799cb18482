"""What a job is to make and by which code: written down by the workflow, heeded by the job.

A job imports the code that lies on disk when it starts, which may not be what the workflow read. A
job without an order, started by hand, makes results without a stamp; the workflow makes them again.
"""

import hashlib
import importlib.util
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from latentgrid.errors import UserError
from latentgrid.files import read_json, sha256, write_json
from latentgrid.job import JOB
from latentgrid.made import Digests, Product, Recipe, require_as_written, stamp, stamp_of

FOLDER = "LATENTGRID_ORDERS"  # the environment variable with the folder of the orders
LONGEST = 200  # letters of a file's name; disks take 255
MAIN = ".__main__"


@dataclass(frozen=True)
class Order:
    """What one job is to make.

    Attributes:
        products: what it makes.
        sources: the SHA-256 of each source file, by the name of its module.
        inputs: the digests of the products' inputs, as they were before the job began.
    """

    products: Sequence[Product]
    sources: Mapping[str, str]
    inputs: Mapping[str, str]

    def stamp(self) -> None:
        """Say beside each result what it was made by."""
        for product in self.products:
            of_product = map(str, product.inputs)
            stamp(product, {path: self.inputs[path] for path in of_product if path in self.inputs})


def write(folder: Path, job: str, products: Sequence[Product], sources: Mapping[str, str]) -> None:
    """Write a job's order down, if it is not there already."""
    parts = [
        {
            "outputs": list(map(str, product.outputs)),
            "inputs": list(map(str, product.inputs)),
            "recipe": asdict(product.recipe),
        }
        for product in products
    ]
    path = _file(folder, job)
    order = {"products": parts, "sources": dict(sources)}
    if not path.exists() or json.loads(path.read_bytes()) != json.loads(json.dumps(order)):
        write_json(path, order)


@cache
def mine() -> Order | None:
    """Return this process's order, or None if it was started without one.

    What the products are made from is read at the first call.

    Raises:
        UserError: the code that was loaded is not that of the order, or an input is not as its
            job wrote it.
    """
    folder, job = os.environ.get(FOLDER), os.environ.get(JOB)
    if not folder or not job:
        return None
    order = read_json(_file(Path(folder), job), "products", "sources")
    _require_sources(order["sources"])
    products = [_product(**part) for part in order["products"]]
    return Order(products, order["sources"], _digests(products))


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


def _file(folder: Path, job: str) -> Path:
    name = quote(job, safe="=,.")
    if len(name) > LONGEST:
        name = f"{name[: LONGEST // 2]}-{hashlib.sha256(job.encode()).hexdigest()[:32]}"
    return folder / f"{name}.json"
