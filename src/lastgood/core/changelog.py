"""A changelog between two versions, as Markdown. Pure: what comes from a source repo is text and never markup."""

import datetime as dt
import re
from collections.abc import Sequence
from urllib.parse import quote

from lastgood.core.feature import Feature
from lastgood.core.feature_views import FeaturesView
from lastgood.core.inert import pieces
from lastgood.core.resource import ImageChange
from lastgood.core.setting import Settings
from lastgood.core.value import Value
from lastgood.core.version import Version

# Conventional commits name what they are; whatever else somebody writes is a change.
_PARTS = (("feat", "Features"), ("fix", "Fixes"))
_OTHER = "Changes"
# A `!` makes a picture of a link only, and no bracket is one.
_MARKUP = re.compile(r"([\\`*_{}\[\]<>|~&])")
# What would begin a heading, a list or a quotation where a line's text begins.
_BEGINS = re.compile(r"^([#+\-=]|[0-9]+(?=[.)]))")
_SAFE_URL = "/:?=&#%@+,;~"
_SHORT = 7
_MOST_IMAGES = 20


class Changelog(Value, frozen=True, kw_only=True):
    """A changelog as the API gives it: Markdown text."""

    markdown: str


def changelog(view: FeaturesView) -> str:
    """Write what entered, what left, and what is not known. Ends with a line's end."""
    lines = [f"# {_text(view.app)}: {_version(view.from_)} to {_version(view.to)}", "", *_images(view.images)]
    changes = [one for one in view.entered if one.kind != "issue"]
    lines += _part("Breaking changes", [one for one in changes if one.breaking], said="breaking")
    known = dict(_PARTS)
    for kind, title in (*_PARTS, ("", _OTHER)):
        lines += _part(title, [o for o in changes if not o.breaking and (o.type if o.type in known else "") == kind])
    lines += _part("Issues", [one for one in view.entered if one.kind == "issue"])
    lines += _part("Taken out", view.left, left=True)
    lines += _settings(view.settings)
    if view.unknown:
        lines += ["## Not known", "", *(f"- {_text(one.image)}: {_text(one.reason)}" for one in view.unknown), ""]
    if not (view.entered or view.left or view.unknown or view.settings.changes):
        lines += ["No feature entered or left.", ""]
    return "\n".join(lines)


def _part(title: str, found: Sequence[Feature], *, left: bool = False, said: str = "") -> list[str]:
    """List features under a title. said: what the title says of all of them."""
    return [f"## {title}", "", *(_line(one, left=left, said=said) for one in found), ""] if found else []


def _settings(settings: Settings) -> list[str]:
    if settings.unknown:
        return ["## Settings", "", f"Not known: {_text(settings.unknown)}", ""]
    if not settings.changes:
        return []
    lines = [f"- {_text(one.in_words())}" for one in settings.changes]
    more = [f"- and {settings.more} more"] if settings.more else []
    return ["## Settings", "", *lines, *more, ""]


def _line(feature: Feature, *, left: bool, said: str) -> str:
    names = ", ".join(_text(person.name) for person in feature.authors)
    remarks = "".join(f"; {_text(words)}" for words in feature.remarks(left=left) if words != said)
    return f"- {_text(feature.title)} ({_link(feature)}{remarks}){f', {names}' if names else ''}"


def _link(feature: Feature) -> str:
    named = _text(feature.id)
    if feature.url is None or not feature.url.startswith(("https://", "http://")):
        return named
    address = quote(feature.url, safe=_SAFE_URL, errors="replace")
    return f"[{named}]({address})"


def _version(version: Version) -> str:
    if version.commit is None:
        return "nothing"
    day = f" ({version.committed_at.astimezone(dt.UTC):%Y-%m-%d})" if version.committed_at is not None else ""
    return f"{version.commit[:_SHORT]}{day}"


def _images(images: Sequence[ImageChange]) -> list[str]:
    if not images:
        return []
    lines = ["- " + _text(f"{i.name}: {i.from_ or 'none'} → {i.to or 'none'}") for i in images[:_MOST_IMAGES]]
    more = [f"- and {len(images) - _MOST_IMAGES} more"] if len(images) > _MOST_IMAGES else []
    return [*lines, *more, ""]


def _text(text: str) -> str:
    """Return one line in which no character is markup, and nothing is left that a forge would act on."""
    line = "".join(one if one.isprintable() else " " for one in " ".join(text.split())).strip()
    escaped = "".join(f"`{one}`" if acts_on else _MARKUP.sub(r"\\\1", one) for one, acts_on in pieces(line))
    # A number cannot be escaped, the sign after it can.
    return _BEGINS.sub(lambda found: f"{found[1]}\\" if found[1].isdigit() else f"\\{found[1]}", escaped)
