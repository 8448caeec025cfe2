"""The tab "Batch", and the endpoint /predict_many behind it."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from age_model.images.load import IMAGE_SUFFIXES, MAX_BYTES
from age_model.page.batch import MAX_PICTURES, Examined, examine, given_files
from age_model.page.lazy_predictor import Predictor
from age_model.page.render import render
from age_model.page.tabs.cancelling import add_cancel
from age_model.page.theme import script
from age_model.records.columns import Answers
from age_model.records.output import lent_folder, output, record_writer

# A batch waits for that of another visitor here, and not in front of the other tabs.
QUEUE: dict[str, Any] = {"concurrency_id": "batch", "concurrency_limit": 1}
DOWNLOADS = {"csv": "ages.csv", "json": "ages.jsonl"}


def build_batch_tab(predictor: Predictor) -> None:
    """The content of the tab and its endpoint.

    Args:
        predictor: asked about one picture after the other.
    """

    def show(uploads: list[dict[str, Any]] | None) -> Iterator[tuple[Any, ...]]:
        yield from shown_answers(predictor, uploads)  # Gradio streams from generator functions only

    limits = {"max_pictures": MAX_PICTURES, "max_megabytes": MAX_BYTES // 2**20}
    gr.HTML(render("batch.html", "introduction", **limits), padding=False)
    files = gr.File(
        label="Your pictures",
        file_count="multiple",
        file_types=["image", ".zip", *IMAGE_SUFFIXES],
        height=180,
        elem_id="batch-input",
    )
    with gr.Row():
        start = gr.Button("Start", variant="primary", elem_id="batch-start")
        cancel = gr.Button("Cancel", variant="secondary", elem_id="batch-cancel")
    status = gr.HTML(padding=False, elem_id="batch-status")
    with gr.Row():
        downloads = [
            gr.DownloadButton(f"Download {name}", visible=False, elem_id=f"batch-{form}")
            for form, name in DOWNLOADS.items()
        ]
    table = gr.HTML(
        "",
        html_template=render("batch.html", "list"),
        js_on_load=script("faces.js"),
        padding=False,
        elem_id="batch-table",
        elem_classes="answer-list",
    )
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
    add_cancel(cancel, running, status, render("batch.html", "stopped"))
    _add_api(predictor, files)


def shown_answers(
    predictor: Predictor, uploads: list[dict[str, Any]] | None
) -> Iterator[tuple[Any, ...]]:
    """What the page shows, after each picture anew.

    The rows only ever grow at their end: Gradio then sends what is new and not all of them again.

    Yields:
        HTML of the status, HTML of the rows, and an update for each button of DOWNLOADS.
    """
    hidden = [gr.update(value=None, visible=False) for _ in DOWNLOADS]
    if not uploads:
        yield render("batch.html", "no_files"), "", *hidden
        return
    with ExitStack() as opened:
        files, records, rows = given_files(uploads, get_upload_folder(), opened), [], ""
        for done, file in enumerate(files):
            yield progress_html(done, len(files), file.name), rows, *hidden
            examined = examine(predictor, file, with_cards=True)
            records.append(examined.record)
            rows += row_html(examined)
    paths = write_downloads(records, get_upload_folder(), Answers.of(predictor))
    yield summary_html(records), rows, *(gr.update(value=path, visible=True) for path in paths)


def progress_html(done: int, total: int, name: str | None) -> str:
    """How far it has come.

    Args:
        done: files that are finished, of `total`.
        name: of the one in progress; None where it stands for several.
    """
    return render("batch.html", "progress", done=done, total=total, name=name)


def row_html(examined: Examined) -> str:
    """A picture with the cards of its faces."""
    return render("batch.html", "row", record=examined.record, cards=examined.cards)


def summary_html(records: list[dict[str, Any]]) -> str:
    """What came out.

    Args:
        records: of `results.picture_record`, one or more.
    """
    usable = [record for record in records if record["error"] is None]
    return render(
        "batch.html",
        "summary",
        faces=sum(len(record["faces"]) for record in usable),
        pictures=len(usable),
        empty=sum(not record["faces"] for record in usable),
        unusable=len(records) - len(usable),
    )


def write_downloads(records: list[dict[str, Any]], upload_folder: str, said: Answers) -> list[str]:
    """Paths of the records as each of DOWNLOADS, where Gradio lends them out and deletes them.

    Args:
        said: what the model says of each face.
    """
    folder = lent_folder(upload_folder)
    for form, name in DOWNLOADS.items():
        with output(str(folder / name)) as stream:
            write = record_writer(form, stream, said)
            for record in records:
                write(record)
    return [str(folder / name) for name in DOWNLOADS.values()]


def _add_api(predictor: Predictor, files: gr.File) -> None:
    def predict_many(files: list[dict[str, Any]] | None) -> Iterator[list[dict[str, Any]]]:
        """Find the faces in many pictures, or in zips of them, and say how old each of them looks.

        The ages are estimates and can be wrong by many years. They are no age verification: do not
        use them to grant or refuse anything, to watch people, or to decide anything about people.

        Args:
            files: uploads, or data: URLs of pictures or zips, of at most 6 MB together then.

        Returns:
            A list with a dictionary for each picture, in their order, as from predict. Each also
            has its "file", the name of the picture. They come as they are done.
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


def api_answers(
    predictor: Predictor, uploads: list[dict[str, Any]] | None
) -> Iterator[list[dict[str, Any]]]:
    """All records so far, after each picture; the last list is the answer."""
    records: list[dict[str, Any]] = []
    yield records
    with ExitStack() as opened:
        for file in given_files(uploads or [], get_upload_folder(), opened):
            records = [*records, examine(predictor, file).record]
            yield records
