"""What MLflow runs when it serves a logged model (its "models from code"): pictures to ages.

MLflow copies this file, age_model and the checkpoint into the model, so it imports nothing of
`train`.
"""

from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

from age_model.images.load import ImageError, read_picture
from age_model.predictor import AgePredictor
from age_model.results import picture_record


class ServedPredictor(PythonModel):
    """AgePredictor behind MLflow's interface."""

    def load_context(self, context: Any) -> None:
        """Load the checkpoint that was logged with the model."""
        self._predictor = AgePredictor.from_pretrained(context.artifacts["checkpoint"])

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Answer for each picture; one that cannot be read has its reason in `error`.

        Args:
            context: not used.
            model_input: a column "image" with the bytes of a picture in each row.
            params: `crops`: the pictures are faces, cropped and aligned, in which none is searched.
        """
        crops = bool((params or {}).get("crops", False))
        return [self._record(bytes(image), crops) for image in model_input["image"]]

    def _record(self, image: bytes, crops: bool) -> dict[str, Any]:
        try:
            image_rgb, frames = read_picture(image)
        except ImageError as error:
            record = picture_record(None, error=str(error))
        else:
            found = self._predictor.predict_crops([image_rgb]) if crops else None
            faces = found if found is not None else self._predictor(image_rgb)
            record = picture_record(None, image_rgb.shape[1::-1], faces, frames=frames)
        del record["file"]
        return record


set_model(ServedPredictor())
