"""How much one visitor may ask for."""

from types import SimpleNamespace

import pytest

from age_model.page import launch
from age_model.page.guard import visitors
from age_model.page.guard.visitors import FairQueue, Visitors

STRANGER, OTHER = "203.0.113.7", "203.0.113.8"


@pytest.fixture
def clock() -> SimpleNamespace:
    return SimpleNamespace(now=1000.0)


@pytest.fixture
def limited(clock) -> Visitors:
    return Visitors(60, lambda: clock.now)


def test_requests_run_out_and_come_back(limited, clock):
    waits = [limited.seconds_to_wait(STRANGER) for _ in range(visitors.REQUESTS_AT_ONCE + 5)]
    assert waits == [0] * visitors.REQUESTS_AT_ONCE + [1] * 5
    assert limited.seconds_to_wait(OTHER) == 0
    clock.now += 3
    assert [limited.seconds_to_wait(STRANGER) for _ in range(4)] == [0, 0, 0, 1]


def test_work_runs_out_and_comes_back(limited, clock):
    limited.worked(STRANGER, visitors.WORK_AT_ONCE + 9)
    assert limited.seconds_to_wait(STRANGER) == 10 / visitors.WORK_SHARE
    assert limited.seconds_to_wait(OTHER) == 0
    clock.now += 10 / visitors.WORK_SHARE
    assert limited.seconds_to_wait(STRANGER) == 0


def test_uploads_at_once(limited):
    assert all(limited.begin_upload(STRANGER) for _ in range(visitors.UPLOADS_AT_ONCE))
    assert not limited.begin_upload(STRANGER) and limited.begin_upload(OTHER)
    limited.end_upload(STRANGER)
    assert limited.begin_upload(STRANGER)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "127.8.9.1"])
def test_this_machine_is_not_limited_and_nobody_where_it_is_off(address):
    for limited, asking in ((Visitors(1), address), (Visitors(0), STRANGER)):
        limited.worked(asking, 10**6)
        assert not any(limited.seconds_to_wait(asking) for _ in range(999))
        assert all(limited.begin_upload(asking) for _ in range(99))


def test_visitor_with_many_addresses_of_version_6_is_one(limited):
    for number in range(visitors.REQUESTS_AT_ONCE):
        assert limited.seconds_to_wait(f"2001:db8::{number:x}") == 0
    assert limited.seconds_to_wait("2001:db8::ffff") == 1
    assert limited.seconds_to_wait("2001:db8:0:1::1") == 0


def test_few_addresses_are_remembered(limited, monkeypatch):
    monkeypatch.setattr(visitors, "REMEMBERED", 10)
    for number in range(99):
        limited.seconds_to_wait(f"203.0.113.{number}")
    assert len(limited._requests) == len(limited._work) == 10


def test_limits_are_options(monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    options = launch.parse_args([])
    assert (options.requests_a_minute, options.proxy) == (visitors.REQUESTS_A_MINUTE, [])
    given = ["--requests-a-minute", "0", "--proxy", "10.0.0.1", "--allowed-host", "a.example"]
    options = launch.parse_args(given)
    assert options.requests_a_minute == 0
    assert (options.proxy, options.allowed_host) == (["10.0.0.1"], ["a.example"])
    monkeypatch.setenv("SPACE_ID", "someone/space")
    assert launch.parse_args([]).proxy == ["*"], "nothing but the Hub's proxy reaches a Space"


def _event(address: str, number: int, session: str = "s") -> SimpleNamespace:
    client = SimpleNamespace(host=address)
    return SimpleNamespace(
        request=SimpleNamespace(client=client), session_hash=session, name=f"{address[-1]}{number}"
    )


def test_visitors_take_turns():
    queue = FairQueue()
    for number in range(5):
        queue.append(_event(STRANGER, number))
    for number in range(2):
        queue.append(_event(OTHER, number))
    assert [event.name for event in queue] == ["70", "80", "71", "81", "72", "73", "74"]
    queue.append(_event("203.0.113.9", 0))
    queue.append(_event(STRANGER, 5))
    names = [event.name for event in queue]
    assert names[:3] == ["70", "80", "90"] and names[-1] == "75"


def test_on_one_machine_sessions_take_turns():
    queue = FairQueue()
    for session in ("a", "a", "a", "b"):
        queue.append(_event("127.0.0.1", len(queue), session))
    assert [event.session_hash for event in queue] == ["a", "b", "a", "a"]
