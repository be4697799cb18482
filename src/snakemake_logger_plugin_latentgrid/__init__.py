"""Looks at a call of Snakemake's before Snakemake does anything; logs nothing.

Before the Snakefile, Snakemake makes a folder in the user's home and reads the files of
`--configfile`, and ends with a traceback where it cannot. What it sets up earlier still is a
logger, so profiles/default names this one. Snakemake finds it by the name of the package.
"""

import sys
from logging import LogRecord

from snakemake_interface_logger_plugins.base import LogHandlerBase

from latentgrid.errors import plain_errors
from latentgrid.pipeline.caches import keep_in_project_without_home
from latentgrid.pipeline.command_line import require_sound


class LogHandler(LogHandlerBase):
    """A logger that is set up only if the command line is sound."""

    writes_to_stream = False
    writes_to_file = False
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    def __post_init__(self) -> None:
        """End here, in one line, if Snakemake could not read the configuration."""
        keep_in_project_without_home()
        with plain_errors():
            require_sound(sys.argv[1:])

    def emit(self, record: LogRecord) -> None:
        """Leave the logging to Snakemake's own logger."""
