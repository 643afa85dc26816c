"""Are vulnerabilities known of what requirements.lock pins? `make audit`.

Exit 1 when there are. Where the service that knows cannot be reached, as behind a wall that lets nothing but a package
index through, that is said plainly and fails nothing: it is no finding, and no all-clear either.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parent.parent / "requirements.lock"
SERVICES = ("pypi", "osv")


def asked(service: str) -> list[dict[str, Any]]:
    """Every pinned package with what is known of it; nothing when the service did not answer."""
    options = ["--disable-pip", "--no-deps", "--progress-spinner", "off", "--timeout", "10", "--format", "json"]
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(LOCK), "-s", service, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return list(json.loads(done.stdout)["dependencies"])
    except (ValueError, KeyError):
        return []


def main() -> int:
    """Ask one service after the other until one knows the packages."""
    for service in SERVICES:
        known = [each for each in asked(service) if "vulns" in each]
        if not known:
            continue
        found = [(each, vulnerability) for each in known for vulnerability in each["vulns"]]
        for each, vulnerability in found:
            fixed = ", ".join(vulnerability["fix_versions"]) or "no version yet"
            sys.stdout.write(f"{each['name']} {each['version']}: {vulnerability['id']}, mended in {fixed}\n")
        sys.stdout.write(f"audit: {len(known)} packages asked about at {service}, {len(found)} vulnerabilities known\n")
        return bool(found)
    sys.stdout.write(f"audit: NOT DONE, none of {', '.join(SERVICES)} could be asked from here\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
