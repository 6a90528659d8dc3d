"""Whether an application has a feature, by what its deployment records kept alone. Pure; asks no source repo.

Each record says what entered and what left against what ran before it, image by image where several changed. So a
feature that entered is there until it leaves, and was not there before; one that left was there before. An image whose
features were not known then (the first that is on record, say) may have brought anything that was made by then.
"""

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping, Sequence

from lastgood.core.carried import Carried
from lastgood.core.deployment import Deployment, may_carry, reach
from lastgood.core.feature import Feature

# Nothing runs before it was made; a day for clocks that disagree.
CLOCKS = dt.timedelta(days=1)
NOT_KEPT = "its features are not kept yet"
LEFT_OUT = "it carried more features than are kept"
NOTHING = "nothing that ran since it was made brought it"
CUT = "older records were not looked at"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recorded:
    """What the records say of one run. run: the deployment that brought the feature or took it out, if one did so."""

    contains: bool | None
    reason: str
    run: Deployment | None = None


@dataclasses.dataclass(frozen=True)
class _State:
    """Of one image after a run. contains None: reason says why that is not known."""

    contains: bool | None
    reason: str = ""
    run: Deployment | None = None


@dataclasses.dataclass(frozen=True)
class _Step:
    """What a run did to a feature. sets: which images have it after it, and have not; gone: images that went."""

    run: Deployment
    sets: dict[str, _State]
    gone: frozenset[str]


def is_same(one: Feature, other: Feature) -> bool:
    """Say whether two records mean one feature: a tracker's key means the same in every repo, a number in its own."""
    everywhere = one.kind == "issue" and "#" not in one.id
    return one.id == other.id and (everywhere or one.repo == other.repo)


def made_by(features: Sequence[Feature]) -> dt.datetime | None:
    """Return before when nothing can have had a feature, by how records tell it; None where they do not tell that."""
    times = [one.at for one in features]
    # An issue is there with the first commit that names it, whatever was recorded of it later.
    if not times or None in times or any(one.kind == "issue" for one in features):
        return None
    return min(at for at in times if at is not None) - CLOCKS


def recorded(
    runs: Sequence[Deployment],
    kept: Mapping[int, Carried],
    is_it: Callable[[Feature], bool],
    *,
    made: dt.datetime | None = None,
    cut: bool = False,
) -> list[Recorded]:
    """Say of each run whether what it brought to its target has a feature.

    runs: of one application, newest first; those that brought nothing are left out by the caller (see `reach`).
    kept: by the record's id. made: before when nothing can have had it; None: not known. cut: whether what ran before
    the oldest of them may have had it.
    """
    beside = never_named(runs, kept)
    steps = [_step(run, kept.get(run.id), is_it, made, beside) for run in reversed(runs)]
    states = _with_what_came_later(
        steps, _forward(steps, _State(None, CUT) if cut else _State(contains=False, reason=NOTHING))
    )
    concerned = {image for step in steps for image, one in step.sets.items() if one.contains is not None and one.run}
    nothing = Recorded(contains=None, reason=CUT) if cut else Recorded(contains=False, reason=NOTHING)
    return [_together(one, concerned) or nothing for one in reversed(states)]


def _changed(run: Deployment) -> set[str]:
    return {one.name for one in run.images} | {name for one in run.origins or () for name in one.bases}


def never_named(runs: Sequence[Deployment], kept: Mapping[int, Carried]) -> set[str]:
    """Return the images that `sources` never named, of which nobody expects features: a database, a proxy.

    One that it named once (and does not any more) is no such image; nor is any where it never named another one.
    """
    named: set[str] = set()
    unnamed: set[str] = set()
    for run in runs:
        if run.id in kept:
            without = {one.image for one in kept[run.id].unknown if not one.named}
            named |= _changed(run) - without
            unnamed |= without
    return unnamed - named if named else set()


