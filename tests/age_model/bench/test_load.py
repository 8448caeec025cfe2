import time
import urllib.error

import pytest

from age_model.bench import __main__ as bench
from age_model.bench import client, load


@pytest.fixture
def answers(monkeypatch):
    """A server that takes 50 ms for a photo, and refuses every third."""
    count = iter(range(10**6))

    def photo_seconds(url: str) -> float:
        time.sleep(0.05)
        if next(count) % 3 == 2:
            raise urllib.error.HTTPError(url, 503, "full", None, None)
        return 0.05

    monkeypatch.setattr(client, "photo_seconds", photo_seconds)


def test_waits_and_errors_are_counted(answers, capsys):
    given = ["--url", "http://there/", "--clients", "1", "4", "--seconds", "1", "--pause", "0"]
    assert bench.main(["load", *given]) == 0
    lines = capsys.readouterr().out.splitlines()
    one, four = ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:4])
    assert (one[0], four[0]) == ("1", "4")
    assert one[2] == one[3] == "0.05 s" and "HTTP 503" in one[4]
    assert float(four[1]) > 2 * float(one[1])
    assert "the next one 0 seconds after its answer, for 1 seconds" in lines[-1]


def test_95_percent_is_near_the_slowest():
    visits = load.Visits(seconds=[i / 100 for i in range(100)])
    row = visits.row(5, 10.0)
    assert row["p50_seconds"] == pytest.approx(0.495) and row["p95_seconds"] == 0.94
    assert row["photos_a_second"] == 10
    assert load.Visits().row(1, 1.0)["p95_seconds"] is None
