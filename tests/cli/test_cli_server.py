"""What the commands that need a server say of its answers, against the twin of the port Lastgood."""

import pytest

from lastgood.app import server
from lastgood.core.request import PressRequest, PressResult
from twins.lastgood import MemoryLastgood

SERVER = ("--server", "http://lastgood.example.com")
GONE = "999 of 1000 applications are gone from config at once; they keep running"


@pytest.fixture
def asked(monkeypatch):
    """The twin that answers instead of a server."""
    made = MemoryLastgood()
    made.wrong = []
    monkeypatch.setattr(server, "open_server", lambda _url, _token: made)
    return made


def _answer_press(asked, monkeypatch, **words) -> None:
    async def retry(request: PressRequest, *, dry_run: bool = False) -> PressResult:
        if not dry_run:
            asked.orders.append(request)
        started = words.get("accepts_loss", False) and not dry_run
        return PressResult(app=request.app, version=None, files=(), started=started, **words)

    monkeypatch.setattr(asked, "retry", retry)


def test_a_retry_of_a_lost_application_says_what_it_accepts_and_does_it(asked, lastgood, monkeypatch):
    """There is no version to run, and it is no retry of nothing."""
    _answer_press(asked, monkeypatch, because=GONE, accepts_loss=True)
    shown = lastgood(*SERVER, "retry", "web-production", "--dry-run")
    assert shown.out == (
        "web-production\n"
        "  would accept  that web-production is gone from Git; nothing is stopped or deleted by it\n"
        f"  because       {GONE}\n"
    )
    refused = lastgood(*SERVER, "retry", "web-production")
    assert (refused.code, asked.orders) == (3, [])

    done = lastgood(*SERVER, "retry", "web-production", "--yes")

    last = "accepted: web-production is removed, and keeps running; `lastgood forget web-production --prune` ends that"
    assert (done.code, done.out.splitlines()[-1]) == (0, last)
    assert asked.orders == [PressRequest(app="web-production")]


def test_a_retry_of_what_runs_well_says_that_nothing_waits(asked, lastgood, monkeypatch):
    """Nothing is asked and nothing is done."""
    _answer_press(asked, monkeypatch, because="nothing waits: it runs what Git asks for, or is about to")
    said = lastgood(*SERVER, "retry", "web-production")
    assert (said.code, asked.orders) == (0, [])
    assert said.out == (
        "web-production\n"
        "  would start  nothing\n"
        "  because      nothing waits: it runs what Git asks for, or is about to\n"
    )
