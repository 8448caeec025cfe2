"""HTML of the tab "Many pictures": what is going on, and a row a picture."""

from html import escape

from age_model import page_html, words
from age_model.batch import CROPS_SHOWN, MAX_PICTURES, Examined
from age_model.images import MAX_BYTES

# Gradio puts the rows in; the table round them stays as it is.
TABLE = (
    '<div class="many-scroll"><table class="many-table"><thead><tr><th>File</th><th>Faces</th>'
    "<th>Age, likely range and group</th></tr></thead><tbody>${value}</tbody></table></div>"
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
    now = f": {name}" if name else ""
    return page_html.running_html(f"{done + 1} of {total}{now}", done, total)


def summary_html(records: list[dict]) -> str:
    """What came out.

    Args:
        records: of `results.picture_record`, one or more.
    """
    unusable = sum(record["error"] is not None for record in records)
    empty = sum(not record["faces"] for record in records) - unusable
    faces = sum(len(record["faces"]) for record in records)
    good = len(records) - unusable
    text = f"{_count(faces, 'face')} in {_count(good, 'picture')}"
    if empty:
        text += f", {empty} of them without a face"
    if unusable:
        text += f"; {_count(unusable, 'file')} not examined, with the reasons below"
    return page_html.message_html("Done", f"{text}.")


def row_html(examined: Examined) -> str:
    """A row of the table."""
    record = examined.record
    name = escape(record["file"] or "…")
    if record["error"] is not None:
        reason = escape(record["error"])
        return (
            f'<tr class="many-unusable"><th scope="row">{name}</th>'
            f'<td colspan="2">{reason}</td></tr>'
        )
    faces = record["faces"]
    shown = "".join(
        _face_html(number, face, crop)
        for number, (face, crop) in enumerate(zip(faces, examined.crops), start=1)
    )
    if len(faces) > CROPS_SHOWN:
        shown += f"<p>and {len(faces) - CROPS_SHOWN} smaller, in the downloads</p>"
    notes = "".join(f"<p>{escape(note)}</p>" for note in record["notes"])
    return (
        f'<tr><th scope="row">{name}</th><td class="many-count">{len(faces)}</td>'
        f"<td>{shown or words.NO_FACE[0]}{notes}</td></tr>"
    )


def _face_html(number: int, face: dict, crop: str) -> str:
    return (
        f'<div class="many-face"><img src="{escape(crop)}" alt="Face {number}" width="48" '
        f'height="48"><p><b>{page_html.years_html(face)}</b>, '
        f"{page_html.interval_html(face['interval'])}, "
        f"group {page_html.group_html(face['group'])}</p></div>"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
