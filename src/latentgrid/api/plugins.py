"""Finds the user's own models where `params.yaml` names their folders."""

import os
from pathlib import Path

from latentgrid.grid import plugins, reading

PARAMS = Path("params.yaml")


def use_plugins() -> None:
    """Choose the plugins of the working directory's params.yaml, unless some are chosen.

    Raises:
        UserError: something is wrong with the file or a plugin.
    """
    if not os.environ.get(plugins.CHOSEN) and PARAMS.exists():
        reading.load_plugins([PARAMS])
