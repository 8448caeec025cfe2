"""The plot of people's ages, their cards, and what is said of a clip."""

import re

import numpy as np

from age_model.faces.tracking import SETTLED_FRAMES
from age_model.page.tabs.video import MAX_SHOWN, people_html, progress_html, summary_html
from age_model.page.tabs.video_plot import UNITS, plot
from age_model.video.clip import FRAMES_A_SECOND
from tests.support.markup import read
from tests.support.people import followed


def test_line_has_a_gap_where_the_face_was_not_seen():
    face = [(100, 100, 60, 40)]
    people, _ = followed([face] * 6 + [[]] * 3 + [face] * 4)
    (line,) = plot(people, 4).lines
    assert len(line.strokes) == len(line.bands) == 2


def test_plot_says_in_words_what_it_shows():
    people, _ = followed([[(60, 100, 60, 40), (220, 100, 60, 20)]] * 9)
    page = read(people_html(people, 8 / FRAMES_A_SECOND)).one("figure", "plot")
    words = page.one(role="img")["aria-label"]
    assert [list(map(int, re.findall(r"\d+", part))) for part in words.split(". ")[1:]] == [
        [1, 40, 40, 0, 2],
        [2, 20, 20, 0, 2],
    ]
    dashes = [line["stroke-dasharray"] for line in page.all("polyline")]
    assert len(dashes) == len(set(dashes)) == 2, "lines differ by more than their colour"
    assert [tag.text for tag in page.all(css_class="plot-tag")] == ["1", "2"]


def test_all_that_is_drawn_lies_within_the_plot():
    frames = [[(60, 100, 60, age), (220, 100, 60, 100 - age)] for age in range(0, 100, 4)]
    people, _ = followed(frames)
    shown = plot(people, 6)
    points = " ".join(p for line in shown.lines for p in (*line.strokes, *line.bands))
    places = np.array([float(n) for n in re.split("[ ,]", points)])
    assert places.min() >= 0 and places.max() <= UNITS
    shares = [share for line in shown.lines for share in line.tag_xy]
    shares += [tick.place for tick in (*shown.years, *shown.seconds)]
    assert min(shares) >= 0 and max(shares) <= 1


def test_numbers_of_lines_that_end_together_do_not_overlap():
    people, _ = followed([[(40 + 70 * n, 100, 50, 40) for n in range(4)]] * 5)
    tops = sorted(line.tag_xy[1] for line in plot(people, 1).lines)
    assert len(tops) == 4 and np.diff(tops).min() >= 0.08


def test_crowd_shows_those_seen_longest_and_counts_all():
    frames = [[(20 * n + 10, 100, 8, 40) for n in range(15) if i < 4 + n] for i in range(20)]
    people, _ = followed(frames)
    assert len(people) == 15
    cards = read(people_html(people, 5)).all("article")
    assert len(cards) == MAX_SHOWN
    assert [card["data-face"] for card in cards] == [str(n) for n in range(4, 16)]
    assert re.findall(r"\d+", read(summary_html(15, 0, False)).text) == ["15", "3"]


def test_faces_seen_for_a_moment_are_counted():
    numbers = re.findall(r"\d+", read(summary_html(1, 1, False)).text)
    assert numbers == ["1", "1", str(SETTLED_FRAMES)]


def test_page_says_when_nobody_was_found_or_the_clip_went_on():
    nobody = read(summary_html(0, 0, False)).one(role="status").text
    assert "face" in nobody and people_html([], 3) == ""
    assert "30 seconds" in read(summary_html(0, 0, True)).text
    assert "30 seconds" in read(summary_html(2, 0, True)).one(role="status").text


def test_progress_never_goes_beyond_its_end():
    bar = read(progress_html(3.5, 30)).one("progress")
    assert (bar["max"], bar["value"]) == ("30", "3.5")
    bar = read(progress_html(3.5, 2)).one("progress")
    assert (bar["max"], bar["value"]) == ("3.5", "3.5")
