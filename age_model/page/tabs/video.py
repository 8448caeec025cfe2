"""The tab "Video": the people in a short clip, and how old each of them looks over time."""

import logging
from collections.abc import Iterator
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from age_model.decoding.clips import open_clip
from age_model.faces.detector import QUICK_FACES
from age_model.faces.tracking import AGE_SECONDS, LOST_SECONDS, SETTLED_FRAMES
from age_model.images.load import ImageError
from age_model.page.answers import checked_path, upload_name
from age_model.page.cards import person_card
from age_model.page.lazy_predictor import Predictor
from age_model.page.private_log import log_without_text
from age_model.page.render import render
from age_model.page.tabs.cancelling import RUNNING, add_cancel
from age_model.page.tabs.video_plot import plot
from age_model.records.output import lent_folder, output
from age_model.video.clip import FORMATS, MAX_BYTES, MAX_SECONDS, MAX_SIZE
from age_model.video.people import People, Person, write_people

DOWNLOAD = "ages-over-time.csv"
MAX_SHOWN = 12  # people: the plot of more is a tangle
# Clips wait for each other here, and not in front of the other tabs.
QUEUE: dict[str, Any] = {"concurrency_id": "video", "concurrency_limit": 1}
log = logging.getLogger(__name__)


def build_video_tab(predictor: Predictor) -> None:
    """The content of the tab.

    Args:
        predictor: asked about one frame after the other.
    """

    def show(upload: dict[str, Any] | None) -> Iterator[tuple[Any, ...]]:
        yield from shown_people(predictor, upload)  # Gradio streams from generator functions only

    gr.HTML(introduction_html(), padding=False)
    clip = gr.Video(
        label="Your clip", sources=["upload"], height=320, buttons=[], elem_id="video-input"
    )
    with gr.Row():
        start = gr.Button("Start", variant="primary", elem_id="video-start")
        cancel = gr.Button("Cancel", variant="secondary", elem_id="video-cancel")
    status = gr.HTML(padding=False, elem_id="video-status")
    people = gr.HTML(padding=False, elem_id="video-people")
    download = gr.DownloadButton(f"Download {DOWNLOAD}", visible=False, elem_id="video-csv")
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
    add_cancel(cancel, running, status, render("video.html", "stopped"))
    # The people of a clip must not stand below another one.
    gr.on(
        [clip.upload, clip.clear],
        without_answer,
        status,
        [status, people, download],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )


def shown_people(predictor: Predictor, upload: dict[str, Any] | None) -> Iterator[tuple[Any, ...]]:
    """What the page shows, after each frame anew.

    Args:
        upload: as Gradio's page sends it: "path" on this machine, "orig_name"; None without one.

    Yields:
        HTML of the status, HTML of the people, and an update for the button of DOWNLOAD.
    """
    hidden = gr.update(value=None, visible=False)
    try:
        if not upload:
            yield render("video.html", "no_clip"), "", hidden
            return
        people, second = People(predictor), 0.0
        with open_clip(checked_path(upload, get_upload_folder())) as clip:
            for frame in clip.frames():
                yield progress_html(second, clip.seconds), "", hidden
                people.see(frame)
                second = frame.second
            found, omitted = people.found()
        button = hidden
        if found:
            button = gr.update(value=write_download(found, get_upload_folder()), visible=True)
        yield summary_html(len(found), omitted, clip.cut), people_html(found, second), button
    except ImageError as error:
        name = upload_name(upload or {})
        problem = render("message.html", "unusable", kind="clip", name=name, reason=str(error))
        yield problem, "", hidden
    except Exception as error:  # the clip and its name stay out of the log
        log_without_text(log, "a clip", error)
        yield render("message.html", "failed", kind="clip"), "", hidden


def introduction_html() -> str:
    """What stands above the tab: the limits, in words."""
    return render(
        "video.html",
        "introduction",
        max_seconds=MAX_SECONDS,
        max_megabytes=MAX_BYTES // 2**20,
        max_size=MAX_SIZE,
        formats=FORMATS,
        max_faces=QUICK_FACES,
        lost_seconds=LOST_SECONDS,
    )


def without_answer(status: str | None) -> tuple[Any, ...]:
    """What the page shows when another clip is given, as `shown_people`: progress, if there is any.

    Args:
        status: HTML of the status until then.
    """
    progress = status if RUNNING in (status or "") else ""
    return progress, "", gr.update(value=None, visible=False)


def progress_html(second: float, seconds: float) -> str:
    """How far it has come: `second` of about `seconds`."""
    return render("video.html", "progress", second=second, seconds=max(seconds, second))


def summary_html(people: int, omitted: int, cut: bool) -> str:
    """What came out.

    Args:
        people: how many were found.
        omitted: faces that were seen too few times.
        cut: the clip went on beyond the limit.
    """
    return render(
        "video.html",
        "summary",
        people=people,
        shown=min(people, MAX_SHOWN),
        omitted=omitted,
        least_frames=SETTLED_FRAMES,
        cut=cut,
        max_seconds=MAX_SECONDS,
    )


def people_html(people: list[Person], seconds: float) -> str:
    """A plot and a card for each person, of those seen longest; empty where there is nobody.

    Args:
        seconds: how long the clip is.
    """
    if not people:
        return ""
    longest = sorted(people, key=lambda person: -person.frames)[:MAX_SHOWN]
    shown = sorted(longest, key=lambda person: person.number)
    return render(
        "video.html",
        "people",
        people=shown,
        cards=[person_card(person) for person in shown],
        plot=plot(shown, seconds),
        average_seconds=AGE_SECONDS,
    )


def write_download(people: list[Person], upload_folder: str) -> str:
    """Path of the table, where Gradio lends it out and deletes it."""
    path = lent_folder(upload_folder) / DOWNLOAD
    with output(str(path)) as stream:
        write_people(people, stream)
    return str(path)
