"""Random changes to training faces, like those of a detector's crop, a webcam, a scan or a print.

One function for a whole batch, in torch, so that it runs in the loader's processes on a CPU and on
the accelerator where the pictures lie there already (`dataset.DeviceCache`). Each change is applied
to the pictures that it is drawn for and to no other.
"""

import math

import torch
from torch.nn import functional as F

FLIP = 0.5
SCALE = (0.85, 1.2)
ROTATION_DEGREES = 15.0
SHIFT = 0.10  # of the side
# Probabilities of each change of a picture.
GREY, SEPIA, FADED, SIDE_LIGHT = 0.12, 0.03, 0.08, 0.10
LOW_RESOLUTION, BLUR, MOTION, GRAIN, JPEG, SCREEN, SCRATCHES = (
    0.15,
    0.08,
    0.04,
    0.10,
    0.15,
    0.02,
    0.02,
)
ERASE = 0.25
SEPIA_TONE = (1.07, 0.98, 0.82)  # gains of R, G, B
LUMA = (0.299, 0.587, 0.114)  # of R, G, B (ITU-R BT.601)
# JPEG's standard luminance table, ITU-T T.81, table K.1.
QUANTISATION = (
    (16, 11, 10, 16, 24, 40, 51, 61), (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56), (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77), (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101), (72, 92, 95, 98, 112, 100, 103, 99),
)  # fmt: skip


def augment(
    images_rgb: torch.Tensor, size: int, generator: torch.Generator, wear: bool = True
) -> torch.Tensor:
    """Pictures moved, turned, recoloured, worn and covered at random.

    Args:
        images_rgb: (B, S, S, 3) uint8, on any device.
        size: side of the network's input, pixels.
        generator: of that device; the same state gives the same pictures.
        wear: whether some look like old prints, scans and pictures of a poor camera.

    Returns:
        (B, 3, size, size) float32 in 0..1.
    """
    draw = _Draw(len(images_rgb), generator)
    images = _warp(images_rgb, size, draw)
    _relight(images, draw)
    if wear:
        _recolour(images, draw)
        _wear(images, draw)
    _erase(images, draw)
    return images.clamp_(0, 1)


class _Draw:
    """Random numbers for a batch, on the batch's device."""

    def __init__(self, count: int, generator: torch.Generator):
        self.count, self.generator, self.device = count, generator, generator.device

    def uniform(self, low: float, high: float, count: int | None = None) -> torch.Tensor:
        """(count,) numbers between `low` and `high`; one for each picture if no count is given."""
        shape = (self.count if count is None else count,)
        return low + (high - low) * torch.rand(shape, device=self.device, generator=self.generator)

    def chosen(self, probability: float) -> torch.Tensor:
        """Indices of the pictures that a change of this probability falls on."""
        return (self.uniform(0, 1) < probability).nonzero()[:, 0]

    def normal(self, shape: torch.Size) -> torch.Tensor:
        return torch.randn(shape, device=self.device, generator=self.generator)


def _warp(images_rgb: torch.Tensor, size: int, draw: _Draw) -> torch.Tensor:
    """(B, 3, size, size) float32 in 0..1: scaled, turned, shifted, mirrored; border reflected."""
    scale = torch.exp(draw.uniform(math.log(SCALE[0]), math.log(SCALE[1])))
    turn = torch.deg2rad(draw.uniform(-ROTATION_DEGREES, ROTATION_DEGREES))
    cos, sin = turn.cos() / scale, turn.sin() / scale
    mirror = torch.where(draw.uniform(0, 1) < FLIP, -1.0, 1.0)
    x, y = draw.uniform(-2 * SHIFT, 2 * SHIFT), draw.uniform(-2 * SHIFT, 2 * SHIFT)
    rows = [torch.stack([cos * mirror, sin * mirror, x], 1), torch.stack([-sin, cos, y], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), [draw.count, 3, size, size], align_corners=False)
    images = images_rgb.permute(0, 3, 1, 2).float().div_(255)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def _relight(images: torch.Tensor, draw: _Draw) -> None:
    """Gamma, contrast and brightness, in place."""
    gamma, contrast = torch.exp(draw.uniform(-0.3, 0.3)), draw.uniform(0.7, 1.3)
    brightness = draw.uniform(-0.12, 0.12)
    images.clamp_(1e-4, 1).pow_(_column(gamma))
    images.sub_(0.5).mul_(_column(contrast)).add_(0.5 + _column(brightness)).clamp_(0, 1)


