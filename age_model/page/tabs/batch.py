"""The tab "Many pictures", and the endpoint /predict_many behind it."""

from collections.abc import Iterator
from contextlib import ExitStack

import gradio as gr
from gradio.utils import get_upload_folder

from age_model.images.load import IMAGE_SUFFIXES
from age_model.page import page_html, words
from age_model.page.answers import Predictor
from age_model.page.batch import examine, given_files
from age_model.page.many_html import TABLE, introduction_html, progress_html, row_html, summary_html
from age_model.page.page_html import RUNNING
from age_model.page.tabs.cancelling import add_cancel
from age_model.records.output import lent_folder, output, record_writer

# Pictures of a visitor wait for those of another here, and not in front of the other tabs.
QUEUE = {"concurrency_id": "many", "concurrency_limit": 1}
DOWNLOADS = {"csv": "ages.csv", "json": "ages.jsonl"}


def build_many_tab(predictor: Predictor) -> None:
    """The content of the tab and its endpoint.

    Args:
        predictor: called with an upright (H, W, 3) uint8 RGB picture, one after the other.
    """

    def show(uploads: list[dict] | None) -> Iterator[tuple]:
        yield from shown_answers(predictor, uploads)  # Gradio streams from generator functions only

    gr.HTML(introduction_html(), padding=False)
    files = gr.File(
        label=words.YOUR_PICTURES,
        file_count="multiple",
        file_types=["image", ".zip", *IMAGE_SUFFIXES],
        height=180,
        elem_id="many-input",
    )
    with gr.Row():
        start = gr.Button(words.START, variant="primary", elem_id="many-start")
        cancel = gr.Button(words.CANCEL, variant="secondary", elem_id="many-cancel")
    status = gr.HTML(padding=False, elem_id="many-status")
    with gr.Row():
        downloads = [
            gr.DownloadButton(
                words.DOWNLOAD.format(name=name), visible=False, elem_id=f"many-{form}"
            )
            for form, name in DOWNLOADS.items()
        ]
    table = gr.HTML("", html_template=TABLE, padding=False, elem_id="many-table")
    running = start.click(
        show,
        files,
        [status, table, *downloads],
        preprocess=False,  # our own reader checks the files, and makes no copies
        show_progress="minimal",
        show_progress_on=status,
        api_visibility="private",
        **QUEUE,
    )
    add_cancel(cancel, running, status, stopped)
    _add_api(predictor, files)


def shown_answers(predictor: Predictor, uploads: list[dict] | None) -> Iterator[tuple]:
    """What the page shows, after each picture anew.

    The rows only ever grow at their end: Gradio then sends what is new and not all of them again.

    Yields:
        HTML of the status, HTML of the rows, and an update for each button of DOWNLOADS.
    """
    hidden = [gr.update(value=None, visible=False) for _ in DOWNLOADS]
    if not uploads:
        yield page_html.message_html(*words.MANY_NONE), "", *hidden
        return
    with ExitStack() as opened:
        files, records, rows = given_files(uploads, get_upload_folder(), opened), [], ""
        for done, file in enumerate(files):
            yield progress_html(done, len(files), file.name), rows, *hidden
            examined = examine(predictor, file, with_crops=True)
            records.append(examined.record)
            rows += row_html(examined)
    paths = write_downloads(records, get_upload_folder())
    yield summary_html(records), rows, *(gr.update(value=path, visible=True) for path in paths)


def stopped(status: str) -> str:
    """The status after a click on Cancel, which may come too late."""
    return page_html.message_html(*words.MANY_STOPPED) if RUNNING in (status or "") else status


def write_downloads(records: list[dict], upload_folder: str) -> list[str]:
    """Paths of the records as each of DOWNLOADS, where Gradio lends them out and deletes them."""
    folder = lent_folder(upload_folder)
    for form, name in DOWNLOADS.items():
        with output(str(folder / name)) as stream:
            write = record_writer(form, stream, ethnicity=False)
            for record in records:
                write(record)
    return [str(folder / name) for name in DOWNLOADS.values()]


def _add_api(predictor: Predictor, files: gr.File) -> None:
    def predict_many(files: list[dict] | None) -> Iterator[list[dict]]:
        """Find the faces in many pictures, or in zips of them, and say how old each of them looks.

        The ages are estimates and can be wrong by many years. They are no age verification: do not
        use them to grant or refuse anything, to watch people, or to decide anything about people.

        Args:
            files: uploads, or data: URLs of pictures or zips, of at most 6 MB together then.

        Returns:
            A list with a dictionary a picture, in their order, as from predict; each also has its
            "file", the name of the picture. They come as they are done.
        """
        yield from api_answers(predictor, files)

    # As for /predict: an endpoint needs an event, and this is nobody's button.
    gr.Button(visible=False).click(
        predict_many,
        files,
        gr.JSON(visible=False),
        preprocess=False,
        api_name="predict_many",
        **QUEUE,
    )


def api_answers(predictor: Predictor, uploads: list[dict] | None) -> Iterator[list[dict]]:
    """All records so far, after each picture; the last list is the answer."""
    records: list[dict] = []
    yield records
    with ExitStack() as opened:
        for file in given_files(uploads or [], get_upload_folder(), opened):
            records = [*records, examine(predictor, file).record]
            yield records
