"""What `features` and `where` show, with the field names that scripts rely on. Pure values."""

import datetime as dt

from lastgood.core.feature import Feature
from lastgood.core.source_features import NotKnown
from lastgood.core.value import Value
from lastgood.core.version import Version


class FeaturesView(Value, frozen=True, kw_only=True):
    """What entered and what left on the way from one version to another, newest first within each source repo.

    unknown: images that nothing is known of, and why.
    """

    app: str
    from_: Version
    to: Version
    entered: tuple[Feature, ...]
    left: tuple[Feature, ...]
    unknown: tuple[NotKnown, ...] = ()


class WhereEntry(Value, frozen=True, kw_only=True):
    """Whether an application contains a feature; contains None: unknown, or only a part of it, and reason says which.

    since: when the oldest deployment began from which on the answer has been this one; None where that is not known.
    via: the commit of the source repo that brought the feature, or that took it out.
    """

    environment: str | None
    app: str
    contains: bool | None
    since: dt.datetime | None
    via: str | None
    reason: str
