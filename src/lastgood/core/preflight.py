"""The rules of the preflight: facts in, one line of the plan out. Pure; `flows/preflight.py` finds the facts."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any

from lastgood.core.checks import fails, passes, unknown
from lastgood.core.commit import Commit, Person
from lastgood.core.deployment import Deployment
from lastgood.core.duration import format_duration
from lastgood.core.errors import LastgoodError
from lastgood.core.hold import Hold
from lastgood.core.operation import Operation
from lastgood.core.plan import AlsoAffected, Check
from lastgood.core.rerun import Rerun, Steps
from lastgood.core.resource import Rendered
from lastgood.core.value import Value
from lastgood.core.version import Version

_NAMED = 5

NO_RECORDS = "Git alone has no records"

_BOT = re.compile(
    r"\[bot\]|(?:^|[^a-z])(?:bot|robot|renovate|dependabot|automation|ci)(?:[^a-z]|$)|-?bot$|image-?updater|fluxcd",
    re.IGNORECASE,
)


def not_on_branch(app: str, named: str, *, on_branch: bool | None, recorded: bool, discarded: bool) -> Check:
    """on_branch: None where a shallow clone cannot tell. named: how the plan calls the version."""
    if recorded:
        return passes("not-on-branch", app, f"{named} is a recorded deployment of {app}")
    if discarded:
        return passes("not-on-branch", app, f"{named} is a head that a reset discarded")
    if on_branch is None:
        return unknown("not-on-branch", app, "the history of this shallow clone does not reach that far")
    if on_branch:
        return passes("not-on-branch", app, f"{named} is on the branch")
    return fails(
        "not-on-branch",
        app,
        f"{named} is not an ancestor of the head and never ran here: nobody may have reviewed it",
        hint="merge it first",
    )


def nothing_to_do(app: str, *, files: int, named: str) -> Check:
    """files: how many would change."""
    if files:
        return passes("nothing-to-do", app, f"{files} {'file changes' if files == 1 else 'files change'}")
    return passes("nothing-to-do", app, f"{app} already has the content of {named}: nothing would change")


def renders(app: str, result: Rendered | LastgoodError | None) -> Check:
    """result: None where there would be nothing left to render."""
    if result is None:
        return passes("renders", app, "nothing would be left to render")
    if isinstance(result, Rendered):
        count = len(result.resources)
        return passes("renders", app, f"it renders to {count} {'resource' if count == 1 else 'resources'}")
    if result.code == "render-failed":
        return fails("renders", app, result.message, hint="choose another version")
    return unknown("renders", app, result.message)


def render_unstable(app: str, first: Rendered, second: Rendered | LastgoodError) -> Check:
    """Compare two renders of one version."""
    if isinstance(second, LastgoodError):
        return unknown("render-unstable", app, second.message)
    if first.digest == second.digest:
        return passes("render-unstable", app, "two renders agree")
    before, after = (
        {(r.group, r.kind, r.namespace, r.name): r.manifest for r in one.resources} for one in (first, second)
    )
    differing = [f"{key[1]} {key[3]}" for key in {**before, **after} if before.get(key) != after.get(key)]
    return fails(
        "render-unstable",
        app,
        f"two renders differ in {_some(differing or ['their order'])}",
        hint="something there is random or takes the time: what is rolled out is never quite what ran; write it in Git",
    )


class SharedInputs(Value, frozen=True, kw_only=True):
    """What an application shares, seen from a way back.

    differing: inputs that others use, too, and that are not what they were then. sharing: the applications that use
    them. newest: the change that brought what the branch asks for now, if it touched nothing but shared inputs.
    elsewhere: what is declared and not in this repo.
    """

    differing: tuple[str, ...] = ()
    sharing: tuple[str, ...] = ()
    newest: Commit | None = None
    elsewhere: tuple[str, ...] = ()

    @property
    def named(self) -> str:
        """The inputs and who shares them, as a phrase."""
        return f"{_some(self.differing)} (shared with {_some(self.sharing)})"


def shared_input(
    app: str, result: Rendered | LastgoodError | None, shared: SharedInputs, *, ran_digest: str | None
) -> Check:
    """Judge a way back that leaves shared inputs as they are.

    ran_digest: the digest of what ran as that version; where nobody recorded it, of what it renders to; None: neither.
    """
    stays = f"{shared.named} {_is(shared.differing, 'differs', 'differ')} from then and {_is(shared.differing)} as now"
    if isinstance(result, Rendered) and ran_digest is not None:
        if result.digest == ran_digest:
            return passes("shared-input", app, "it renders as what ran")
        why = "its inputs are the same: the renderer changed since, or what it is told of the cluster"
        if shared.elsewhere:
            why += f", or what it takes in from elsewhere: {_some(shared.elsewhere)}"
        return _stays(app, f"it does not render as what ran: {stays if shared.differing else why}", shared)
    if shared.differing:
        return _stays(app, stays, shared)
    if isinstance(result, LastgoodError):
        return unknown("shared-input", app, result.message)
    return passes("shared-input", app, "no other application uses what differs")


def _stays(app: str, detail: str, shared: SharedInputs) -> Check:
    if not shared.differing:
        return fails("shared-input", app, detail)
    hint = "`--with-shared` takes them back, too, for all who share them"
    if shared.newest is not None:
        newest = f"{shared.newest.short} {shared.newest.subject}"
        detail += f"; the newest change, {newest}, is in the shared part alone: this restore does not take it back"
    return fails("shared-input", app, detail, hint=hint)


def shared_taken_back(app: str, shared: SharedInputs) -> Check:
    """Judge a way back that takes shared inputs back, too: it moves others, so it blocks until somebody insists."""
    if not shared.differing:
        return passes("shared-input", app, "no other application uses what is taken back")
    also = f"{_is(shared.differing, 'is', 'are')} taken back, too"
    return fails("shared-input", app, f"{shared.named} {also}: everybody who shares it moves", blocks=True)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _is(names: Sequence[str], one: str = "stays", many: str = "stay") -> str:
    return one if len(names) == 1 else many


def definition_changed(app: str, *, now: Mapping[str, Any], then: Mapping[str, Any] | None) -> Check:
    """Compare the entry in `lastgood.yaml` with what it was then; None: it did not exist."""
    if then is None:
        return unknown("definition-changed", app, "there was no such entry in lastgood.yaml then")
    changed = sorted(key for key in now.keys() | then.keys() if now.get(key) != then.get(key))
    if not changed:
        return passes("definition-changed", app, "its entry in lastgood.yaml is the same as then")
    return fails("definition-changed", app, f"its entry in lastgood.yaml changed since: {', '.join(changed)}")


def without_definition(app: str) -> Check:
    """The entry is gone from `lastgood.yaml`, which no rollback of an application brings back."""
    said = "lastgood.yaml has no entry for it any more: its files come back, and nothing deploys them"
    return fails(
        "definition-changed", app, said, hint="put its entry back first; `lastgood apps` shows what is followed"
    )


def ran(app: str, named: str, runs: Sequence[Deployment] | None) -> list[Check]:
    """runs: the recorded deployments of that version, newest first; None without records.

    Where shared inputs stay as they are, those of what it comes to are among them, which another commit brought.
    """
    names = ("never-ran", "failed-before", "not-baked")
    if runs is None:
        return [unknown(name, app, NO_RECORDS) for name in names]
    applied = [run for run in runs if run.outcome not in {"superseded", "in-progress"}]
    if not applied:
        why = f"{named} never ran here"
        return [fails("never-ran", app, why), unknown("failed-before", app, why), unknown("not-baked", app, why)]
    last = applied[0]
    failed = last.outcome in {"failed", "partial"} or last.degraded_at is not None
    baked = any(run.baked_at is not None for run in applied)
    return [
        passes("never-ran", app, f"{named} ran as n{last.number}"),
        fails("failed-before", app, f"n{last.number} of {last.commit.short}: {last.message or last.outcome}")
        if failed
        else passes("failed-before", app, f"n{last.number} succeeded"),
        passes("not-baked", app, f"{named} stayed healthy for its bake time")
        if baked
        else fails("not-baked", app, f"{named} never stayed healthy for its whole bake time"),
    ]


def hooks_rerun(app: str, result: Rerun) -> Check:
    """result: what would run besides the objects that stay."""
    parts = [f"hooks run: {_some(result.hooks)}"] if result.hooks else []
    if result.jobs:
        parts.append(f"{'Jobs run' if len(result.jobs) > 1 else 'a Job runs'} again: {_some(result.jobs)}")
    stepwise = [one for one in result.rollouts if one.at_once != "yes"]
    parts += [_stepwise(one) for one in stepwise[:_NAMED]]
    if len(stepwise) > _NAMED:
        parts.append(f"{len(stepwise) - _NAMED} more Rollouts go in steps, too")
    jump = _some([one.name for one in result.rollouts if one.at_once == "yes"])
    jump = f"at once, without steps, as back to what was promoted: {jump}" if jump else ""
    if not parts:
        said = "no hook, Job or stepwise Rollout would run"
        return passes("hooks-rerun", app, f"{said}; {jump}" if jump else said)
    parts += [jump] if jump else []
    waits = any(one.waits_for_people for one in stepwise)
    hint = "`kubectl argo rollouts promote NAME --full` goes on without waiting" if waits else ""
    return fails("hooks-rerun", app, "; ".join(parts), hint=hint)


def _stepwise(one: Steps) -> str:
    way = f"the Rollout {one.name} goes in {one.count} {'step' if one.count == 1 else 'steps'}"
    if one.pauses_s:
        way += f", with pauses of {format_duration(one.pauses_s)} in all"
    if one.waits_for_people:
        times = "once" if one.waits_for_people == 1 else f"{one.waits_for_people} times"
        way += f"{' and' if one.pauses_s else ','} waiting {times} for a person to promote it"
    if one.analyses:
        way += f", and {one.analyses} {'analysis' if one.analyses == 1 else 'analyses'} of no known length"
    if one.kept_s:
        way += f"; at once if what it goes back to was replaced less than {format_duration(one.kept_s)} ago"
    if one.at_once == "unknown":
        window = " or within its rollback window" if one.window else ""
        way += f"; at once if that is its stable version{window}, which is unknown"
    return way


def held(app: str, named: str, hold: Hold | None, *, released: bool) -> Check:
    """hold: what refuses the result. released: the commit would end it, because somebody overrides this check."""
    if hold is None:
        return passes("held", app, f"{named} carries no hold")
    why = f": {hold.reason}" if hold.reason else ""
    ends = "; this commit ends the hold" if released else ""
    return fails(
        "held",
        app,
        f"{named} is on hold since {hold.since:%Y-%m-%d %H:%M} UTC{why}{ends}",
        hint=f"`lastgood unhold {app} {hold.version[:10]}` lets it go",
    )


def deletes_application(app: str, *, before: str | None, after: str | None) -> Check:
    """before, after: version ids, None where the path is not there."""
    if before is not None and after is None:
        return fails("deletes-application", app, f"{app} did not exist then: its whole path would be deleted")
    return passes("deletes-application", app, "its path stays")


def others_commits(
    leaving: Sequence[Commit], *, me: Person, also: Sequence[AlsoAffected], truncated: bool = False
) -> Check:
    """leaving: the commits that a reset takes off the branch. also: other applications that would move."""
    others = [commit for commit in leaving if commit.author.email.casefold() != me.email.casefold()]
    if not others and not also:
        return passes("others-commits", None, f"{len(leaving)} commits go, all by {me.name}")
    names = sorted({commit.author.name for commit in others})
    parts = []
    if others:
        more = " or more" if truncated else ""
        parts.append(f"{len(others)}{more} of {len(leaving)}{more} commits that go are by {', '.join(names[:10])}")
    if also:
        parts.append(f"other applications would move: {', '.join(one.app for one in also[:20])}")
    return fails("others-commits", None, "; ".join(parts), hint="`--mode restore` takes back one application alone")


def reset_policy(*, refused: bool) -> Check:
    """refused: `lastgood.yaml` at the head says `reset: refused`."""
    if refused:
        return fails(
            "reset-policy",
            None,
            "lastgood.yaml says `reset: refused`",
            hint="this cannot be overridden; `--mode restore` gives the same content",
        )
    return passes("reset-policy", None, "lastgood.yaml allows resets")


def other_writer(app: str, writers: Sequence[Person], *, holds: bool) -> Check:
    """writers: the authors of the newest commits that changed the application. holds: the version left goes on hold."""
    bots = [person.name for person in writers if is_bot(person)]
    if not bots:
        return passes("other-writer", app, f"no bot wrote its last {len(writers)} changes")
    names = ", ".join(sorted(set(bots))[:5])
    after = "the hold keeps out what it would put back" if holds else "it may put the version back: nothing holds it"
    return fails("other-writer", app, f"{names} wrote {len(bots)} of its last {len(writers)} changes; {after}")


def is_bot(person: Person) -> bool:
    """Guess from name and address whether a person is a program. A guess: it only ever warns."""
    return bool(_BOT.search(person.name) or _BOT.search(person.email.partition("@")[0]) or "[bot]" in person.email)


def busy(app: str, under_way: Operation | None, *, now: dt.datetime) -> Check:
    """under_way: an operation of this application that has not ended."""
    if under_way is None:
        return passes("busy", app, "no other operation is under way")
    minutes = max(0, int((now - under_way.requested_at).total_seconds() // 60))
    return fails(
        "busy",
        app,
        f"{under_way.kind} {under_way.id[:8]} by {under_way.by.name}, begun {minutes} min ago, is {under_way.step}",
        hint="wait until it ends",
    )


def stale_plan(app: str, now: Version, *, expected: str | None) -> Check:
    """expected: the version from which the person, looking at a plan, wanted to go away."""
    if now.version == expected:
        return passes("stale-plan", app, f"{app} has not changed since the plan")
    return fails(
        "stale-plan",
        app,
        f"{app} changed since the plan was made: it is now {now.short} {now.subject}",
        hint="look again, then plan again",
    )
