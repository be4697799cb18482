"""Digests for the parameters of jobs: of a step's code, of the plan, of a folder with archives."""

import hashlib
import sys

from grimp.exceptions import SourceSyntaxError

from latentgrid.errors import one_line, plain_errors
from latentgrid.grid import schema
from latentgrid.pipeline import mirror
from latentgrid.stamps.code import Code, code_of


def digest(text: str) -> str:
    """Return the SHA-256 of a text that is too long to be a parameter of a job."""
    return hashlib.sha256(text.encode()).hexdigest()


# The code behind each digest that was given to a job.
CODES: dict[str, Code] = {}


def code(*modules: str) -> str:
    """Return the digest of the named modules and all they import: the parameter `code` of a job.

    A file that is no valid Python ends the call with one line.
    """
    try:
        found = code_of(*modules)
    except (SyntaxError, SourceSyntaxError, ValueError, OSError) as error:
        sys.exit(f"error: {one_line(error)}; the workflow runs this code")
    CODES[found.digest] = found
    return found.digest


def fingerprint_of_mirror(chosen: schema.Params) -> str | None:
    """Return a digest of what the data step reads from `mirror:`.

    A file there that cannot be read ends the call with one line.
    """
    with plain_errors():
        return mirror.fingerprint(chosen.source, chosen.mirror)


def fingerprint_of_files(chosen: schema.Params) -> list[str]:
    """Return a digest of each folder that `dataset:` names.

    A file there that cannot be read ends the call with one line.
    """
    with plain_errors():
        return mirror.fingerprint_of_files(chosen.source)
