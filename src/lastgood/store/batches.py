"""Work on a database in batches: what is asked for in one turn of the loop goes into one transaction.

So does what waits while the threads are busy. Knows no table. Work that fails takes nothing else with it: the others of
its transaction are done anew, each in one of its own. Whoever asked hears of it only when it is committed.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Executor
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Engine

from lastgood.core.errors import StoreUnavailable
from lastgood.store.errors import translated

T = TypeVar("T")


class _Job(NamedTuple):
    """Work and who asked for it: several, where all asked for the same before it began."""

    work: Callable[[Connection], Any]
    asked: list[asyncio.Future[Any]]
    question: Hashable


class _WorkFailed(Exception):
    """The work of one failed, so that nothing was committed."""


class Batches:
    """Does work in threads. at_once: how many of them; with 1, work is done in the order in which it was asked for.

    most_together: in one transaction, so that nobody waits for the work of very many.
    """

    def __init__(self, engine: Engine, threads: Executor, *, at_once: int, most_together: int) -> None:
        self._engine = engine
        self._threads = threads
        self._at_once = at_once
        self._most_together = most_together
        self._waiting: deque[_Job] = deque()
        self._questions: dict[Hashable, _Job] = {}
        self._busy = 0
        self._begins_in: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    async def __call__(self, work: Callable[[Connection], T], *, question: Hashable = None) -> T:
        """Do it in a transaction. Cancelled, it is done whole or never begins. Raises StoreFailed.

        question: those who ask the same one before its work begins have one answer.
        """
        loop = asyncio.get_running_loop()
        told: asyncio.Future[T] = loop.create_future()
        with self._lock:
            same = self._questions.get(question) if question is not None else None
            if same is not None:
                same.asked.append(told)
            else:
                job = _Job(work, [told], question)
                self._waiting.append(job)
                if question is not None:
                    self._questions[question] = job
            if self._begins_in is not loop:
                # Not at once: a thread that is woken for each would hold up those who ask.
                self._begins_in = loop
                loop.call_soon(self._begin)
        return await told

    def _begin(self) -> None:
        """Wake as many threads as what waits needs; those that are busy may be so for long."""
        with self._lock:
            self._begins_in = None
            wanted = -(-len(self._waiting) // self._most_together)
            try:
                for _ in range(min(wanted, self._at_once - self._busy)):
                    self._threads.submit(self._work_off)
                    self._busy += 1
            except RuntimeError:
                jobs = self._take(len(self._waiting))
                _tell(jobs, [StoreUnavailable(reason="they are closed already")] * len(jobs))

    def _work_off(self) -> None:
        while True:
            with self._lock:
                jobs = self._take(self._most_together)
                if not jobs:
                    self._busy -= 1
                    return
            self._do([job for job in jobs if not all(one.cancelled() for one in job.asked)])

    def _take(self, most: int) -> list[_Job]:
        """Take what waits longest, under the lock: whoever asks from now on asks anew."""
        jobs = [self._waiting.popleft() for _ in range(min(len(self._waiting), most))]
        for job in jobs:
            if job.question is not None:
                del self._questions[job.question]
        return jobs

    def _do(self, jobs: list[_Job]) -> None:
        try:
            results = self._transaction(jobs)
        except _WorkFailed as failed:
            if len(jobs) == 1:
                _tell(jobs, [failed.__cause__])
            else:
                for job in jobs:
                    self._do([job])
        except Exception as failed:  # noqa: BLE001 - whoever asked is told
            # It did not begin, or nobody knows whether it ended: then nothing is done twice.
            _tell(jobs, [failed] * len(jobs))
        else:
            _tell(jobs, results)

    def _transaction(self, jobs: list[_Job]) -> list[Any]:
        with translated(), self._engine.begin() as connection:
            try:
                with translated():
                    return [job.work(connection) for job in jobs]
            except Exception as failed:
                raise _WorkFailed from failed


def _tell(jobs: list[_Job], results: list[Any]) -> None:
    told = [(one, result) for job, result in zip(jobs, results, strict=True) for one in job.asked]
    for loop in {one.get_loop() for one, _ in told}:
        # Nobody waits any more in a loop that was closed.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_set, [(one, result) for one, result in told if one.get_loop() is loop])


def _set(told: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, result in told:
        if future.done():
            continue
        if isinstance(result, BaseException):
            future.set_exception(result)
        else:
            future.set_result(result)
