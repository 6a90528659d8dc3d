"""Pausing and resuming, and what is refused."""

import pytest

from lastgood.core.commit import Person
from lastgood.core.errors import CommandLineWrong, Unknown, UnknownApplication
from lastgood.core.request import PauseRequest
from lastgood.flows.pause import PauseDeployments
from lastgood.store.sql_store import SqlStore
from twins.clock import ManualClock
from twins.store import make_application

PRIYA = Person(name="Priya Raman", email="priya@example.com")


@pytest.fixture
async def store():
    made = SqlStore.in_memory()
    await made.save_application(make_application("web-production"))
    yield made
    made.close()


async def test_a_pause_is_kept_and_told(store):
    """A pause names who and why, is an operation and an event; resume ends it."""
    flow = PauseDeployments(store, ManualClock())
    request = PauseRequest(scope="application", name="web-production", reason="sale", by=PRIYA)

    (pause,) = await flow.pause(request)
    left = await flow.resume(request)

    assert (pause.scope, pause.name, pause.by) == ("application", "web-production", "Priya Raman <priya@example.com>")
    assert left == []
    assert {operation.kind for operation in await store.operations()} == {"pause", "resume"}
    assert [event.payload["what"] for event in await store.events(after=0)] == ["pause", "resume"]


@pytest.mark.parametrize(
    ("scope", "name", "error"),
    [
        ("application", "web-prod", UnknownApplication),
        ("environment", "prod", Unknown),
        ("repo", "none", Unknown),
        ("everything", "web", CommandLineWrong),
        ("application", None, CommandLineWrong),
        ("galaxy", "x", CommandLineWrong),
    ],
)
async def test_a_pause_of_nothing_is_refused(store, scope, name, error):
    """Somebody who mistypes a name must not believe that deployments are stopped."""
    with pytest.raises(error):
        await PauseDeployments(store, ManualClock()).pause(PauseRequest(scope=scope, name=name, by=PRIYA))
    assert await store.pauses() == []


async def test_resuming_what_is_not_paused_says_so(store):
    """There is no such pause: exit code 5, not silence."""
    with pytest.raises(Unknown, match="there is no pause of environment production"):
        await PauseDeployments(store, ManualClock()).resume(PauseRequest(scope="environment", name="production"))
