"""What a clone remembers of operations: whole files, bounded in number, and damage tells nothing."""

import datetime as dt
import uuid

import pytest

from lastgood.core.errors import GitFailed
from lastgood.core.operation import Moved, Operation
from lastgood.git.journal import KEPT, CloneJournal
from twins.config_repo import PRIYA

NOON = dt.datetime(2026, 11, 19, 12, 0, tzinfo=dt.UTC)


def operation(number: int = 0, *, app: str = "web", **words) -> Operation:
    given = {
        "id": str(uuid.UUID(int=number)),
        "kind": "rollback",
        "repo": "config",
        "branch": "main",
        "moved": (Moved(app=app, from_="a" * 40, to="b" * 40),),
        "reason": "500s",
        "despite": ("held",),
        "by": PRIYA,
        "requested_at": NOON + dt.timedelta(minutes=number),
        "step": "done",
        "plan": {"id": "x", "request": {"apps": [app]}},
    }
    return Operation(**(given | words))


@pytest.fixture
def journal(tmp_path):
    return CloneJournal(tmp_path / "lastgood" / "operations")


async def test_nothing_is_remembered_at_first(journal):
    """No folder is made by looking."""
    assert await journal.pending() == []
    assert await journal.operations("web") == []
    assert not journal._folder.exists()


async def test_what_was_saved_is_there_for_the_next_process(journal):
    """Saved again it replaces itself; pending is oldest first, an application's are newest first."""
    await journal.save(operation(2, step="pushing"))
    await journal.save(operation(1, step="unknown"))
    await journal.save(operation(3))
    await journal.save(operation(4, app="cart"))
    again = CloneJournal(journal._folder)
    assert [o.step for o in await again.pending()] == ["unknown", "pushing"]
    assert [o.requested_at.minute for o in await again.operations("web")] == [3, 2, 1]
    assert await again.operations("web", limit=1) == [operation(3)]
    assert [o.requested_at.minute for o in await again.operations(None)] == [4, 3, 2, 1]
    await again.save(operation(2))
    assert [o.step for o in await journal.pending()] == ["unknown"]


async def test_a_damaged_file_tells_nothing(journal):
    """Somebody's editor or a full disk: the others are still read."""
    await journal.save(operation(1))
    (journal._folder / f"{uuid.UUID(int=9)}.json").write_bytes(b'{"id": ')
    (journal._folder / "half.new").write_bytes(b"{")
    assert [o.id for o in await journal.operations("web")] == [str(uuid.UUID(int=1))]


async def test_the_oldest_that_have_ended_are_forgotten(journal, monkeypatch):
    """It does not grow without end; what has not ended is never forgotten."""
    monkeypatch.setattr("lastgood.git.journal.KEPT", 3)
    assert KEPT == 200
    await journal.save(operation(0, step="unknown"))
    for number in range(1, 6):
        await journal.save(operation(number))
    assert [o.requested_at.minute for o in await journal.operations("web")] == [5, 4, 0]


async def test_a_folder_that_cannot_be_written_is_said(journal):
    """Nothing is begun that cannot be remembered."""
    journal._folder.parent.mkdir(parents=True)
    journal._folder.write_text("a file")
    with pytest.raises(GitFailed, match="cannot be written"):
        await journal.save(operation())


async def test_an_id_is_never_a_path(journal):
    """Ids come from the journal's own files and from requests: only a UUID names a file."""
    with pytest.raises(GitFailed):
        await journal.save(operation(id="../../config"))
