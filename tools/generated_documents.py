"""Write the documents that code and tests generate, or, with --check, see that they are in step.

Either way it fails when a security requirement that binds has no test, or a test names one that there is not.
"""

import sys
from pathlib import Path

import security_lines

from interfaces.http.app import openapi_document
from interfaces.http.problem_catalogue import errors_markdown

DOCS = Path(__file__).resolve().parent.parent / "docs"


def main() -> int:
    lines, shown = security_lines.requirements(), security_lines.shown_by_name()
    faults = security_lines.faults(lines, shown)
    for fault in faults:
        print(fault)
    documents = {
        DOCS / "openapi.json": openapi_document().rstrip() + b"\n",
        DOCS / "errors.md": errors_markdown().rstrip().encode() + b"\n",
        security_lines.PAGE: security_lines.page(lines, shown).encode(),
    }
    stale = [path for path, text in documents.items() if not path.exists() or path.read_bytes() != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(DOCS.parent)} is not what is generated: run `make docs`.")
        return 1 if stale or faults else 0
    for path in stale:
        path.write_bytes(documents[path])
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
