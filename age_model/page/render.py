"""HTML of the page, from the templates in `templates/`: autoescaped, and strict about names.

A template file is one subject, such as the card of a face; its macros are the pieces of it. What a
visitor uploaded or a checkpoint says may hold anything: no text reaches the page but through here.
"""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from age_model.labels import PAGE_THRESHOLDS
from age_model.network.calibration import INTERVAL_COVERAGE
from age_model.page.pictures import face_color
from age_model.results import whole_years


def _percent(share: float) -> str:
    return f"{share:.0%}"


def _thousands(number: int) -> str:
    return f"{number:,}"


def _plural(number: int, one: str, more: str) -> str:
    """A number with its noun, such as "1 face" or "3 faces"."""
    return f"{number} {one if number == 1 else more}"


ENVIRONMENT = Environment(
    loader=PackageLoader("age_model.page"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
ENVIRONMENT.filters |= {
    "percent": _percent,
    "thousands": _thousands,
    "plural": _plural,
    "whole_years": whole_years,
}
ENVIRONMENT.globals |= {
    "face_color": face_color,
    "INTERVAL_COVERAGE": INTERVAL_COVERAGE,
    "PAGE_THRESHOLDS": PAGE_THRESHOLDS,
}


def render(template: str, piece: str, **values: object) -> str:
    """HTML of one piece of a template, as `render("batch.html", "summary", records=records)`.

    Args:
        template: name of a file in `templates/`.
        piece: name of a macro in it.
        values: what the macro takes.

    Raises:
        jinja2.UndefinedError: the macro uses a value, or a field of one, that is not given.
    """
    macros: Mapping[str, Any] = vars(ENVIRONMENT.get_template(template).module)
    return str(macros[piece](**values)).strip()
