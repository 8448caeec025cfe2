"""Checkpoints that bring code of their own along."""

import json
from pathlib import Path


def plant(checkpoint: Path, known_type: bool) -> Path:
    """Let a checkpoint's config ask for a class in a file beside it; that file leaves a mark.

    Args:
        checkpoint: a folder, which is changed.
        known_type: it also names a model type that transformers has itself.

    Returns:
        the mark, which exists once the code ran.
    """
    mark = checkpoint / "ran"
    (checkpoint / "planted.py").write_text(
        f"open({str(mark)!r}, 'w').close()\n"
        "from transformers import PretrainedConfig\n"
        "class Planted(PretrainedConfig):\n    model_type = 'planted'\n"
    )
    config = json.loads((checkpoint / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "planted.Planted", "AutoModel": "planted.Planted"}
    config["model_type"] = config["model_type"] if known_type else "planted"
    (checkpoint / "config.json").write_text(json.dumps(config))
    return mark
