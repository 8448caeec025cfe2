"""What the card says of the network itself: its kind, its input, and what it answers."""

from age_model.labels import AGE_GROUP_NAMES, ATTRIBUTES
from age_model.network.reports import group_names

# By the model type that config.json says; of others the type is named.
KINDS = {
    "vit": "A Vision Transformer",
    "resnet": "A ResNet",
    "age-densenet": "A DenseNet-121",
    "age-cnn": "A small convolutional network",
}
HEADS = {
    (): "",
    ("gender",): "One more head tells perceived gender.",
    ("ethnicity",): "One more head tells, for audits only, perceived ethnicity.",
    ATTRIBUTES: "Two more heads tell\nperceived gender and, for audits only, perceived ethnicity.",
}


def network_facts(results: dict, learned: set[str]) -> dict:
    """Variables of the card's template.

    Args:
        results: content of results.json; one of before networks of other kinds says less.
        learned: from `training.labels_learned`.
    """
    model = results["model"]
    kind = model.get("architecture", "vit")
    attributes = tuple(model.get("attributes", [name for name in ATTRIBUTES if name in learned]))
    names = group_names(results)
    return {
        "network": KINDS.get(kind, f"A network of the type `{kind}`"),
        "is_vit": kind == "vit",
        "own_groups": ", ".join(names) if names != AGE_GROUP_NAMES else "",
        "heads": HEADS[attributes],
        "untaught": [name for name in ATTRIBUTES if name not in attributes],
        "age_learned": "age" in learned,
        "image_size": model["image_size"],
        "normalisation": _normalisation(model),
    }


def _normalisation(model: dict) -> str:
    mean, std = (model.get(name, [0.5] * 3) for name in ("image_mean", "image_std"))
    if set(mean) == set(std) == {0.5}:
        return "scaled to -1..1"
    shown = [", ".join(f"{value:g}" for value in values) for values in (mean, std)]
    return f"on a scale of 0..1 normalised with mean {shown[0]} and standard deviation {shown[1]}"
