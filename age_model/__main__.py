"""`python -m age_model`: see `age_model.cli`."""

import sys

from age_model.cli import main

if __name__ == "__main__":
    sys.exit(main())
