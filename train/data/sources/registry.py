"""All sources, by their keys. Another one is a module beside this one and a line in here."""

from train.data.sources.all_age_faces import ALL_AGE_FACES
from train.data.sources.fairface import FAIRFACE
from train.data.sources.picture import Source
from train.data.sources.utkface import UTKFACE

SOURCES: dict[str, Source] = {source.key: source for source in (UTKFACE, FAIRFACE, ALL_AGE_FACES)}
