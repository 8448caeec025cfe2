"""The tab "Video": the people in a short clip, and how old each of them looks over time."""

import logging
from collections.abc import Iterator

import gradio as gr
from gradio.utils import get_upload_folder

from age_model.faces.tracking import FramePredictor
from age_model.images.load import ImageError
from age_model.page import page_html, words
from age_model.page.answers import checked_path, upload_name
from age_model.page.page_html import RUNNING
from age_model.page.private_log import log_without_text
from age_model.page.tabs.cancelling import add_cancel
from age_model.page.video_html import introduction_html, people_html, progress_html, summary_html
from age_model.records.output import lent_folder, output
from age_model.video.clip import open_clip
from age_model.video.people import People, Person, write_people

DOWNLOAD = "ages-over-time.csv"
# Clips wait for each other here, and not in front of the other tabs.
QUEUE = {"concurrency_id": "video", "concurrency_limit": 1}
log = logging.getLogger(__name__)


def build_video_tab(predictor: FramePredictor) -> None:
    """The content of the tab.

    Args:
        predictor: asked about one frame after the other.
    """

    def show(upload: dict | None) -> Iterator[tuple]:
        yield from shown_people(predictor, upload)  # Gradio streams from generator functions only

    gr.HTML(introduction_html(), padding=False)
    clip = gr.Video(
        label=words.YOUR_CLIP, sources=["upload"], height=320, buttons=[], elem_id="video-input"
    )
    with gr.Row():
        start = gr.Button(words.START, variant="primary", elem_id="video-start")
        cancel = gr.Button(words.CANCEL, variant="secondary", elem_id="video-cancel")
    status = gr.HTML(padding=False, elem_id="video-status")
    people = gr.HTML(padding=False, elem_id="video-people")
    download = gr.DownloadButton(
        words.DOWNLOAD.format(name=DOWNLOAD), visible=False, elem_id="video-csv"
    )
    running = start.click(
        show,
        clip,
        [status, people, download],
        preprocess=False,  # our own reader checks the file; nothing is converted or copied
        show_progress="minimal",
        show_progress_on=status,
        api_visibility="private",
        **QUEUE,
    )
    add_cancel(cancel, running, status, stopped)


def shown_people(predictor: FramePredictor, upload: dict | None) -> Iterator[tuple]:
    """What the page shows, after each frame anew.

    Args:
        upload: as Gradio's page sends it: "path" on this machine, "orig_name"; None without one.

    Yields:
        HTML of the status, HTML of the people, and an update for the button of DOWNLOAD.
    """
    hidden = gr.update(value=None, visible=False)
    try:
        if not upload:
            yield page_html.message_html(*words.VIDEO_NONE), "", hidden
            return
        people, second = People(predictor), 0.0
        with open_clip(checked_path(upload, get_upload_folder())) as clip:
            for frame in clip.frames():
                yield progress_html(second, clip.seconds), "", hidden
                people.see(frame)
                second = frame.second
            found, left_out = people.found()
        button = hidden
        if found:
            button = gr.update(value=write_download(found, get_upload_folder()), visible=True)
        yield summary_html(found, left_out, clip.cut), people_html(found, second), button
    except ImageError as error:
        text = f"{upload_name(upload)} {error}."
        yield page_html.message_html(words.VIDEO_UNUSABLE, text, problem=True), "", hidden
    except Exception as error:  # the clip and its name stay out of the log
        log_without_text(log, "a clip", error)
        yield page_html.message_html(*words.VIDEO_FAILED, problem=True), "", hidden


def stopped(status: str) -> str:
    """The status after a click on Cancel, which may come too late."""
    return page_html.message_html(*words.VIDEO_STOPPED) if RUNNING in (status or "") else status


def write_download(people: list[Person], upload_folder: str) -> str:
    """Path of the table, where Gradio lends it out and deletes it."""
    path = lent_folder(upload_folder) / DOWNLOAD
    with output(str(path)) as stream:
        write_people(people, stream)
    return str(path)
