"""HTML of the tabs "Photo" and "Webcam" that goes with the faces' cards of `page_html`."""

from html import escape


def notes_html(notes: list[str]) -> str:
    """The sentences of `results.picture_notes`; nothing where there are none."""
    return "".join(f'<p class="photo-note" role="note">{escape(note)}</p>' for note in notes)
