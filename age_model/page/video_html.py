"""HTML of the tab "Video": what is going on, a plot of the ages, and a card a person."""

from html import escape

from age_model.faces.detector import QUICK_FACES
from age_model.faces.tracking import AGE_SECONDS, LOST_SECONDS, SETTLED_FRAMES
from age_model.page import page_html, words
from age_model.page.age_plot import plot_html
from age_model.page.drawing import face_color
from age_model.page.page_html import count_of
from age_model.video.clip import FORMATS, MAX_BYTES, MAX_SECONDS, MAX_SIZE
from age_model.video.people import Person

MAX_SHOWN = 12  # people: the plot of more is a tangle


def introduction_html() -> str:
    """What stands above the tab."""
    text = words.VIDEO_INTRODUCTION.format(
        seconds=MAX_SECONDS,
        megabytes=MAX_BYTES // 2**20,
        width=MAX_SIZE[0],
        height=MAX_SIZE[1],
        formats=FORMATS,
        most=QUICK_FACES,
        lost=LOST_SECONDS,
    )
    return f'<p class="video-introduction">{escape(text)}</p>'


def progress_html(second: float, seconds: float) -> str:
    """How far it has come: `second` of about `seconds`."""
    total = max(seconds, second)
    text = words.VIDEO_PROGRESS.format(done=second, total=total)
    return page_html.running_html(text, second, total)


def summary_html(people: list[Person], left_out: int, cut: bool) -> str:
    """What came out.

    Args:
        people: all that were found.
        left_out: faces that were seen too few times.
        cut: the clip went on beyond the limit.
    """
    title, text = words.VIDEO_NO_FACE
    if people:
        title = words.DONE
        text = words.VIDEO_DONE.format(people=count_of(len(people), words.PEOPLE))
    if len(people) > MAX_SHOWN:
        more = count_of(len(people) - MAX_SHOWN, words.PEOPLE)
        text += " " + words.VIDEO_MORE.format(people=more)
    if left_out:
        faces = count_of(left_out, words.FACES)
        text += " " + words.VIDEO_LEFT_OUT.format(faces=faces, least=SETTLED_FRAMES)
    if cut:
        text += " " + words.VIDEO_CUT.format(seconds=MAX_SECONDS)
    return page_html.message_html(title, text)


def people_html(people: list[Person], seconds: float) -> str:
    """The plot and a card a person, for those who were seen longest; empty where there is nobody.

    Args:
        seconds: how long the clip is.
    """
    if not people:
        return ""
    longest = sorted(people, key=lambda person: -person.frames)[:MAX_SHOWN]
    shown = sorted(longest, key=lambda person: person.number)
    cards = "".join(_card_html(person) for person in shown)
    how = words.VIDEO_HOW.format(seconds=AGE_SECONDS)
    return (
        f'{plot_html(shown, seconds)}<div class="faces">{cards}</div>'
        f'<p class="video-how">{escape(how)}</p>'
    )


def _card_html(person: Person) -> str:
    name, color = words.PERSON.format(number=person.number), face_color(person.number - 1)
    seen = words.VIDEO_SEEN.format(first=person.first, last=person.last, frames=person.frames)
    return f"""
<article class="face video-person" style="--face: {color}" aria-label="{name}">
  <div class="face-top">
    <div class="face-picture">
      <img src="{escape(person.crop)}" alt="{name}" width="96" height="96">
      <span class="face-number">{person.number}</span>
    </div>
    <div class="face-answer">
      <p class="face-age">{page_html.years_html({"age": person.age_years})}</p>
      <p class="face-interval">{page_html.interval_html(list(person.interval_years))}</p>
      <p class="face-gender">{seen}</p>
    </div>
  </div>
</article>"""
