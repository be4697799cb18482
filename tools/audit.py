"""`pip-audit` of requirements.lock, which alone calls a lock sound that it could not look up."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

COMMAND = [
    *(sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes"),
    *("--requirement", "requirements.lock", "--format", "json", "--progress-spinner", "off"),
]


def verdict(audit: Mapping[str, Any]) -> tuple[str, bool]:
    """Return what an audit found, in words, and whether all packages were looked at and are well.

    Args:
        audit: what pip-audit writes as JSON.
    """
    packages = audit["dependencies"]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    lines = [
        f"{package['name']} {package['version']}: {flaw['id']}, mended in "
        f"{' or '.join(flaw['fix_versions']) or 'no version yet'}"
        for package in packages
        for flaw in package.get("vulns", [])
    ]
    if len(skipped) == len(packages):
        return "error: the database could not be reached, so nothing was audited", False
    if skipped:
        lines.append(f"not audited, as the database does not know them: {', '.join(skipped)}")
    if lines:
        return "\n".join(lines), False
    return f"{len(packages)} packages, no known vulnerability", True


if __name__ == "__main__":
    print("Asking about each package of requirements.lock…", flush=True)
    done = subprocess.run(COMMAND, capture_output=True, encoding="utf-8", check=False)
    if not done.stdout.startswith("{"):
        reason = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        sys.exit(f"error: the database could not be reached, so nothing was audited ({reason})")
    said, well = verdict(json.loads(done.stdout))
    print(said)
    sys.exit(not well)
