"""All templates: strict about names, and closed to whatever a file or a checkpoint says."""

import numpy as np
import pytest
from jinja2 import UndefinedError
from jinja2.runtime import Macro

from age_model.faces.tracking import LiveFace
from age_model.network.deletion import Deletion
from age_model.network.loading import EMBEDDED
from age_model.network.reports import read_results, read_robustness
from age_model.page.boxes import live_boxes_html, photo_boxes_html
from age_model.page.cards import face_cards, person_card
from age_model.page.examples import Example
from age_model.page.render import ENVIRONMENT, render
from age_model.page.sureness import Sureness
from age_model.page.tabs.accuracy import results_html
from age_model.page.tabs.video_plot import plot
from age_model.page.why import deletion_figure, why
from age_model.results import picture_record
from tests.support.factories import face_ages
from tests.support.markup import read
from tests.support.people import followed
from tests.support.stub_predictor import CROP, explanation

BAD = '<img src=x onerror="alert(1)">\'${document.title}{{ 7 * 7 }} & co.jpg'
LIMITS = {"max_seconds": 30, "max_megabytes": 50, "max_size": (1920, 1080), "formats": BAD}


def _rendered(text: str) -> dict[tuple[str, str], str]:
    """Every piece of every template that Python asks for, with `text` wherever a text goes."""
    measured = {"30-39": Sureness(text, 400, 0.8, 13.0)}
    faces = face_cards(face_ages([35, 1.2], warnings=((text,), ())), [CROP] * 2, measured)
    deletion = Deletion(100, (0.0, 1.0), (0.0, 9.0), (0.0, 4.0), (0.0, 1.0))
    why_ = why(explanation(np.eye(8), (text, 3.0), ("b", -2.0)))
    people, _ = followed([[(100, 100, 60, 40)]] * 5)
    live = (LiveFace(1, np.zeros(4), 34.2, (27.6, 40.1)), LiveFace(2, np.zeros(4), None, None))
    video = {"people": 15, "shown": 12, "omitted": 1, "least_frames": 3, "cut": True}
    pieces = {
        ("accuracy.html", "waiting"): {},
        ("accuracy.html", "not_measured"): {"reason": text},
        ("batch.html", "introduction"): {"max_pictures": 200, "max_megabytes": 100},
        ("batch.html", "list"): {},
        ("batch.html", "row"): {
            "record": picture_record(text, (9, 7), face_ages([35])) | {"notes": [text]},
            "cards": faces[:1],
        },
        ("batch.html", "progress"): {"done": 0, "total": 2, "name": text},
        ("batch.html", "summary"): {"faces": 2, "pictures": 2, "empty": 1, "unusable": 1},
        ("batch.html", "no_files"): {},
        ("batch.html", "stopped"): {},
        ("live.html", "introduction"): {},
        ("live.html", "stage"): {"reasons": ["NotAllowedError", "insecure"]},
        ("live.html", "still"): {},
        ("live.html", "details"): {"max_faces": 6, "max_visitors": 4, "turn_seconds": 60},
        ("live.html", "status"): {"faces": live, "seconds_left": 1},
        ("live.html", "unusable"): {"reason": text},
        ("message.html", "unusable"): {"kind": "picture", "name": text, "reason": text},
        ("message.html", "failed"): {"kind": "clip"},
        ("page.html", "header"): {},
        ("page.html", "notes"): {},
        ("page.html", "model"): dict.fromkeys(
            ("name", "detector", "unreachable", "limitation"), text
        ),
        ("photo.html", "bar"): {"examples": [Example("cat", text)]},
        ("photo.html", "stage"): {},
        ("photo.html", "options"): {},
        ("photo.html", "answer"): {"cards": faces, "notes": [text]}
        | dict.fromkeys(("record", "table", "example"), text),
        ("video.html", "introduction"): LIMITS | {"max_faces": 6, "lost_seconds": 1.5},
        ("video.html", "progress"): {"second": 3.5, "seconds": 30},
        ("video.html", "summary"): video | {"max_seconds": 30},
        ("video.html", "people"): {
            "people": people,
            "cards": [person_card(person) for person in people],
            "plot": plot(people, 1),
            "average_seconds": 5,
        },
        ("why.html", "answer"): {
            "number": 1, "why": why_, "deletion": deletion_figure(deletion)
        },
        ("video.html", "no_clip"): {},
        ("video.html", "stopped"): {},
    }  # fmt: skip
    html = {piece: render(*piece, **values) for piece, values in pieces.items()}
    html["accuracy.html", "answer"] = _accuracy(text)
    html["boxes.html", "photo"] = photo_boxes_html(face_ages([35]), (400, 300), text)
    html["boxes.html", "live"] = live_boxes_html(live, (640, 480))
    return html


