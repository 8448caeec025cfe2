"""What axe-core says of a page, by the Web Content Accessibility Guidelines 2.2, level AA."""

import re

from axe_playwright_python.sync_playwright import Axe

OPTIONS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"target-size": {"enabled": True}},  # 24 x 24 CSS pixels; axe has it off
    "resultTypes": ["violations"],
}
# Gradio's own parts, which this project can only report to its makers: each with what is wrong.
NOT_OURS = (
    r"\.image-container",  # the fullscreen button of a picture has no name
    r"common\.upload",  # a button in a button, named by the key of a translation
    r"\.toast-header",  # a button in a button
)

# What slides and fades has come to rest: only then do colours say something.
AT_REST = """() => !document.querySelector('.pending')
  && document.getAnimations().every((one) => one.playState !== 'running')"""


def violations(page) -> list[str]:
    """All that axe-core finds in what can be seen, a line for each place."""
    found = []
    for rule in Axe().run(page, options=OPTIONS).response["violations"]:
        for node in rule["nodes"]:
            target = str(node["target"][-1])
            if not any(re.search(known, target) for known in NOT_OURS):
                found.append(f"{rule['id']}: {target}: {node['failureSummary']}")
    return found
