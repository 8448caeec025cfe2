"""The requests by hand in docs/api.md, as they stand there."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
DOCS_URL = "http://127.0.0.1:7860"
pytestmark = pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("bash")), reason="needs curl and bash"
)


def _last_data(events: str) -> list:
    """The data of the last of some server-sent events, which ought to be the answer."""
    *_, event, data = [line for line in events.splitlines() if line]
    assert event == "event: complete", events
    return json.loads(data.removeprefix("data: "))


def test_snippets_of_the_docs_run(server, photo):
    text = (REPOSITORY / "docs" / "api.md").read_text()
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    one, many = [block for block in blocks if "curl" in block]
    script = f"{one}\necho ==\n{many}"
    assert DOCS_URL in script
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", script.replace(DOCS_URL, server.url)],
        cwd=photo.parent, capture_output=True, text=True, check=True, timeout=240,
    )  # fmt: skip
    first, second = done.stdout.split("==\n")
    (record,) = _last_data(first)
    assert record["file"] == "photo.jpg" and len(record["faces"]) == 1
    assert _last_data(second) == [[record]]
