"""What the config repo itself changed: the settings that a record keeps, and the commits between two versions."""

from collections.abc import Mapping

from lastgood.core.application import Application
from lastgood.core.commit import HistoryEntry
from lastgood.core.errors import ObjectMissing
from lastgood.core.feature_views import ConfigCommit
from lastgood.core.ports import ConfigRepo, Store
from lastgood.core.record import DeploymentQuery
from lastgood.core.setting import Settings

MOST_COMMITS = 100
# Of one version so many deployments are looked through.
MOST_RECORDS = 50


async def settings_kept(store: Store, app: str, before: str | None, after: str | None) -> Settings | None:
    """Return the settings between two versions as a deployment from the one to the other keeps them; None: none does.

    What a record could not find out does not count as kept.
    """
    if before is None or after is None:
        return None
    runs = await store.deployments(DeploymentQuery(app=app, version=after, limit=MOST_RECORDS))
    kept = await store.settings([run.id for run in runs])
    found = (kept[run.id] for run in runs if run.id in kept)
    return next((one.settings for one in found if one.before == before and not one.settings.unknown), None)


async def commits_between(
    app: Application, repo: ConfigRepo, head: str, before: str | None, after: str | None
) -> tuple[tuple[ConfigCommit, ...], tuple[ConfigCommit, ...]]:
    """Return the config repo's commits that enter on the way, and those that leave, newest first; at most MOST_COMMITS.

    A version may be named by a commit that left it as it was. Both are empty where one of the two is not on the branch.
    """
    entries = (await repo.history(head, app.scope)).entries
    at = {entry.commit.oid: place for place, entry in enumerate(entries)}
    old, new = [await _place(app, repo, commit, at) for commit in (before, after)]
    if old is None or new is None:
        return (), ()
    return _commits(entries[new:old]), _commits(entries[old:new])


async def _place(app: Application, repo: ConfigRepo, commit: str | None, at: Mapping[str, int]) -> int | None:
    if commit is None or commit in at:
        return at.get(commit or "")
    try:
        entries = (await repo.history(commit, app.scope, limit=1)).entries
    except ObjectMissing:
        return None
    return at.get(entries[0].commit.oid) if entries else None


def _commits(entries: tuple[HistoryEntry, ...]) -> tuple[ConfigCommit, ...]:
    return tuple(
        ConfigCommit(
            commit=one.commit.oid,
            subject=one.commit.subject,
            author=one.commit.author,
            committed_at=one.commit.committed_at,
        )
        for one in entries[:MOST_COMMITS]
    )
