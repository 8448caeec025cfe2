"""Cutting the face out of a whole photo, in the way the app does."""

from io import BytesIO

from PIL import Image

from age_model.faces.crop import CROP_SIZE, crop_face
from age_model.faces.detector import Detector
from age_model.images.load import ImageError, load_image
from age_model.quality.measure import face_size

# A second face of this share of the first one's area, or more: nobody knows whose age the label is.
ALIKE = 0.5
JPEG_QUALITY = 95
NO_FACE = "no face found"
SEVERAL = "several faces of about the same size"


def cropped(photo: bytes, detector: Detector) -> bytes:
    """The one face in a photo as an aligned JPEG of at most CROP_SIZE pixels a side.

    Args:
        photo: bytes of a picture file.
        detector: finds the face.

    Raises:
        ValueError: the photo cannot be read, shows no face, or several of which none stands out.
    """
    from age_model.faces.find import find_faces  # torch takes seconds to import

    try:
        image_rgb = load_image(photo)
    except ImageError:
        raise ValueError("not a picture" if photo else "empty or unreadable file") from None
    faces = find_faces(detector, image_rgb)
    if not len(faces):
        raise ValueError(NO_FACE)
    if len(faces) > 1:
        width, height = (faces.box_xyxy[:2, 2:] - faces.box_xyxy[:2, :2]).T
        if width[1] * height[1] >= ALIKE * width[0] * height[0]:
            raise ValueError(SEVERAL)
    # No more pixels than the photo has of the face.
    side = max(1, round(face_size(faces.to_crop[0])))
    crop_rgb = crop_face(image_rgb, faces, 0, min(CROP_SIZE, side))
    with BytesIO() as buffer:
        Image.fromarray(crop_rgb).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
        return buffer.getvalue()
