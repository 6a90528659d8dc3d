"""What a revision contains, the slow way: git says who is whose ancestor, and reverts are replayed one by one."""

import functools
import re

from twins.git_fixtures import git

_REVERTS = re.compile(r"This reverts commit ([0-9a-f]{40})")
_PICKED = re.compile(r"\(cherry picked from commit ([0-9a-f]{40})\)")


# As the git program writes it.
_MAINLINE = re.compile(r"reversing\s+changes made to ([0-9a-f]{40})")


class NaiveReplay:
    """Reads one repository with the git program, as the docstring of `core/containment.py` has it, and no index."""

    def __init__(self, folder):
        self._folder = folder
        self._commits = git(folder, "rev-list", "--all", "--topo-order", "--reverse").split()
        told = git(folder, "log", "-z", "--all", "--format=%H%n%P%n%B").rstrip("\0").split("\0")
        parts = [one.split("\n", 2) for one in told]
        self._parents = {oid: parents.split() for oid, parents, _ in parts}
        self._messages = {oid: message for oid, _, message in parts}

    @functools.cache  # noqa: B019 - lives as long as its test
    def below(self, one):
        """Return those for which `git merge-base --is-ancestor` says yes: asked once for all of them."""
        return frozenset(git(self._folder, "rev-list", one).split())

    def change(self, one):
        found = _PICKED.search(self._messages[one])
        return self.change(found[1]) if found and self._picked_merge(one) is None else one

    @functools.cache  # noqa: B019 - as above
    def act(self, one, change):
        """Return what a commit does to a change: True, False, or None."""
        found = _REVERTS.search(self._messages[one])
        if found and found[1] in self._parents and len(self._parents[found[1]]) > 1:
            mainline = _MAINLINE.search(self._messages[one])
            did = self._did(found[1], mainline[1], change)
            opposite = None if did is None else not did
        elif (picked := self._picked_merge(one)) is not None:
            opposite = self._did(picked, self._parents[picked][0], change)
        elif found and found[1] in self._parents:
            done = self.act(found[1], change)
            opposite = None if done is None else not done
        else:
            opposite = None
        if self.change(one) == change:
            return True
        parents = self._parents[one]
        before = self._at(parents[0], change) if len(parents) == 1 else None
        return None if before == opposite else opposite

    def _did(self, merge, parent, change):
        before, after = self._at(parent, change), self._at(merge, change)
        return None if before == after else after

    def _picked_merge(self, one):
        found = _PICKED.search(self._messages[one])
        return found[1] if found and len(self._parents.get(found[1], ())) > 1 else None

    def contains(self, revision, commit):
        return self._at(revision, self.change(commit))

    @functools.cache  # noqa: B019 - as above
    def _at(self, revision, change):
        done = self.act(revision, change)
        if done is not None:
            return done
        parents = self._parents[revision]
        if not parents:
            return False
        value, side = self._at(parents[0], change), self.below(parents[0])
        for other in parents[1:]:
            theirs = self._at(other, change)
            if theirs != value:
                value = not self._of(side & self.below(other), change)
            side |= self.below(other)
        return value

    def _of(self, commits, change):
        """Return the state of a set of commits that has all their ancestors."""
        heads = [one for one in commits if not any(one in self._parents[other] for other in commits)]
        states = {self._at(one, change) for one in heads}
        if len(states) <= 1:
            return True in states
        shared = functools.reduce(frozenset.intersection, (self.below(one) for one in heads))
        return not self._of(shared, change)
