"""Which files are an application's own, and the edits that give it the content of another tree.

Awaits the port ConfigRepo for trees; knows no history and no plan.
"""

from collections.abc import Mapping

from lastgood.core.application import Scope
from lastgood.core.commit import MODE_TREE, Edit, TreeEntry
from lastgood.core.ports import ConfigRepo
from lastgood.core.tree import OURS, is_below, outside_inputs


def uses(scope: Scope, path: str) -> bool:
    """Say whether a file at that path is an input of a scope."""
    if any(is_below(path, left) for left in (*OURS, *scope.left_out)):
        return False
    return any(is_below(path, root) for root in (scope.path, *scope.others))


def joined(first: Scope, *more: Scope) -> Scope:
    """Return one application's inputs at several commits as one: what was an input at any of them."""
    scopes = (first, *more)
    return Scope(
        path=first.path,
        others=tuple(dict.fromkeys(path for scope in scopes for path in scope.others)),
        left_out=tuple(dict.fromkeys(path for scope in scopes for path in scope.left_out)),
    )


class OwnInputs:
    """An application's inputs which no other application uses.

    An application whose folder encloses this one (one at the repo's root, say) does not make everything shared:
    the narrower folder owns its files, and the plan names the wider application as also affected.
    """

    def __init__(self, app: str, scope: Scope, others: Mapping[str, Scope]) -> None:
        """app: its name. scope: its inputs. others: those of all applications, its own among them or not."""
        self.app = app
        self.scope = scope
        self.roots = (scope.path, *outside_inputs(scope))
        self.others = {name: other for name, other in others.items() if name != app and self._meets(other)}
        marks = {*OURS, *scope.left_out}
        for other in self.others.values():
            marks.update((other.path, *other.others, *other.left_out))
        self.marks = tuple(mark for mark in marks if any(is_below(mark, root) for root in self.roots))

    def _meets(self, scope: Scope) -> bool:
        theirs = (scope.path, *scope.others)
        return any(is_below(a, b) or is_below(b, a) for a in self.roots for b in theirs)

    def owns(self, path: str) -> bool:
        """Say whether a file at that path is an input of this application and of no other."""
        return uses(self.scope, path) and not any(self._shares(other, path) for other in self.others.values())

    def sharing(self, path: str) -> tuple[str, ...]:
        """Return the names of the other applications that use a file, sorted."""
        return tuple(sorted(name for name, other in self.others.items() if uses(other, path)))

    def shares(self, path: str) -> bool:
        """Say whether a file at that path is an input of this application and of others, too."""
        return uses(self.scope, path) and not self.owns(path)

    def _shares(self, scope: Scope, path: str) -> bool:
        encloses = scope.path != self.scope.path and is_below(self.scope.path, scope.path)
        if encloses and is_below(path, self.scope.path):
            return any(is_below(path, other) for other in scope.others) and uses(scope, path)
        return uses(scope, path)

    async def edits(self, repo: ConfigRepo, *, head: str, to: str | None) -> list[Edit]:
        """Return the edits that turn `head`'s content of the own inputs into `to`'s. Both: commits or root trees.

        Whole folders are moved by their tree's id, so modes, symlinks and submodules come along untouched;
        only where somebody else's files lie below is a folder taken name by name. to None: the inputs go.
        """
        found: list[Edit] = []
        for root in self.roots:
            before = await repo.entry(head, root)
            after = await repo.entry(to, root) if to is not None else None
            await self._compare(repo, root, before, after, found)
        return found

    async def _compare(
        self, repo: ConfigRepo, path: str, before: TreeEntry | None, after: TreeEntry | None, found: list[Edit]
    ) -> None:
        if _same(before, after):
            return
        if not any(mark != path and is_below(mark, path) for mark in self.marks):
            if self.owns(path):
                found.append(Edit(path=path) if after is None else Edit(path=path, mode=after.mode, oid=after.oid))
            return
        ours, theirs = await _names(repo, before), await _names(repo, after)
        if after is not None and not after.is_tree and self.owns(path) and (before is None or not before.is_tree):
            found.append(Edit(path=path, mode=after.mode, oid=after.oid))
            return
        # A folder that became a file since, or was one: what others keep below it stays, so it stays a folder.
        if before is not None and not before.is_tree and self.owns(path):
            found.append(Edit(path=path))
        for name in sorted(ours.keys() | theirs.keys()):
            await self._compare(repo, f"{path}/{name}" if path else name, ours.get(name), theirs.get(name), found)


def _same(before: TreeEntry | None, after: TreeEntry | None) -> bool:
    if before is None or after is None:
        return before is after
    return (before.mode, before.oid) == (after.mode, after.oid)


async def _names(repo: ConfigRepo, entry: TreeEntry | None) -> dict[str, TreeEntry]:
    if entry is None or entry.mode != MODE_TREE:
        return {}
    return {name.path: name for name in await repo.list_tree(entry.oid)}


async def shown_inputs(repo: ConfigRepo, commit: str, scope: Scope) -> list[TreeEntry]:
    """Return what a scope has outside its folder at a commit, as few names as say it, by path.

    A folder of which every file is an input stands for them: `base` rather than each file of it.
    """
    there = [entry for path in outside_inputs(scope) if (entry := await repo.entry(commit, path)) is not None]
    found = {entry.path: entry for entry in there}
    folders = sorted({path.rpartition("/")[0] for path in found if "/" in path}, key=lambda f: -f.count("/"))
    while folders:
        folder = folders.pop(0)
        entry = await repo.entry(commit, folder)
        if entry is None or not entry.is_tree or is_below(scope.path, folder):
            continue
        names = [f"{folder}/{name.path}" for name in await repo.list_tree(entry.oid)]
        if all(name in found for name in names):
            found = {path: one for path, one in found.items() if not is_below(path, folder)} | {folder: entry}
            above = folder.rpartition("/")[0]
            if above and above not in folders:
                folders.append(above)
    return [found[path] for path in sorted(found)]
