"""Near-duplicates: the same picture in other clothes (resaved, resized, recropped by a little).

UTKFace holds many, also with different ages in their names. Left alone they leak from training into
test. A perceptual hash of each picture is compared with every other.
"""

import imagehash
import numpy as np
from PIL import Image
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

HASH_SIZE = 12  # 12 x 12 = 144 bits, from the low frequencies of a 36 x 36 grey picture
HASH_BYTES = HASH_SIZE * HASH_SIZE // 8
# Bits that may differ (distances come out even). Six pairs of each distance looked at by eye, the
# same picture: all at 14 and 16, five at 18, four at 20, one at 22. A leak costs more than a false
# alarm.
MAX_DISTANCE = 20
BLOCK = 4096  # pictures compared with as many at a time, so that memory does not grow with the set


def perceptual_hash(picture: Image.Image) -> bytes:
    """144-bit DCT hash of a picture, as 18 bytes. Source: the ImageHash package's pHash scheme."""
    bits = imagehash.phash(picture, hash_size=HASH_SIZE, highfreq_factor=3).hash
    return np.packbits(bits.ravel()).tobytes()


def find_pairs(hashes: np.ndarray, max_distance: int = MAX_DISTANCE) -> np.ndarray:
    """Pairs of pictures whose hashes differ in few bits.

    Args:
        hashes: (N, 18) uint8.
        max_distance: bits.

    Returns:
        (P, 3) int64: first index, second index (always the larger), distance in bits.
    """
    found = [np.zeros((0, 3), np.int64)]
    starts = range(0, len(hashes), BLOCK)
    for top in starts:
        rows = _signs(hashes[top : top + BLOCK])
        for left in starts[top // BLOCK :]:
            columns = _signs(hashes[left : left + BLOCK])
            # With bits as -1 and 1, the dot product of two hashes is bits - 2 x distance.
            distance = (rows.shape[1] - rows @ columns.T) / 2
            i, j = np.nonzero(distance <= max_distance)
            pairs = np.stack([i + top, j + left, distance[i, j]], axis=1).astype(np.int64)
            found.append(pairs[pairs[:, 1] > pairs[:, 0]])
    return np.concatenate(found)


def _signs(hashes: np.ndarray) -> np.ndarray:
    return np.unpackbits(hashes, axis=1).astype(np.float32) * 2 - 1


def cluster_ids(count: int, pairs: np.ndarray) -> np.ndarray:
    """(count,) int: pictures linked by pairs, directly or through others, share a number."""
    links = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return connected_components(links, directed=False)[1]
