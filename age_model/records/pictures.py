"""From pictures to their records (`results.picture_record`), many at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from age_model.decoding.pictures import decoded
from age_model.images.load import ImageError
from age_model.records.columns import Answers
from age_model.results import picture_record

if TYPE_CHECKING:
    from age_model.predictor import AgePredictor, FoundFaces

# Pictures whose faces go through the network together: half a second of work for a processor.
CHUNK = 32

Record = dict[str, Any]


class Given(NamedTuple):
    """A picture to examine.

    Attributes:
        name: its path, or what it is called.
        problem: what is wrong with it, where that is known already.
        data: its content; None where that is to be read from the path.
    """

    name: str
    problem: str | None = None
    data: bytes | None = None


@dataclass(frozen=True)
class Question:
    """What to find out of each picture, and with what. It can be sent to other processes.

    Attributes:
        model, detector, device: as for `AgePredictor.from_pretrained`.
        crops: the pictures are aligned faces already.
        ethnicity, at_least: what else to say, as keywords of `FaceAges.to_dicts`.
    """

    model: str | None = None
    detector: str | None = None
    crops: bool = False
    ethnicity: bool = False
    at_least: tuple[int, ...] = ()
    device: str | None = None

    def load(self) -> "AgePredictor":
        """The predictor.

        Raises:
            ValueError: see `AgePredictor.from_pretrained`.
        """
        from age_model.predictor import AgePredictor

        # With crops no face is searched for, so nothing is fetched for that.
        detector = self.detector or ("haar" if self.crops else None)
        return AgePredictor.from_pretrained(self.model, detector, device=self.device)

    def answers(self, predictor: "AgePredictor") -> Answers:
        """What `predictor` says to this question."""
        return Answers.of(predictor, self.ethnicity, self.at_least)

    def records(self, predictor: "AgePredictor", pictures: Iterable[Given]) -> list[Record]:
        """One record a picture, in their order. They are decoded one by one, and estimated at once.

        Args:
            predictor: from `load`.
            pictures: CHUNK of them or so, as their faces stay in memory.
        """
        look = predictor.whole_crop if self.crops else predictor.find
        seen = [_seen(look, picture) for picture in pictures]
        ages = iter(predictor.estimate([one.found for one in seen if one.found is not None]))
        return [
            picture_record(one.name, error=one.problem)
            if one.found is None
            else picture_record(
                one.name,
                one.size_wh,
                next(ages),
                ethnicity=self.ethnicity,
                at_least=self.at_least,
                frames=one.frames,
            )
            for one in seen
        ]


class _Seen(NamedTuple):
    name: str
    problem: str | None
    found: "FoundFaces | None" = None
    size_wh: tuple[int, int] | None = None
    frames: int = 1


def _seen(look: Any, picture: Given) -> _Seen:
    """A picture after its first half: decoded, and its faces found."""
    if picture.problem is not None:
        return _Seen(picture.name, picture.problem)
    try:
        source = Path(picture.name) if picture.data is None else picture.data
        with decoded(source) as (image_rgb, frames):
            return _Seen(picture.name, None, look(image_rgb), image_rgb.shape[1::-1], frames)
    except ImageError as error:
        return _Seen(picture.name, str(error))


def chunks(pictures: Iterable[Given], size: int) -> Iterator[list[Given]]:
    """The pictures, `size` at a time; taken from a stream as they are needed."""
    pictures = iter(pictures)
    while chunk := list(islice(pictures, size)):
        yield chunk
