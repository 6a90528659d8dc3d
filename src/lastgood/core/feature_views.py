"""What `features` and `where` show, with the field names that scripts rely on. Pure values."""

import datetime as dt

from lastgood.core.chain import Chain, ChainImage
from lastgood.core.commit import Person
from lastgood.core.feature import Feature
from lastgood.core.resource import ImageChange
from lastgood.core.setting import Settings
from lastgood.core.source_features import NotKnown
from lastgood.core.value import Value
from lastgood.core.version import Version


class ConfigCommit(Value, frozen=True, kw_only=True):
    """A commit of the config repo that changed an application."""

    commit: str
    subject: str
    author: Person
    committed_at: dt.datetime


class FeaturesView(Value, frozen=True, kw_only=True):
    """What entered and what left on the way from one version to another, newest first within each source repo.

    unknown: images and bases that nothing is known of. settings, config_entered, config_left: what the config repo
    itself changed on the way, and the commits of it that did. images: those that differ; none where one of the two
    versions does not render. recorded: images whose features the deployment records alone tell, and why no source
    repo does.
    """

    app: str
    from_: Version
    to: Version
    entered: tuple[Feature, ...]
    left: tuple[Feature, ...]
    unknown: tuple[NotKnown, ...] = ()
    settings: Settings = Settings()
    config_entered: tuple[ConfigCommit, ...] = ()
    config_left: tuple[ConfigCommit, ...] = ()
    images: tuple[ImageChange, ...] = ()
    recorded: tuple[NotKnown, ...] = ()


class WhereEntry(Value, frozen=True, kw_only=True):
    """Whether an application contains a feature; contains None: unknown, or only a part of it, and reason says which.

    since: when the oldest deployment began from which on the answer has been this one; None where that is not known.
    deployment: the number of that one, None where it is not on record. via: the commit of the source repo that brought
    the feature, or that took it out; of an image, the one that it was built from. images: those of what runs now that
    the answer is about. chain: how the feature came there; None where it does not concern the application. recorded:
    whether the deployment records alone tell it, because no source repo does.
    """

    environment: str | None
    app: str
    contains: bool | None
    since: dt.datetime | None
    via: str | None
    reason: str
    deployment: int | None = None
    images: tuple[ChainImage, ...] = ()
    chain: Chain | None = None
    recorded: bool = False


class Waiting(Value, frozen=True, kw_only=True):
    """A feature that one environment has and another does not. since: when it came there, None where not on record."""

    feature: Feature
    since: dt.datetime | None


class ComparedApplication(Value, frozen=True, kw_only=True):
    """One group in two environments: what each of its applications runs, and the features that only one of them has.

    version, other_version: None where nothing runs there yet. unknown: images and bases that are not known, and why.
    images, other_images: of each version, those that the other one does not have. recorded: images whose features the
    deployment records alone tell, and why no source repo does.
    """

    group: str
    app: str
    other_app: str
    version: Version | None
    other_version: Version | None
    only: tuple[Waiting, ...] = ()
    only_other: tuple[Waiting, ...] = ()
    unknown: tuple[NotKnown, ...] = ()
    images: tuple[ChainImage, ...] = ()
    other_images: tuple[ChainImage, ...] = ()
    recorded: tuple[NotKnown, ...] = ()

    @property
    def alike(self) -> bool:
        """Whether both run, and have the same features as far as all of them are known."""
        runs = self.version is not None and self.other_version is not None
        return runs and not (self.only or self.only_other or self.unknown)


class CompareView(Value, frozen=True, kw_only=True):
    """What an environment has that another one does not, by group. alone: applications without their like there."""

    environment: str
    other: str
    applications: tuple[ComparedApplication, ...]
    alone: tuple[str, ...] = ()
