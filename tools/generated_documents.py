"""Write the documents that the code generates, or, with --check, see that they are in step with it."""

import sys
from pathlib import Path

from interfaces.http.app import openapi_document
from interfaces.http.problem_catalogue import errors_markdown

DOCS = Path(__file__).resolve().parent.parent / "docs"


def main() -> int:
    documents = {
        DOCS / "openapi.json": openapi_document().rstrip() + b"\n",
        DOCS / "errors.md": errors_markdown().rstrip().encode() + b"\n",
    }
    stale = [path for path, text in documents.items() if not path.exists() or path.read_bytes() != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(DOCS.parent)} is not what the code generates: run `make docs`.")
        return 1 if stale else 0
    for path in stale:
        path.write_bytes(documents[path])
    return 0


if __name__ == "__main__":
    sys.exit(main())