def _accuracy(text: str) -> str:
    """The tab Accuracy of the shipped results with `text` as every name that they hold."""
    results, robustness = read_results(EMBEDDED), read_robustness(EMBEDDED)
    for key in ("date", "command"):
        results[key] = text
    results["model"]["name"] = results["data"]["split"] = text
    results["words"] = {"gaps": [text], "limits": [text]}
    for facts in results["source_facts"].values():
        facts["title"] = text
    for numbers in results["sources"].values():
        for part in ("years", "groups"):
            if part in numbers:
                _rename_first(numbers[part]["by_gender"], text)
        if "years" in numbers:
            _rename_first(numbers["years"]["interval"]["by_gender"], text)
        part = {"low": 0.6, "high": 0.7, "n": 50, "confidence": 0.66, "accuracy": 0.6}
        numbers["groups"]["reliability"] = [part]
    results["cells"][0]["gender"] = text
    faces = " ".join(["40"] * 51)
    results["estimate_counts"] = {"n": 40 * 51**2, "bin_years": 2, "counts": [faces] * 51}
    for kind in robustness["kinds"].values():
        kind["title"] = text
    for condition in robustness["conditions"]:
        condition["name"] = text
    return results_html(results, robustness)


def _rename_first(parts: dict, name: str) -> None:
    parts[name] = parts.pop(next(iter(parts)))


def _macros() -> dict[tuple[str, str], Macro]:
    """All macros, by template and name."""
    return {
        (template, name): macro
        for template in ENVIRONMENT.list_templates()
        for name, macro in vars(ENVIRONMENT.get_template(template).module).items()
        if isinstance(macro, Macro)
    }


def test_every_macro_of_every_template_renders_with_strict_names(monkeypatch):
    called, macros, call = set(), _macros(), Macro.__call__

    def watched(macro, *args, **kwargs):
        called.add(macro)
        return call(macro, *args, **kwargs)

    monkeypatch.setattr(Macro, "__call__", watched)
    for piece, html in _rendered("a text").items():
        assert html, piece
        read(html)  # tags are closed in order
    render("batch.html", "row", record=picture_record("a", error="is empty"), cards=[])
    render("photo.html", "answer", cards=[], notes=[], record="", table="", example=None)
    missing = [piece for piece, macro in macros.items() if macro not in called]
    assert not missing, "these macros were not tried, or nothing uses them"


def test_no_text_from_elsewhere_becomes_markup():
    harmless = {piece: read(html) for piece, html in _rendered("a text").items()}
    shown = 0
    for piece, html in _rendered(BAD).items():
        page = read(html)
        assert [e.tag for e in page.walk()] == [e.tag for e in harmless[piece].walk()], piece
        names = [sorted(e.attributes) for e in page.walk()]
        assert names == [sorted(e.attributes) for e in harmless[piece].walk()], piece
        assert "49" not in page.text or "49" in harmless[piece].text, "a template in a text ran"
        shown += "onerror" in html
    assert shown >= 12


def test_a_value_that_is_missing_is_an_error():
    with pytest.raises(UndefinedError):
        render("batch.html", "introduction", max_pictures=200)
    with pytest.raises(TypeError, match="max_megabites"):
        render("batch.html", "introduction", max_megabites=100)


def test_notes_say_privacy_and_limits_and_what_not_to_do():
    notes = read(render("page.html", "notes"))
    assert "kept" in notes.one(id="privacy").text and "training" in notes.one(id="privacy").text
    limits = notes.one(id="limits").text
    for term in ("verifying ages", "decisions about people", "model card", "wrong"):
        assert term in limits


def test_a_message_and_a_problem_have_their_roles():
    picture = {"kind": "picture", "name": "a.jpg", "reason": "is empty"}
    problem = read(render("message.html", "unusable", **picture)).one(role="alert")
    assert "a.jpg is empty." in problem.text
    assert read(render("batch.html", "no_files")).one(role="status")
