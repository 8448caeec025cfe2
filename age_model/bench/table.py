"""Measurements as JSON, and as a table in a page of the docs."""

import json
import os
import platform
import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[2] / "docs"


def machine() -> str:
    """The processors that were measured on."""
    name = platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        models = re.findall(r"^model name\s*: (.+)$", cpuinfo.read_text(), re.MULTILINE)
        name = models[0] if models else name
    return f"{os.cpu_count()} cores of {name}"


def table(head: list[str], rows: list[list[Any]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def keep(name: str, measured: dict[str, Any], text: str) -> None:
    """Write docs/NAME.json, and the text between the marks NAME of the page that has them.

    Raises:
        ValueError: no page has such marks.
    """
    marks = re.compile(rf"(<!-- {name}:start -->\n).*?(<!-- {name}:end -->)", re.DOTALL)
    pages = [page for page in sorted(DOCS.glob("*.md")) if marks.search(page.read_text("utf-8"))]
    if not pages:
        raise ValueError(f"expected a page with <!-- {name}:start --> in {DOCS}, got none")
    (DOCS / f"{name}.json").write_text(json.dumps(measured, indent=1) + "\n", "utf-8")
    for page in pages:
        page.write_text(marks.sub(lambda m: m[1] + text + "\n" + m[2], page.read_text("utf-8")))