def _recolour(images: torch.Tensor, draw: _Draw) -> None:
    """Grey, sepia, faded prints and light from a side, in place."""
    luma = images.new_tensor(LUMA).view(1, 3, 1, 1)
    for probability, tone in ((GREY, (1.0, 1.0, 1.0)), (SEPIA, SEPIA_TONE)):
        rows = draw.chosen(probability)
        grey = (images[rows] * luma).sum(1, keepdim=True)
        images[rows] = grey * images.new_tensor(tone).view(1, 3, 1, 1)
    rows = draw.chosen(FADED)
    low, high = draw.uniform(0.05, 0.3, len(rows)), draw.uniform(0.6, 0.95, len(rows))
    images[rows] = torch.lerp(_column(low), _column(high), images[rows])
    rows = draw.chosen(SIDE_LIGHT)
    angle, strength = draw.uniform(0, 2 * math.pi, len(rows)), draw.uniform(0.2, 0.8, len(rows))
    along = torch.linspace(-1, 1, images.shape[-1], device=images.device)
    slope = _column(angle.cos()) * along + _column(angle.sin()) * along[:, None]
    images[rows] *= 1 + _column(strength) * slope


def _wear(images: torch.Tensor, draw: _Draw) -> None:
    """Poorer pictures of the same faces, in place."""
    rows = draw.chosen(LOW_RESOLUTION)
    for part, factor in zip(rows.tensor_split(3), (0.25, 0.4, 0.6), strict=True):
        small = F.interpolate(images[part], scale_factor=factor, mode="area")
        images[part] = F.interpolate(small, images.shape[-2:], mode="bilinear", align_corners=False)
    rows = draw.chosen(BLUR)
    images[rows] = _blurred(images[rows], _gaussian(draw.uniform(0.5, 2.5, len(rows))))
    rows = draw.chosen(MOTION)
    images[rows] = _blurred(images[rows], _line(draw.uniform(0, math.pi, len(rows))))
    rows = draw.chosen(SCREEN)
    images[rows] += 0.12 * _screen(images.shape[-1], draw.uniform(2.5, 5, len(rows)))
    rows = draw.chosen(SCRATCHES)
    columns = draw.uniform(0, images.shape[-1], len(rows)).long()
    images[rows, :, :, columns] = draw.uniform(0, 1, len(rows))[:, None, None]
    rows = draw.chosen(GRAIN)
    strength = draw.uniform(0.02, 0.12, len(rows))
    images[rows] += _column(strength) * draw.normal(images[rows, :1].shape)
    for _ in range(2):  # many a picture was saved more than once
        rows = draw.chosen(JPEG / 2)
        images[rows] = _jpeg(images[rows].clamp(0, 1), draw.uniform(15, 80, len(rows)))


def _column(values: torch.Tensor) -> torch.Tensor:
    return values.view(-1, 1, 1, 1)


def _blurred(images: torch.Tensor, kernels: torch.Tensor) -> torch.Tensor:
    """(N, 3, H, W), each blurred by its own (K, K) kernel of (N, K, K)."""
    if not len(images):
        return images
    count, channels, height, width = images.shape
    weights = kernels.repeat_interleave(channels, 0)[:, None]
    margin = kernels.shape[-1] // 2
    flat = F.pad(images, [margin] * 4, mode="reflect").reshape(
        1, count * channels, *_padded(images, margin)
    )
    return F.conv2d(flat, weights, groups=count * channels).view(count, channels, height, width)


