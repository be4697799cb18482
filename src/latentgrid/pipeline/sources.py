"""What a step is made by: its code, and the files that a data set is read from, as digests."""

import hashlib
import sys

from grimp.exceptions import SourceSyntaxError

from latentgrid.errors import UserError, one_line
from latentgrid.grid import params
from latentgrid.pipeline import mirror
from latentgrid.stamps.code import Code, code_of


def digest(text: str) -> str:
    """Return the SHA-256 of a text, to be a parameter of a job in place of it."""
    return hashlib.sha256(text.encode()).hexdigest()


CODES: dict[str, Code] = {}


def code(*modules: str) -> str:
    """Return the digest of the code of the named modules, to be the parameter `code` of a job."""
    try:
        found = code_of(*modules)
    except (SyntaxError, SourceSyntaxError, ValueError, OSError) as error:
        sys.exit(f"error: {one_line(error)}; the workflow runs this code")
    CODES[found.digest] = found
    return found.digest


def fingerprint_of_mirror(chosen: params.Params) -> str | None:
    """Return what the data step reads of `mirror:`, in one digest, or end here if it cannot be."""
    try:
        return mirror.fingerprint(chosen.dataset, chosen.mirror)
    except UserError as error:
        sys.exit(f"error: {error}")
