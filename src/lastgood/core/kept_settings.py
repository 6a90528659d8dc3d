"""What a deployment changed beside its images: the settings as they are kept beside its record. Pure."""

import datetime as dt

import msgspec

from lastgood.core.redact import redact
from lastgood.core.setting import SettingChange, Settings
from lastgood.core.value import Value

NO_BEFORE = "there is no version before it"
# Names and places in a manifest are a stranger's text as well; reasons may quote a program's whole output.
MOST_NAME = 300
MOST_REASON = 1_000


class KeptSettings(Value, frozen=True, kw_only=True):
    """The settings that one deployment changed. deployment: the record's id.

    before: the version that ran before it, None where none did or nobody knows which. again_at: when to look again,
    because what was not known may come to be known; None: this is how it stays.
    """

    deployment: int
    found_at: dt.datetime
    settings: Settings
    before: str | None = None
    again_at: dt.datetime | None = None


def kept_settings(
    deployment: int,
    settings: Settings,
    *,
    at: dt.datetime,
    before: str | None = None,
    again_at: dt.datetime | None = None,
) -> KeptSettings:
    """Make what is kept: bounded, because a config repo is anybody's, and without what might be a secret in a name."""
    kept = bounded_settings(settings)
    return KeptSettings(deployment=deployment, found_at=at, settings=kept, before=before, again_at=again_at)


def bounded_settings(settings: Settings) -> Settings:
    """Return settings as a record, a plan or a commit may have them."""
    return Settings(
        changes=tuple(_bounded(one) for one in settings.changes),
        more=settings.more,
        unknown=redact(settings.unknown)[:MOST_REASON],
    )


def setting_texts(settings: Settings) -> list[str]:
    """Return what a record is found by through its settings: resources, places, and values that are no secrets."""
    texts: dict[str, None] = {}
    for one in settings.changes:
        texts |= dict.fromkeys((f"{one.kind}/{one.name}", one.path))
        texts |= dict.fromkeys(value for value in (one.before, one.after) if value is not None)
    return [text for text in texts if text]


def _bounded(one: SettingChange) -> SettingChange:
    return msgspec.structs.replace(
        one,
        kind=one.kind[:MOST_NAME],
        namespace=one.namespace[:MOST_NAME] if one.namespace is not None else None,
        name=redact(one.name)[:MOST_NAME],
        path=redact(one.path)[:MOST_NAME],
    )