def _step(
    run: Deployment,
    kept: Carried | None,
    is_it: Callable[[Feature], bool],
    made: dt.datetime | None,
    beside: set[str],
) -> _Step:
    was, will = run.origins if run.origins is not None else (None, None)
    changed = _changed(run) - beside
    gone = {one.name for one in run.images if one.to is None}
    if will is not None and was is not None:
        gone |= was.bases.keys() - will.bases.keys()
    unsure = _unsure(run, kept, changed, beside)
    sets: dict[str, _State] = {}
    if kept is not None:
        came, left = (any(map(is_it, some)) for some in (kept.entered, kept.left))
        if came and left:
            sets = {
                image: _State(None, f"n{run.number} brought a part of it and took out another") for image in changed
            }
        elif came or left:
            said = f"n{run.number} brought it" if came else f"n{run.number} took it out"
            sets = {image: _State(came, said, run) for image in changed}
    for image, why in unsure.items():
        if made is not None and run.started_at < made:
            sets[image] = _State(contains=False, reason=NOTHING)
        else:
            sets[image] = _State(None, f"n{run.number} may have brought it: {why}")
    return _Step(run, sets, frozenset(gone))


def _unsure(run: Deployment, kept: Carried | None, changed: set[str], beside: set[str]) -> dict[str, str]:
    """Return the images of which it is not known what they brought, and why."""
    if kept is None:
        return dict.fromkeys(changed, NOT_KEPT) if may_carry(run.images, run.origins) else {}
    if kept.more:
        return dict.fromkeys(changed, LEFT_OUT)
    new = {one.name for one in run.images if one.from_ is None}
    return {
        one.image: f"{one.image} is new with it" if one.image in new else f"{one.image}: {one.reason}"
        for one in kept.unknown
        if one.image not in beside
    }


def _forward(steps: Sequence[_Step], first: _State) -> list[dict[str, _State]]:
    """Return the images' states after each run. first: of those that ran before the oldest one."""
    states: list[dict[str, _State]] = []
    before: dict[str, _State] = {}
    state: dict[str, _State] = {}
    for n, step in enumerate(steps):
        if n and _may_be_passed_over(steps[n - 1].run):
            state = _base(steps[n - 1].run, step.run, before, state)
        before = state
        earlier = {one.name: first for one in step.run.images if one.from_ is not None}
        state = {image: one for image, one in (earlier | before | step.sets).items() if image not in step.gone}
        states.append(state)
    return states


def _may_be_passed_over(run: Deployment) -> bool:
    return run.outcome == "superseded" and reach(run) == "part"


def _base(
    passed: Deployment, run: Deployment, before: dict[str, _State], after: dict[str, _State]
) -> dict[str, _State]:
    """Return the state that a run is compared with, after one that was overtaken: what it left, or what was before."""
    was = {one.name: one.from_ for one in run.images}
    for one in passed.images:
        if one.name in was:
            return after if was[one.name] == one.to else before
    changed = {one.name: _State(None, f"n{passed.number} was overtaken while it was applied") for one in passed.images}
    return after | {image: one for image, one in changed.items() if after.get(image) != before.get(image)}


def _with_what_came_later(steps: Sequence[_Step], states: list[dict[str, _State]]) -> list[dict[str, _State]]:
    """Fill in what is not known from what came next: what entered later was not there, what left later was."""
    later: dict[str, _State] = {}
    for n in range(len(steps) - 1, -1, -1):
        step, state = steps[n], states[n]
        if _may_be_passed_over(step.run):
            later.clear()
        states[n] = {image: later.get(image, one) if one.contains is None else one for image, one in state.items()}
        for image, one in step.sets.items():
            later.pop(image, None)
            if one.contains is not None and one.run is not None:
                later[image] = _State(not one.contains, f"{one.reason} later")
    return states


def _together(state: Mapping[str, _State], concerned: set[str]) -> Recorded | None:
    """Put the images of a version together: where any ever had the feature or lost it, the others have no say."""
    asked = [one for image, one in state.items() if image in concerned] or list(state.values())
    having = [one for one in asked if one.contains]
    without = [one for one in asked if one.contains is False]
    unsure = [one for one in asked if one.contains is None]
    if having and without:
        return Recorded(contains=None, reason="some of its images have it and some do not")
    decides = having or unsure or without
    if not decides:
        return None
    newest = max(decides, key=lambda one: one.run.number if one.run is not None else 0)
    return Recorded(contains=newest.contains, reason=newest.reason, run=newest.run)
