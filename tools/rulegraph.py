"""Writes docs/rulegraph.md: the rules and what each waits for, as the workflow itself says it."""

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path("docs/rulegraph.md")
CONFIG = "config/models.yaml"
BY_NAME = ["gallery", "published"]  # rules of which nobody reads the output
NODE = re.compile(r"^\s*(id\d+)\[(\w+)\]$")
EDGE = re.compile(r"^\s*(id\d+) --> (id\d+)$")
TEXT = """# The rules

Written by `make rulegraph` from the Snakefile, for all models and figures (`{config}`).
An arrow leads from a rule to one that reads what it makes. Nearly all read the data set, so its
arrows but the first are left out.

```mermaid
flowchart LR
{graph}
```

| rule | what it does | file |
|---|---|---|
{rules}
"""


def page() -> str:
    """Return the text of the page."""
    graph = _said("--rulegraph", "mermaid-js", "--configfile", CONFIG, "--", "all", *BY_NAME)
    names = dict(match.groups() for match in map(NODE.match, graph.splitlines()) if match)
    edges = [match.groups() for match in map(EDGE.match, graph.splitlines()) if match]
    arrows = sorted((names[a], names[b]) for a, b in edges if names[b] != "all")
    shown = [f"    {a} --> {b}" for a, b in arrows if a != "data" or b == "train"]
    return TEXT.format(config=CONFIG, graph="\n".join(shown), rules="\n".join(_rules()))


def _rules() -> list[str]:
    listed = re.findall(r"^(\w+) \((.+)\)$", _said("--list"), re.MULTILINE)
    return [f"| {name} | {what} | {_place(name)} |" for name, what in listed]


def _place(rule: str) -> str:
    for path in (Path("Snakefile"), *sorted(Path("workflow/rules").glob("*.smk"))):
        if re.search(rf"^ *rule {rule}:", path.read_text(encoding="utf-8"), re.MULTILINE):
            return f"[{path.name}](../{path.as_posix()})"
    raise LookupError(rule)


def _said(*arguments: str) -> str:
    command = [sys.executable, "-m", "snakemake", *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
