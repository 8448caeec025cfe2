"""Where a ViT without pretrained weights starts: mimetic initialisation.

Source: Trockman and Kolter, "Mimetic Initialization of Self-Attention Layers", ICML 2023. In
trained ViTs the product of query and key weights leans to the identity, that of value and output
weights to its negative, and position embeddings are sinusoidal. Starting there saves a small-data
run many epochs.
"""

import torch

from age_model.network.modeling import AgeViT

QUERY_KEY_NOISE, QUERY_KEY_IDENTITY = 0.7, 0.7
VALUE_OUTPUT_NOISE, VALUE_OUTPUT_IDENTITY = 0.4, 0.4


@torch.no_grad()
def mimetic(model: AgeViT) -> None:
    """Set attention weights and position embeddings of a freshly made model, in place."""
    for layer in model.vit.layers:
        attention = layer.attention
        width, head = attention.q_proj.in_features, attention.head_dim
        for start in range(0, attention.num_attention_heads * head, head):
            rows = slice(start, start + head)
            # Linear stores weights as (out, in): the logits are x Wq^T Wk x^T.
            left, right = _factors(width, QUERY_KEY_NOISE, QUERY_KEY_IDENTITY, head)
            attention.q_proj.weight[rows] = left.T
            attention.k_proj.weight[rows] = right
        left, right = _factors(width, VALUE_OUTPUT_NOISE, -VALUE_OUTPUT_IDENTITY, width)
        attention.v_proj.weight.copy_(left.T)
        attention.o_proj.weight.copy_(right.T)
    positions = model.vit.embeddings.position_embeddings
    positions[:, 1:] = _sinusoidal(int((positions.shape[1] - 1) ** 0.5), positions.shape[2])


def _factors(
    width: int, noise: float, identity: float, rank: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """(width, rank) and (rank, width) whose product is near noise x Z + identity x I."""
    z = torch.randn(width, width) / width**0.5
    u, s, vh = torch.linalg.svd(noise * z + identity * torch.eye(width))
    root = s[:rank].sqrt()
    return u[:, :rank] * root, root[:, None] * vh[:rank]


def _sinusoidal(side: int, width: int) -> torch.Tensor:
    """(side x side, width) fixed two-dimensional sine and cosine position code."""
    quarter = width // 4
    frequency = 1.0 / 10000 ** (torch.arange(quarter) / quarter)
    place = torch.arange(side)[:, None] * frequency[None, :]
    code = torch.cat([place.sin(), place.cos()], dim=1)  # (side, width / 2)
    rows = code[:, None, :].expand(side, side, -1)
    columns = code[None, :, :].expand(side, side, -1)
    return torch.cat([rows, columns], dim=2).reshape(side * side, -1)
