"""HTML of the tab "Many pictures": what is going on, and a row a picture."""

from html import escape

from age_model.images.load import MAX_BYTES
from age_model.page import page_html, words
from age_model.page.batch import CROPS_SHOWN, MAX_PICTURES, Examined
from age_model.page.page_html import count_of

# Gradio puts the rows in; the table round them stays as it is.
TABLE = (
    '<div class="many-scroll"><table class="many-table"><thead><tr>'
    + "".join(f"<th>{name}</th>" for name in words.MANY_HEADER)
    + "</tr></thead><tbody>${value}</tbody></table></div>"
)


def introduction_html() -> str:
    """The sentence above the tab."""
    text = words.MANY_INTRODUCTION.format(most=MAX_PICTURES, megabytes=MAX_BYTES // 2**20)
    return f'<p class="many-introduction">{text}</p>'


def progress_html(done: int, total: int, name: str | None) -> str:
    """How far it has come.

    Args:
        done: files that are finished, of `total`.
        name: of the one whose turn it is; None where it stands for several.
    """
    text = words.MANY_PROGRESS.format(number=done + 1, total=total) + (f": {name}" if name else "")
    return page_html.running_html(text, done, total)


def summary_html(records: list[dict]) -> str:
    """What came out.

    Args:
        records: of `results.picture_record`, one or more.
    """
    unusable = sum(record["error"] is not None for record in records)
    empty = sum(not record["faces"] for record in records) - unusable
    faces = sum(len(record["faces"]) for record in records)
    good = len(records) - unusable
    text = words.MANY_DONE.format(
        faces=count_of(faces, words.FACES), pictures=count_of(good, words.PICTURES)
    )
    if empty:
        text += words.MANY_EMPTY.format(count=empty)
    if unusable:
        text += words.MANY_UNUSABLE.format(files=count_of(unusable, words.FILES))
    return page_html.message_html(words.DONE, f"{text}.")


def row_html(examined: Examined) -> str:
    """A row of the table."""
    record = examined.record
    name = escape(record["file"] or "…")
    if record["error"] is not None:
        reason = escape(record["error"])
        return f'<tr class="many-unusable"><th scope="row">{name}</th><td colspan="2">{reason}</td></tr>'
    faces = record["faces"]
    shown = "".join(
        _face_html(number, face, crop)
        for number, (face, crop) in enumerate(zip(faces, examined.crops, strict=False), start=1)
    )
    if len(faces) > CROPS_SHOWN:
        shown += f"<p>{words.MANY_SMALLER.format(count=len(faces) - CROPS_SHOWN)}</p>"
    notes = "".join(f"<p>{escape(note)}</p>" for note in record["notes"])
    return (
        f'<tr><th scope="row">{name}</th><td class="many-count">{len(faces)}</td>'
        f"<td>{shown or words.NO_FACE[0]}{notes}</td></tr>"
    )


def _face_html(number: int, face: dict, crop: str) -> str:
    return (
        f'<div class="many-face"><img src="{escape(crop)}" alt="{words.FACE.format(number=number)}" '
        f'width="48" height="48"><p><b>{page_html.years_html(face)}</b>, '
        f"{page_html.interval_html(face['interval'])}, "
        f"{words.GROUP.format(group=page_html.group_html(face['group']))}</p></div>"
    )
