"""Write docs/licences.md: what is shipped, under which licence, and whether that is allowed; `--check` compares.

Names and versions come from the lock files of the images and of the web app, licences from the metadata of the packages as
installed here, and from docs/licences.toml what no metadata say, with the policy. Exits with 1 if something may not be shipped.
`--check` believes the page's licences: metadata are of what happens to be installed, the page was reviewed.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "licences.md"
#: Lock file → where its packages go.
LOCKS = {
    "requirements-api.txt": "API, worker",
    "requirements-worker.txt": "worker",
    "requirements-torch-cpu.txt": "worker",
    "requirements-torch-cuda.txt": "worker with a GPU",
}
#: Of the worker that everybody builds: NVIDIA's own terms, which each accepts who builds it. No such image is published.
_BY_WHO_BUILDS = re.compile(r"^(nvidia|cuda)-")

HEAD = """# Licences

What is shipped, under which licence. Written by `scripts/licences.py` from the lock files, the packages' own metadata and
`docs/licences.toml`; a test compares, and stops what the policy there does not allow: nothing under the GPL or AGPL, for
non-commercial use only, or without a licence, but for the exceptions below. Debian's packages in the base images (GPL among them,
programs of their own) stand in each image's bill of materials. Who is thanked stands in [credits](credits.md).
"""

#: Why NVIDIA's libraries are there.
_NVIDIA = "NVIDIA's own terms. Only in the worker image with a GPU, which is built by whoever runs it and not published"


@dataclass(frozen=True, order=True)
class Package:
    """Something that is shipped."""

    name: str
    version: str
    licence: str
    where: str


def normal(name: str) -> str:
    """The name of a Python package as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def python_packages(facts: Mapping[str, Any]) -> Iterator[Package]:
    """What the images' lock files name."""
    installed = {normal(found.name): found.metadata for found in metadata.distributions()}
    seen: set[str] = set()
    for lock, where in LOCKS.items():
        text = (ROOT / "backend" / lock).read_text("utf-8")
        for name, version in re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", text, re.MULTILINE):
            key = normal(name)
            if (key, where) in seen or (key == "torch" and where == "worker with a GPU"):
                continue
            seen.add((key, where))
            yield Package(key, version, licence_of(key, installed.get(key), facts), where)


def licence_of(name: str, found: Any, facts: Mapping[str, Any]) -> str:
    """What a package says of itself, in SPDX's words where they can be had; empty if it says nothing that is understood."""
    if name in facts["python"]:
        return facts["python"][name]["licence"]
    if _BY_WHO_BUILDS.match(name):
        return "NVIDIA's terms"
    if found is None:
        return ""
    if expression := found.get("License-Expression"):
        return expression
    names = facts["policy"]["names"]
    stated = [text.rpartition(" :: ")[2] for text in found.get_all("Classifier") or () if text.startswith("License :: ")]
    stated = [names.get(text, text) for text in stated if text != "OSI Approved"]
    free = (found.get("License") or "").strip()
    if len(stated) == 1 and stated[0] != "BSD":
        return stated[0]
    if free and "\n" not in free and len(free) < 60:  # more exact than "BSD License", where both are given
        return names.get(free, free)
    return " OR ".join(stated)


def web_packages() -> Iterator[Package]:
    """What the web app's lock file names for production on Linux."""
    lock = json.loads((ROOT / "frontend" / "package-lock.json").read_text("utf-8"))
    for path, entry in lock["packages"].items():
        if path and not entry.get("dev") and not entry.get("devOptional") and "linux" in entry.get("os", ["linux"]):
            yield Package(path.rpartition("node_modules/")[2], entry["version"], entry.get("license", ""), "web app")


def is_allowed(licence: str, allowed: frozenset[str]) -> bool:
    """Whether one of the choices that an expression offers asks for nothing but what is allowed."""
    text = licence.replace("(", "").replace(")", "")
    return any(all(part in allowed for part in choice.split(" AND ")) for choice in text.split(" OR "))


def problems(packages: list[Package], facts: Mapping[str, Any]) -> list[str]:
    """What may not be shipped, and exceptions that nothing needs."""
    allowed = frozenset(facts["policy"]["allowed"])
    excepted = set(facts["exceptions"])
    found = [
        f"{one.name} {one.version}: {one.licence or 'no licence is stated'}"
        for one in packages
        if one.name not in excepted and not _BY_WHO_BUILDS.match(one.name) and not is_allowed(one.licence, allowed)
    ]
    found += [f"{one['what']}: {one['licence']}" for one in facts["material"] if not is_allowed(one["licence"], allowed)]
    return found + [f"{name}: an exception for what is not shipped" for name in sorted(excepted - {one.name for one in packages})]


def page(packages: list[Package], facts: Mapping[str, Any]) -> str:
    """The whole page."""
    lines = [HEAD, "## Exceptions", "| what | licence, and why it may be there |", "|---|---|"]
    lines += [f"| {name} | {why} |" for name, why in sorted(facts["exceptions"].items())]
    lines += [
        f"| nvidia-…, cuda-… | {_NVIDIA} |",
        "\n## Networks, samples, fonts",
        "| what | licence | from | ships |",
        "|---|---|---|---|",
    ]
    for one in facts["material"]:
        lines.append(f"| {one['what']} | {one['licence']} | {one['from']} | {'yes' if one['ships'] else 'no'} |")
    for title, is_web in (("Python", False), ("Web app", True)):
        lines += [f"\n## {title}", "| package | version | licence | where |", "|---|---|---|---|"]
        chosen = sorted(one for one in packages if (one.where == "web app") == is_web)
        lines += [f"| {one.name} | {one.version} | {one.licence} | {one.where} |" for one in chosen]
    return "\n".join(lines) + "\n"


def gather() -> tuple[list[Package], dict[str, Any]]:
    """Everything that is shipped, and what is known besides."""
    facts = tomllib.loads((ROOT / "docs" / "licences.toml").read_text("utf-8"))
    return [*python_packages(facts), *web_packages()], facts


def reviewed(text: str) -> dict[tuple[str, str, str], str]:
    """Licence by name, version and place, as a page says."""
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]*) \| ([^|]+) \|$", text, re.MULTILINE)
    return {(name, version, where): licence for name, version, licence, where in rows}


def main() -> int:
    """Write the page, or compare."""
    packages, facts = gather()
    if "--check" in sys.argv[1:]:
        known = reviewed(TARGET.read_text("utf-8"))
        packages = [replace(one, licence=known.get((one.name, one.version, one.where), "")) for one in packages]
    found = problems(packages, facts)
    text = page(packages, facts)
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(text, "utf-8")
    elif TARGET.read_text("utf-8") != text:
        found.append("docs/licences.md is not what the locks say; run scripts/licences.py")
    print("\n".join(found), end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
