"""The checks of the preflight: one table of names, what each asks, and whether a bad answer blocks.

The names are the API of `--despite` and of the trailers. Rules that answer are in `core/preflight.py`.
"""

from collections.abc import Sequence

from lastgood.core.errors import CommandLineWrong
from lastgood.core.nearest import did_you_mean
from lastgood.core.plan import Check
from lastgood.core.value import Value


class CheckDefinition(Value, frozen=True, kw_only=True):
    """One check. asks: a question. blocks: a bad answer stops the plan; else it warns. overridable: by --despite."""

    name: str
    asks: str
    blocks: bool
    overridable: bool = True


def _asks(name: str, asks: str, *, blocks: bool = False, overridable: bool = True) -> CheckDefinition:
    return CheckDefinition(name=name, asks=asks, blocks=blocks, overridable=overridable)


CHECKS: tuple[CheckDefinition, ...] = (
    _asks(
        "not-on-branch",
        "is the version an ancestor of the head, a recorded deployment, or a discarded head?",
        blocks=True,
    ),
    _asks("nothing-to-do", "would anything change? (passes with a note)"),
    _asks("renders", "does the version render today?", blocks=True),
    _asks("render-unstable", "do two renders agree?"),
    _asks(
        "shared-input",
        "does the result render as what ran, with shared inputs as they are now? (`--with-shared`: who else moves?)",
    ),
    _asks("definition-changed", "is the application's entry in `lastgood.yaml` the same as then?"),
    _asks("never-ran", "did the version ever run?"),
    _asks("failed-before", "did the version fail when it ran?"),
    _asks("not-baked", "did the version stay healthy for its bake time?"),
    _asks("held", "is the version on hold?", blocks=True),
    _asks("deletes-application", "would the application's whole path be deleted?", blocks=True),
    _asks("deletes-data", "would volumes or other data be deleted?", blocks=True),
    _asks("deletes-many", "would a large share of the objects be deleted?", blocks=True),
    _asks("image-missing", "is each image in its registry?", blocks=True),
    _asks("image-moved", "does each image have the digest it had?"),
    _asks("server-refuses", "does the cluster accept every object (dry run)?", blocks=True),
    _asks("crd-version", "are the stored versions of custom resources still served?", blocks=True),
    _asks("missing-reference", "do the Secrets and ConfigMaps referred to exist?"),
    _asks("migration", "did a data migration run between the versions?", blocks=True),
    _asks("hooks-rerun", "would hooks or Jobs run again?"),
    _asks("feature-needed", "does another application need a feature that leaves?"),
    _asks("others-commits", "whose commits, and which other applications, would go? (reset)", blocks=True),
    _asks("reset-policy", "does the repo refuse resets?", blocks=True, overridable=False),
    _asks("other-writer", "does a bot write to this path, and would it put the version back?"),
    _asks("busy", "is another operation under way?", blocks=True),
    _asks("frozen", "is there a freeze?", blocks=True),
    _asks("stale-plan", "did the application move since? (exit code 4)", blocks=True, overridable=False),
)

DEFINITIONS = {definition.name: definition for definition in CHECKS}


def passes(name: str, app: str | None, detail: str) -> Check:
    """Return the answer that nothing is wrong."""
    return Check(name=DEFINITIONS[name].name, app=app, outcome="pass", detail=detail)


def fails(name: str, app: str | None, detail: str, *, hint: str = "", blocks: bool = False) -> Check:
    """Return the bad answer: it blocks or warns, as the table says; blocks: it does here, whatever the table says."""
    definition = DEFINITIONS[name]
    blocks = blocks or definition.blocks
    if blocks and not definition.overridable:
        hint = hint or "this check cannot be overridden"
    elif blocks:
        override = f"`--despite {name}` goes ahead all the same"
        hint = f"{hint}; {override}" if hint else override
    return Check(name=name, app=app, outcome="block" if blocks else "warn", detail=detail, hint=hint)


def unknown(name: str, app: str | None, why: str) -> Check:
    """Return "not checked" with its reason: never shown as fine, never blocking."""
    return Check(name=DEFINITIONS[name].name, app=app, outcome="unknown", detail=why)


def known_names(despite: Sequence[str]) -> None:
    """Make sure that every name given to --despite is in the table. Raises CommandLineWrong."""
    for name in despite:
        if name not in DEFINITIONS:
            raise CommandLineWrong(
                f"there is no check {name}", hint=did_you_mean(name, DEFINITIONS) or "see `lastgood checks`"
            )


def overridden(checks: Sequence[Check], despite: Sequence[str]) -> tuple[Check, ...]:
    """Mark the blocking checks that somebody overrode by name, in the table's order.

    A check that cannot be overridden stays as it is.
    """
    order = {definition.name: at for at, definition in enumerate(CHECKS)}
    marked = (
        Check(name=c.name, app=c.app, outcome=c.outcome, detail=c.detail, hint=c.hint, overridden=True)
        if c.outcome == "block" and c.name in despite and DEFINITIONS[c.name].overridable
        else c
        for c in checks
    )
    return tuple(sorted(marked, key=lambda c: order[c.name]))
