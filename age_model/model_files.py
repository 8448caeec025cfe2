"""Loading a checkpoint: the one inside this package, a folder, or one on the Hugging Face Hub."""

from pathlib import Path

from age_model.modeling import AgeViT, age_labels_problem

EMBEDDED = Path(__file__).parent / "checkpoint"


def load_model(name: str) -> AgeViT:
    """The network of a checkpoint, on the CPU.

    Args:
        name: a folder, or a name on the Hub such as "someone/age-vit".

    Raises:
        ValueError: it cannot be had, is no checkpoint, or does not answer in ages 0..100.
    """
    model = AgeViT.from_pretrained(name, use_safetensors=True)
    problem = age_labels_problem(model.config)
    if problem:
        raise ValueError(f"the checkpoint {name} does not answer in ages: {problem}")
    return model
