"""What `bench page` measures, on the real page with few repeats."""

import re

import pytest

from age_model.bench import __main__ as bench
from tests.support.app_server import shared_server


def test_no_demo_there_is_said_in_a_sentence(capsys):
    assert bench.main(["page", "--url", "http://127.0.0.1:9", "--loads", "1"]) == 1
    assert capsys.readouterr().err.startswith("age_model.bench: ")


@pytest.mark.slow
@pytest.mark.server
def test_the_page_is_light_and_nothing_jumps(capsys):
    url = shared_server().url
    assert bench.main(["page", "--url", url, "--loads", "1", "--photos", "3"]) == 0
    said = capsys.readouterr().out
    paint, weight, *_ = (float(n) for n in re.findall(r": +([\d.]+)", said))
    assert paint > 0 and 0 < weight < 1.5
    assert float(re.search(r"shift while answering: +([\d.]+)", said)[1]) < 0.05
