"""What a call of Snakemake's says about the configuration, checked before Snakemake reads it."""

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from snakemake.common.configfile import load_configfile

from latentgrid.errors import UserError, one_line
from latentgrid.grid.messages import shown
from latentgrid.grid.reading import read_entry
from latentgrid.grid.schema import Params, keys_of
from latentgrid.grid.yaml_files import read_yaml

TARGETS = "a target stands before it"


def require_sound(arguments: Sequence[str]) -> None:
    """Find out whether Snakemake would read what was meant.

    Raises:
        UserError: `--configfile` or `--config` is given twice, of which Snakemake heeds the last
            alone; a file is missing, or cannot be read by us or by Snakemake; an entry of
            `--config` is no `key=value`.
    """
    parser = ArgumentParser(add_help=False, exit_on_error=False)
    parser.add_argument("--configfile", "--configfiles", nargs="+", action="append", default=[])
    parser.add_argument("--config", "-C", nargs="*", action="append", default=[])
    given, _others = parser.parse_known_args(arguments)
    _require_readable(_given_once("--configfile", given.configfile))
    _require_entries(_given_once("--config", given.config))


def _given_once(option: str, given: Sequence[list[str]]) -> list[str]:
    if len(given) > 1:
        raise UserError(
            f"{option} is given {len(given)} times, of which Snakemake heeds the last alone; "
            f"give it once with all values after it"
        )
    return given[0] if given else []


def _require_readable(files: Sequence[str]) -> None:
    for number, file in enumerate(files):
        hint = f"; Snakemake takes each word after --configfile for a file: {TARGETS}"
        try:
            _require_readable_by_all(Path(file))
        except UserError as error:
            raise UserError(f"{error}{hint if number else ''}") from None


def _require_readable_by_all(file: Path) -> None:
    """Find out whether a file is YAML to us and, which is not the same YAML, to Snakemake."""
    read_yaml(file)
    try:
        load_configfile(file)
    except Exception as error:  # whatever its libraries raise
        raise UserError(f"{file}: cannot be read by Snakemake: {one_line(error)}") from None


def _require_entries(entries: Sequence[str]) -> None:
    for entry in entries:
        if "=" not in entry:
            allowed = f"key=value; Snakemake takes each word after --config for one: {TARGETS}"
            raise UserError(f"--config: found {shown(entry)}; allowed: {allowed}")
        for key in read_entry(entry):
            if key not in keys_of(Params):
                allowed = f"the keys {', '.join(keys_of(Params))}, as in 'training={{epochs: 2}}'"
                raise UserError(f"--config: {shown(key)}: unknown key; allowed: {allowed}")
