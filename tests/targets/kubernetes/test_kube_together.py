"""Things asked side by side: where one fails, nothing goes on behind the back of whoever asked."""

import asyncio

import pytest

from lastgood.targets.kubernetes.together import together
from lastgood.targets.kubernetes.trouble import Unreachable


class Asked:
    """What waits until it is let go, and notes how it ended."""

    def __init__(self):
        self.begun = asyncio.Event()
        self.ended = ""

    async def __call__(self):
        try:
            self.begun.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise


async def gives(answer):
    return answer


async def fails(other):
    await other.begun.wait()
    raise Unreachable("away")


async def test_the_answers_come_in_the_order_of_the_questions():
    """Also where there are none."""
    assert await together(gives(one) for one in "abc") == ["a", "b", "c"]
    assert await together([]) == []


async def test_where_one_fails_the_others_have_ended():
    """The caller hears of the failure, and of nothing else later."""
    other = Asked()
    with pytest.raises(Unreachable, match="away"):
        await together([other(), fails(other)])
    assert other.ended == "cancelled"


async def test_where_the_caller_is_cancelled_all_have_ended():
    """Before the caller goes on."""
    other = Asked()
    task = asyncio.create_task(together([other()]))
    await other.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert other.ended == "cancelled"
