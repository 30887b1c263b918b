"""Print the newest versions that fit together, one `name==version` a line: `make constraints`.

The versions come from a dry run of pip against nothing installed, so what happens to lie in the
environment does not matter. No host is named: where packages come from is the reader's own business.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys

# What set-up itself uses: pip, and what builds the editable install.
SET_UP = ["pip", "hatchling", "editables"]


def resolve() -> list[tuple[str, str]]:
    """`(name, version)` of everything that development needs, sorted by name."""
    command = [
        *(sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"),
        *("--report", "-", "--editable", ".[all]", "--group", "dev", *SET_UP),
    ]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    found = [
        (item["metadata"]["name"], item["metadata"]["version"])
        for item in report["install"]
        if not item.get("download_info", {}).get("dir_info", {}).get("editable")
    ]
    return sorted((re.sub(r"[-_.]+", "-", name).lower(), version) for name, version in found)


def main() -> None:
    """Write the constraints to standard output."""
    print(
        "# The versions that development and continuous integration use; made by `make constraints`."
    )
    for name, version in resolve():
        # A local part (torch's "+cpu") names one build: any build of the version will do.
        print(f"{name}=={version.partition('+')[0]}")


if __name__ == "__main__":
    main()
