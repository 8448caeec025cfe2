"""How old people look, from a picture: the public door is `AgePredictor` and its `FaceAges`."""

from importlib import import_module

__all__ = ["AgePredictor", "FaceAges"]

_ROOMS = {"AgePredictor": "age_model.predictor", "FaceAges": "age_model.results"}


def __getattr__(name: str):
    """Load a public name when it is first asked for: torch must not slow down `import age_model`."""
    if name in _ROOMS:
        return getattr(import_module(_ROOMS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
