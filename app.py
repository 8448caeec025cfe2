"""The demo as a Space starts it: `python app.py`. What it does is in `age_model.page.launch`."""

import sys

from age_model.page.blocks import build_demo
from age_model.page.launch import demo, main, predictor

__all__ = ["build_demo", "demo", "main", "predictor"]

if __name__ == "__main__":
    sys.exit(main())
