"""What a plan changes of each application beside its images: the config repo's own changes that go back, or return.

Compares the two renders that the plan has made anyway.
"""

import asyncio
from collections.abc import Sequence

from lastgood.core.errors import LastgoodError
from lastgood.core.kept_settings import bounded_settings
from lastgood.core.resource import Rendered
from lastgood.core.setting import Settings
from lastgood.core.setting_changes import setting_changes
from lastgood.flows.weigh import Weighed

_NOTHING = Rendered(resources=(), images={}, digest="")


async def planned_settings(weighed: Sequence[Weighed]) -> list[Settings]:
    """Say of each application what differs between what Git asks for now and what it would ask for then."""
    return [await _of_one(one) for one in weighed]


async def _of_one(weighed: Weighed) -> Settings:
    if weighed.part.from_.version == weighed.version and not weighed.files:
        return Settings()
    for when, render in (("now", weighed.before), ("then", weighed.after)):
        if isinstance(render, LastgoodError):
            return bounded_settings(Settings(unknown=f"what it runs {when} is not known: {render.message}"))
    before, after = (one if isinstance(one, Rendered) else _NOTHING for one in (weighed.before, weighed.after))
    # In a thread: megabytes take a while to compare, and somebody else may be waiting for the loop.
    return bounded_settings(await asyncio.to_thread(setting_changes, before, after))


def setting_lines(apps: Sequence[str], found: Sequence[Settings]) -> list[str]:
    """Return one line for each setting that a commit changes, with its application where there are several.

    Those that nobody listed follow as empty lines, so that they are counted.
    """
    lines = [
        f"{f'{app} ' if len(apps) > 1 else ''}{one.in_words()}"
        for app, settings in zip(apps, found, strict=True)
        for one in settings.changes
    ]
    return [*lines, *[""] * sum(settings.more for settings in found)]
