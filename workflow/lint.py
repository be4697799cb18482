"""`snakemake --lint`, but for its advice to give each rule a conda environment or container.

Every rule has the same environment, and that is requirements.lock, pinned by hash.
"""

import json
import subprocess
import sys

ANSWERED = "Specify a conda environment or container for each rule."

done = subprocess.run(
    [sys.executable, "-m", "snakemake", "--lint", "json"],
    capture_output=True,
    text=True,
    check=False,
)
try:
    places = json.loads(done.stdout)
except json.JSONDecodeError:
    sys.exit(done.stderr or done.stdout)
lints = [
    f"{place.get('rule', '')} {lint['title']} {lint['body']}"
    for kind in ("snakefiles", "rules")
    for place in places.get(kind, [])
    for lint in place["lints"]
    if lint["title"] != ANSWERED
]
sys.exit("\n".join(lints))
