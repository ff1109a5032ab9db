"""Writes the description of the API to `docs/openapi.json`; with `--check` says whether it is what the code serves."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from drumscribe.service.api.app import create_app
from drumscribe.service.settings import Settings
from drumscribe.service.wiring import build

TARGET = Path(__file__).resolve().parent.parent / "docs" / "openapi.json"


def description() -> str:
    """What `/openapi.json` says, in an order that does not change by itself."""
    with tempfile.TemporaryDirectory() as folder:
        services = build(Settings.model_validate({"DATA_DIR": folder}))
        try:
            return json.dumps(create_app(services).openapi(), indent=2, ensure_ascii=False) + "\n"
        finally:
            services.close()


def main() -> int:
    """Write it, or compare."""
    text = description()
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(text, "utf-8")
        return 0
    if TARGET.is_file() and TARGET.read_text("utf-8") == text:
        return 0
    print(f"{TARGET.name} is not what the code serves: run `python scripts/openapi.py`.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
