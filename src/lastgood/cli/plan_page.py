"""A plan as a page in the terminal: where it goes, what changes, what is checked, what came of it. Pure."""

from collections.abc import Sequence

from lastgood.cli.diff import files_text, resources_text
from lastgood.cli.features import features_text, images_text, settings_text, unknown_text
from lastgood.cli.shared import heading, indented, now, reference, version_line
from lastgood.cli.text import Style, clean, facts, moment, plural
from lastgood.core.plan import Check, Plan, PlannedApplication
from lastgood.core.words import Change

_ORDER = {"block": 0, "warn": 1, "unknown": 2, "pass": 3}
# A plan of a thousand files is read in `git show`, not on a page.
MAX_FILES = 40
MAX_FEATURES = 20
MAX_SETTINGS = 20
MAX_OBJECTS = 8
# The exit code where a pull request was opened, and nothing is deployed yet.
REQUESTED = 8


def plan_text(plan: Plan, style: Style, *, verbose: bool) -> str:
    """Lay out a plan. verbose: also the checks that passed, the resources' differences and the git commands."""
    parts = [_application(app, style, verbose=verbose) for app in plan.applications]
    if plan.also_affected:
        lines = "\n".join(f"{clean(one.app)}: {clean(one.how)}" for one in plan.also_affected)
        parts.append(f"{heading('also affected', style)}\n{indented(lines)}")
    if plan.via == "pr":
        parts.append(f"by pull request into {clean(plan.branch)}: nothing changes until it is merged")
    checks = checks_text(plan.checks, style, verbose=verbose)
    if checks:
        parts.append(checks)
    if plan.notes:
        parts.append("\n".join(clean(note) for note in plan.notes))
    if verbose and plan.git:
        # Not indented: a command of several lines would write other text than ours.
        commands = clean("\n".join(plan.git), lines=True)
        parts.append(f"{heading('the same with git', style)}\n{commands}")
    return "\n\n".join(part for part in parts if part)


def _application(app: PlannedApplication, style: Style, *, verbose: bool) -> str:
    at = now()
    hold = ""
    if app.hold is not None:
        what = app.hold.images or tuple(file.path for file in app.hold.files)
        named = f" ({', '.join(reference(w) for w in what[:3])}{', ...' if len(what) > 3 else ''})" if what else ""  # noqa: PLR2004 - names enough
        hold = f"{app.hold.version[:7]} will be kept out{named}"
        if app.hold.until:
            hold += f" until {moment(app.hold.until, at)}"
    known = {True: "as what ran", False: style.paint("differently from what ran", "yellow"), None: ""}
    parts = [
        heading(app.app, style),
        indented(
            facts(
                [
                    ("from", version_line(app.from_, at)),
                    ("to", version_line(app.to, at)),
                    ("version", app.version or "none"),
                    ("renders", known[app.renders_as_ran]),
                    ("adds", _whole_objects(app, "added")),
                    ("removes", _whole_objects(app, "removed")),
                    ("hold", hold),
                ],
                style,
            )
        ),
    ]
    parts += [indented(text) for text in images_text(app.images, _narrower(style))]
    if app.files:
        parts.append(indented(files_text(app.files[:MAX_FILES], _narrower(style))))
        if len(app.files) > MAX_FILES:
            parts.append(f"  and {plural(len(app.files) - MAX_FILES, 'more file')}")
    for title, found in (("leaving", app.features.leaving), ("returning", app.features.returning)):
        left = title == "leaving"
        shown = features_text(title, found[:MAX_FEATURES], _narrower(style), of=len(found), left=left)
        parts += [indented(text) for text in shown]
        if len(found) > MAX_FEATURES:
            parts.append(f"  and {plural(len(found) - MAX_FEATURES, 'more feature')}")
    parts += [indented(text) for text in unknown_text(app.features.unknown, _narrower(style))]
    recorded = unknown_text(app.features.recorded, _narrower(style), title="FROM THE RECORDS")
    parts += [indented(text) for text in recorded]
    parts += [indented(text) for text in settings_text(app.settings, _narrower(style), most=MAX_SETTINGS)]
    if verbose and app.resources:
        parts.append(indented(resources_text(app.resources, style)))
    return "\n".join(parts)


def _whole_objects(app: PlannedApplication, change: Change) -> str:
    """Name the objects that come or go as a whole: of one that goes, nobody should read it out of a table."""
    names = [f"{clean(one.kind)} {clean(one.name)}" for one in app.resources if one.change == change]
    more = f" and {len(names) - MAX_OBJECTS} more" if len(names) > MAX_OBJECTS else ""
    return ", ".join(names[:MAX_OBJECTS]) + more


def _narrower(style: Style) -> Style:
    return style._replace(width=style.width - 2)


def checks_text(checks: Sequence[Check], style: Style, *, verbose: bool) -> str:
    """List checks, what needs a person first; without `verbose` those that passed are counted only."""
    several = len({check.app for check in checks if check.app}) > 1
    lines = []
    for check in sorted(checks, key=lambda one: _ORDER[one.outcome]):
        if check.outcome == "pass" and not verbose:
            continue
        word = style.check(check.outcome).rjust(7 + len(style.check(check.outcome)) - len(check.outcome))
        where = f" ({check.app})" if several and check.app else ""
        despite = " (overridden)" if check.overridden else ""
        lines.append(f"{word}  {check.name}{where}{despite}: {clean(check.detail)}")
        if check.hint and check.outcome in {"block", "warn"} and not check.overridden:
            lines.append(f"         {clean(check.hint)}")
    passed = sum(check.outcome == "pass" for check in checks)
    if passed and not verbose:
        lines.append(f"{style.check('pass').rjust(7 + len(style.check('pass')) - 4)}  {plural(passed, 'check')}")
    return f"{heading('checks', style)}\n" + "\n".join(lines) if lines else ""


def open_request(url: str, commit: str, style: Style) -> str:
    """Say that a pull request is open."""
    return f"{clean(url)} is open for {style.paint(commit[:7], 'yellow')}; nothing changes until it is merged"


def waits_for_merge(plan: Plan) -> bool:
    """Say whether a pull request is open, and nothing else happened yet."""
    return plan.result.pull_request is not None and plan.result.pushed is False


def result_text(plan: Plan, style: Style) -> str:
    """Say in one line what came of a plan."""
    result = plan.result
    if result.commit is None:
        return "nothing to do" if plan.changes_nothing else "nothing was changed"
    commit = style.paint(result.commit[:7], "yellow")
    if result.pull_request is not None:
        url = clean(result.pull_request)
        merged = f"{url} is merged: {plan.branch} has it by {commit}"
        return merged if result.pushed else open_request(url, result.commit, style)
    if plan.mode == "reset" and result.pushed:
        return f"{plan.branch} is at {commit} now"
    if result.pushed:
        merged = f"its pull request is merged: {plan.branch} has it by {commit}"
        return merged if plan.via == "pr" else f"pushed {commit} to {plan.branch}"
    if result.pushed is None:
        return f"it is not known whether {commit} reached {plan.branch}"
    return f"made {commit} and pushed nothing; it is kept as refs/lastgood/unpushed/{plan.id}"
