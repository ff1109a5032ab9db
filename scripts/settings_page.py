"""Writes `docs/settings.md` from the settings class; `--check` says whether it is up to date."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from drumscribe.service.settings import Settings

TARGET = Path(__file__).resolve().parent.parent / "docs" / "settings.md"
SOURCE = Path(__file__).resolve().parent.parent / "drumscribe" / "service" / "settings.py"

HEAD = """# Settings

Every setting of the service is an environment variable. This page is written from `drumscribe/service/settings.py` by
`scripts/settings_page.py`; a test compares them.
Lists are written with commas between their items. An empty variable is as good as none. What does not fit together is refused at
start, by name.
"""


def shown(field: FieldInfo) -> str:
    """The default, as one would write it."""
    value = field.default
    if value is PydanticUndefined or value is None or value in ("", ()):
        return ""
    if isinstance(value, SecretStr):
        return value.get_secret_value() and "`…`"
    if isinstance(value, tuple):
        return f"`{','.join(map(str, value))}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def page() -> str:
    """The whole page."""
    sections: dict[str, list[str]] = {}
    title = "in general"
    for line in SOURCE.read_text("utf-8").splitlines():
        if found := re.match(r"    # -{10,} (.+)$", line):
            title = found[1]
        elif (found := re.match(r"    ([A-Z][A-Z0-9_]+):", line)) and found[1] in Settings.model_fields:
            sections.setdefault(title, []).append(found[1])
    lines = [HEAD]
    for title, names in sections.items():
        lines += [f"## {title[0].upper()}{title[1:]}", "| variable | default | |", "|---|---|---|"]
        for name in names:
            field = Settings.model_fields[name]
            lines.append(f"| `{name}` | {shown(field)} | {(field.description or '').replace('|', '/')} |")
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    """Write it, or compare."""
    text = page()
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(text, "utf-8")
        return 0
    if TARGET.exists() and TARGET.read_text("utf-8") == text:
        return 0
    print("docs/settings.md is not what the settings say; run scripts/settings_page.py.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
