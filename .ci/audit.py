"""Checks what requirements.lock pins for known vulnerabilities: `make audit`.

Exit 1 on a finding. If no database can be reached, as behind a firewall that allows only a package index, it prints
NOT DONE and exits 0: that is neither a finding nor an all-clear.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parent.parent / "requirements.lock"
SERVICES = ("pypi", "osv")


def query(service: str) -> list[dict[str, Any]]:
    """Every pinned package with its known vulnerabilities; empty if the service did not answer."""
    options = ["--disable-pip", "--no-deps", "--progress-spinner", "off", "--timeout", "10", "--format", "json"]
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(LOCK), "-s", service, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return list(json.loads(done.stdout)["dependencies"])
    except (ValueError, KeyError):
        return []


def main() -> int:
    """Query one service after the other until one knows the packages."""
    for service in SERVICES:
        packages = [package for package in query(service) if "vulns" in package]
        if not packages:
            continue
        findings = [(package, vulnerability) for package in packages for vulnerability in package["vulns"]]
        for package, vulnerability in findings:
            fixed = ", ".join(vulnerability["fix_versions"]) or "no version yet"
            sys.stdout.write(f"{package['name']} {package['version']}: {vulnerability['id']}, fixed in {fixed}\n")
        sys.stdout.write(f"audit: {len(packages)} packages checked at {service}, {len(findings)} vulnerabilities\n")
        return bool(findings)
    sys.stdout.write(f"audit: NOT DONE, none of {', '.join(SERVICES)} can be reached from here\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
