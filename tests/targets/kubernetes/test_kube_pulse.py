"""When an API server counts as one that hangs, and when it is only slow."""

import asyncio

import pytest

from lastgood.targets.kubernetes import pulse as pulses
from lastgood.targets.kubernetes.pulse import Pulse
from lastgood.targets.kubernetes.trouble import Unreachable


class Server:
    """Stands for the connection. does: what a question comes to; `heard` seconds ago something was said."""

    def __init__(self):
        self.heard_at = asyncio.get_running_loop().time()
        self.asked = 0
        self.does = self.answer

    async def touch(self):
        self.asked += 1
        await self.does()

    async def answer(self):
        self.heard_at = asyncio.get_running_loop().time()

    async def hang(self):
        raise TimeoutError

    async def refuse(self):
        raise Unreachable("the API server cannot be reached: connection refused")

    async def hang_but_tell_of_a_change(self):
        await self.answer()
        raise TimeoutError

    def heard_ago(self, seconds):
        self.heard_at = asyncio.get_running_loop().time() - seconds


@pytest.fixture
async def server():
    return Server()


@pytest.fixture
async def told():
    return []


@pytest.fixture
async def pulse(server, told):
    async def back():
        told.append("back")

    return Pulse(server, told=lambda: told.append("told"), back=back)


async def test_nothing_is_asked_where_something_was_heard_lately(server, pulse):
    """A cluster in which things happen costs nothing."""
    server.heard_ago(1.0)
    assert 3.5 < await pulse.beat() <= 4.0
    assert server.asked == 0


async def test_a_silent_server_is_asked_and_answers(server, pulse, told):
    """Silence alone is no trouble."""
    server.heard_ago(60.0)
    assert await pulse.beat() == pulses.QUIET_S
    assert (server.asked, pulse.trouble, told) == (1, None, [])


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("hang", "the API server has not answered for 15 s"),
        ("refuse", "the API server cannot be reached: connection refused"),
    ],
)
async def test_one_that_does_not_answer_for_long_is_told_once_and_so_is_its_return(server, pulse, told, how, why):
    """Not at the first question that fails; told once; back again, watches begin anew before it is told."""
    server.does = getattr(server, how)
    server.heard_ago(6.0)
    await pulse.beat()
    assert (pulse.trouble, told) == (None, [])
    server.heard_ago(15.1)
    for _ in range(3):
        assert await pulse.beat() == pulses.AGAIN_S
    assert (pulse.trouble, told) == (why, ["told"])
    server.does = server.answer
    await pulse.beat()
    assert (pulse.trouble, told) == (None, ["told", "back", "told"])


async def test_one_whose_watches_still_tell_is_slow_and_not_away(server, pulse, told):
    """Whatever is heard while a question waits shows that it lives."""
    server.does = server.hang_but_tell_of_a_change
    server.heard_ago(60.0)
    await pulse.beat()
    assert (pulse.trouble, told) == (None, [])


async def test_one_that_was_away_is_back_only_with_an_answer(server, pulse, told):
    """A line that comes late does not make it turn to and fro."""
    server.does = server.hang
    server.heard_ago(60.0)
    await pulse.beat()
    server.does = server.hang_but_tell_of_a_change
    await pulse.beat()
    assert told == ["told"]
