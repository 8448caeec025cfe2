import io

import numpy as np
from PIL import Image

from train.data.duplicates import MAX_DISTANCE, cluster_ids, find_pairs, perceptual_hash


def _hashes(pictures: list[Image.Image]) -> np.ndarray:
    return np.stack([np.frombuffer(perceptual_hash(p), np.uint8) for p in pictures])


def test_resaved_and_resized_copies_are_found_and_others_not(astronaut):
    face = Image.fromarray(astronaut[:200, 150:350])
    resaved = io.BytesIO()
    face.resize((120, 120)).save(resaved, "JPEG", quality=40)
    other = Image.fromarray(astronaut[300:500, 100:300])
    pairs = find_pairs(_hashes([face, other, Image.open(resaved)]))
    assert pairs[:, :2].tolist() == [[0, 2]]


def test_distance_is_counted_in_bits_and_across_blocks(monkeypatch):
    monkeypatch.setattr("train.data.duplicates.BLOCK", 2)
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 256, (5, 18), dtype=np.uint8)
    hashes[4] = hashes[1]
    hashes[4, 0] ^= 0b10000001
    assert find_pairs(hashes).tolist() == [[1, 4, 2]]
    hashes[4, 1:4] ^= 0b11111111  # 26 bits apart
    assert MAX_DISTANCE < 26 and len(find_pairs(hashes)) == 0


def test_clusters_link_through_others():
    pairs = np.array([[0, 3, 4], [3, 5, 4]])
    clusters = cluster_ids(6, pairs)
    assert clusters[0] == clusters[3] == clusters[5]
    assert len(set(clusters)) == 4
