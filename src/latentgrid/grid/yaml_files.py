"""Reads YAML files, and names what is wrong in them."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from latentgrid.errors import UserError, one_line, without_credentials
from latentgrid.grid.messages import shown


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML 1.2 file; refuse a key that is given twice."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; name another with --configfile") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UserError(
            f"{path}: is not a text file in UTF-8 ({error.reason} in line {line})"
        ) from None
    content = parsed(text, str(path))
    if not isinstance(content, dict):
        raise UserError(f"{path}: must hold keys and values, not {shown(content)}")
    return content


def parsed(text: str, origin: str) -> Any:
    """Parse a text as YAML 1.2; `origin` is the source that messages name."""
    try:
        return YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        problem = one_line(without_credentials(str(error.problem or error.context)))
        raise UserError(f"{origin}: is not valid YAML{line}: {problem}") from None
    except Exception as error:
        raise UserError(f"{origin}: is not valid YAML: {one_line(error)}") from None
