"""A question whose worker process dies of one picture, as of a fault in a library."""

import os
import signal

from age_model.records.pictures import Given, Question, Record

DEADLY = "deadly.png"


class DeadlyQuestion(Question):
    """As `Question`, but no process survives the picture DEADLY."""

    def records(self, predictor: object, pictures: list[Given]) -> list[Record]:
        """The records of the pictures; none where one is DEADLY."""
        if any(picture.name.endswith(DEADLY) for picture in pictures):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().records(predictor, pictures)
