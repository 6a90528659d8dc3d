"""Remember the holds that stand in Git: new ones, those that a commit ended, and those that a rewrite made vanish.

A hold that vanished by a rewrite of history stays in force: nobody decided to end it. Holds that only the store has
(a reset leaves no file) are left alone.
"""

import msgspec

from lastgood.core.errors import ConfigWrong, ObjectTooLarge
from lastgood.core.hold import MAX_HOLD_BYTES, Hold, hold_path, parse_holds
from lastgood.core.ports import Clock, ConfigRepo, Store
from lastgood.core.record import HeadKind, HoldRecord
from lastgood.core.rewrite import path_changed_by

FOLDER = ".lastgood/holds"
_ENDING = ".hold"


class RememberHolds:
    """Compares the hold files of two heads. wrong: application -> why its newest hold file cannot be read."""

    def __init__(self, *, repo: ConfigRepo, store: Store, clock: Clock) -> None:
        self._repo = repo
        self._store = store
        self._clock = clock
        self.wrong: dict[str, str] = {}

    async def __call__(self, *, previous: str | None, head: str, kind: HeadKind) -> set[str]:
        """Bring the store up to date; return the applications whose hold file differs. Raises StoreFailed, GitFailed.

        previous: the head up to which holds are remembered, None for none.
        """
        before, after = await self._files(previous), await self._files(head)
        changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        for app in sorted(changed):
            await self._remember(app, before.get(app), after.get(app), previous=previous, head=head, kind=kind)
        return changed

    async def _files(self, commit: str | None) -> dict[str, str]:
        folder = None if commit is None else await self._repo.entry(commit, FOLDER)
        if folder is None or not folder.is_tree:
            return {}
        return {
            entry.path.removesuffix(_ENDING): entry.oid
            for entry in await self._repo.list_tree(folder.oid)
            if entry.is_file and entry.path.endswith(_ENDING)
        }

    async def _remember(
        self, app: str, before: str | None, after: str | None, *, previous: str | None, head: str, kind: HeadKind
    ) -> None:
        self.wrong.pop(app, None)
        try:
            here = await self._read(app, after)
        except (ConfigWrong, ObjectTooLarge) as wrong:
            # Nothing that was in force ends by a file that nobody can read.
            self.wrong[app] = wrong.message
            return
        try:
            there = await self._read(app, before)
        except (ConfigWrong, ObjectTooLarge):
            there = ()
        kept = {record.hold.id: record for record in await self._store.holds(app)}
        commit = await path_changed_by(self._repo, hold_path(app), previous=previous, head=head)
        for hold in here:
            known = kept.get(hold.id)
            placed = known.commit if known is not None else commit.oid
            record = HoldRecord(app=app, hold=hold, commit=placed)
            if known != record:
                await self._store.save_hold(record)
                if known is None:
                    await self._tell(app, hold, "held")
        for hold in there:
            known = kept.get(hold.id)
            if known is None or any(one.id == hold.id for one in here):
                continue
            if kind in {"rewound", "diverged", "reset"}:
                await self._store.save_hold(msgspec.structs.replace(known, vanished=True))
                await self._tell(app, hold, "vanished")
            else:
                author = f"{commit.author.name} <{commit.author.email}>"
                ended = msgspec.structs.replace(known, ended_at=self._clock.now(), ended_by=author)
                await self._store.save_hold(ended)
                await self._tell(app, hold, "ended")

    async def _read(self, app: str, blob: str | None) -> tuple[Hold, ...]:
        if blob is None:
            return ()
        data = await self._repo.read(blob, max_bytes=MAX_HOLD_BYTES, path=hold_path(app))
        return parse_holds(data, file=hold_path(app))

    async def _tell(self, app: str, hold: Hold, what: str) -> None:
        payload = {"what": what, "hold": hold.id, "version": hold.version, "reason": hold.reason[:500]}
        await self._store.add_event(kind="hold", app=app, payload=payload, at=self._clock.now())
