"""`snakemake --lint`, but for its advice to give each rule a conda environment or container.

Every rule has the same environment, and that is requirements.lock, pinned by hash.
"""

import subprocess
import sys

ANSWERED = "Specify a conda environment or container for each rule."
TITLE = "    * "

command = [sys.executable, "-m", "snakemake", "--lint"]
done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
output = done.stdout + done.stderr
titles = [line.removeprefix(TITLE) for line in output.splitlines() if line.startswith(TITLE)]
if done.returncode and (not titles or any(ANSWERED not in title for title in titles)):
    sys.exit(output)