def _padded(images: torch.Tensor, margin: int) -> tuple[int, int]:
    return images.shape[2] + 2 * margin, images.shape[3] + 2 * margin


def _gaussian(sigma: torch.Tensor, reach: int = 6) -> torch.Tensor:
    """(N, 2 reach + 1, 2 reach + 1) kernels for (N,) sigmas in pixels."""
    apart = torch.arange(-reach, reach + 1, device=sigma.device, dtype=sigma.dtype)
    line = torch.exp(-0.5 * (apart / sigma[:, None]) ** 2)
    line = line / line.sum(1, keepdim=True)
    return line[:, :, None] * line[:, None, :]


def _line(angle: torch.Tensor, reach: int = 5) -> torch.Tensor:
    """(N, 2 reach + 1, 2 reach + 1) kernels of a camera that moved in the directions (N,)."""
    apart = torch.arange(-reach, reach + 1, device=angle.device, dtype=angle.dtype)
    across = angle.sin()[:, None, None] * apart - angle.cos()[:, None, None] * apart[:, None]
    kernel = torch.exp(-2 * across**2)
    return kernel / kernel.sum((1, 2), keepdim=True)


def _screen(size: int, period: torch.Tensor) -> torch.Tensor:
    """(N, 1, size, size) in -1..1: the dots of a printed picture, periods (N,) in pixels."""
    place = torch.arange(size, device=period.device)
    wave = torch.sin(2 * math.pi * (place[:, None] + place) / (period[:, None, None] * 2**0.5))
    other = torch.sin(2 * math.pi * (place[:, None] - place) / (period[:, None, None] * 2**0.5))
    return (wave * other)[:, None]


def _jpeg(images: torch.Tensor, quality: torch.Tensor) -> torch.Tensor:
    """What JPEG leaves of (N, 3, H, W) pictures at (N,) qualities 1..100.

    Each channel loses its 8 x 8 DCT coefficients as the luminance does; no chroma subsampling.
    """
    if not len(images):
        return images
    bottom, right = -images.shape[2] % 8, -images.shape[3] % 8
    padded = F.pad(images, (0, right, 0, bottom), mode="replicate")
    count, channels, height, width = padded.shape
    table = images.new_tensor(QUANTISATION)
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50)
    step = (scale.view(-1, 1, 1) * table).round().clamp(1, 255) / 255
    step = step.view(count, 1, 1, 1, 8, 8)
    n = torch.arange(8, device=images.device, dtype=images.dtype)
    dct = torch.cos((2 * n + 1) * n[:, None] * math.pi / 16) * 0.5
    dct[0] /= 2**0.5
    blocks = padded.view(count, channels, height // 8, 8, width // 8, 8).transpose(3, 4)
    coefficients = dct @ (blocks - 0.5) @ dct.T
    coefficients = torch.round(coefficients / step) * step
    blocks = dct.T @ coefficients @ dct + 0.5
    restored = blocks.transpose(3, 4).reshape(count, channels, height, width)
    return restored[:, :, : images.shape[2], : images.shape[3]]


def _erase(images: torch.Tensor, draw: _Draw) -> None:
    """A rectangle of noise, in place: a hand, a mask, a caption. Zhong et al., AAAI 2020."""
    rows = draw.chosen(ERASE)
    size = images.shape[-1]
    place = torch.arange(size, device=images.device)
    inside = []
    for _ in range(2):  # down, across
        side = draw.uniform(0.1, 0.45, len(rows)) * size
        start = draw.uniform(0, 1, len(rows)) * (size - side)
        inside.append((place >= start[:, None]) & (place < (start + side)[:, None]))
    covered = (inside[0][:, :, None] & inside[1][:, None, :])[:, None]
    noise = torch.rand(images[rows].shape, device=images.device, generator=draw.generator)
    images[rows] = torch.where(covered, noise, images[rows])
