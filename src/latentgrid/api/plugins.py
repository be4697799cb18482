"""Finds the user's own models where `params.yaml` names their folders."""

import contextlib
import os
from pathlib import Path

from latentgrid.errors import UserError
from latentgrid.grid import plugins, reading

PARAMS = Path("params.yaml")


def use_plugins() -> None:
    """Choose the plugins of the working directory's params.yaml, unless some are chosen.

    A wrong params.yaml is no error here: results are read, which do not depend on it.
    """
    if not os.environ.get(plugins.CHOSEN) and PARAMS.exists():
        with contextlib.suppress(UserError):
            reading.load_plugins([PARAMS])
