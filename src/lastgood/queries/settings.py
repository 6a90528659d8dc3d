"""What the config repo itself changed between two versions: settings by rendering both, commits by its history."""

from lastgood.core.application import Application
from lastgood.core.commit import HistoryEntry
from lastgood.core.errors import LastgoodError
from lastgood.core.feature_views import ConfigCommit
from lastgood.core.ports import ConfigRepo, Renderer
from lastgood.core.setting import Settings
from lastgood.core.setting_changes import setting_changes

MOST_COMMITS = 100


async def settings_between(
    app: Application, repo: ConfigRepo, renderer: Renderer, before: str | None, after: str | None
) -> Settings:
    """Compare what two commits render to. Where one cannot be rendered nothing is said, and why."""
    if before is None or after is None:
        return Settings(unknown="there is no version before it" if before is None else "it has no commit")
    try:
        return setting_changes(await renderer.render(app, repo, before), await renderer.render(app, repo, after))
    except LastgoodError as wrong:
        return Settings(unknown=wrong.message)


async def commits_between(
    app: Application, repo: ConfigRepo, head: str, before: str | None, after: str | None
) -> tuple[tuple[ConfigCommit, ...], tuple[ConfigCommit, ...]]:
    """Return the config repo's commits that enter on the way, and those that leave, newest first; at most MOST_COMMITS.

    Both are empty where one of the two is not on the branch.
    """
    entries = (await repo.history(head, app.scope)).entries
    at = {entry.commit.oid: place for place, entry in enumerate(entries)}
    if before not in at or after not in at:
        return (), ()
    old, new = at[before], at[after]
    return _commits(entries[new:old]), _commits(entries[old:new])


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
