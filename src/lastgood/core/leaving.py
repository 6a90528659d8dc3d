"""An application that is to be taken away, and what of it ran last. Pure values."""

from lastgood.core.application import Application
from lastgood.core.hook import Hook, deletion_hooks
from lastgood.core.resource import Rendered
from lastgood.core.value import Value


class Going(Value, frozen=True, kw_only=True):
    """What would be deleted of an application, in order, and what would stay, because it may not be; `Kind name`."""

    goes: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()


class Leaving(Value, frozen=True, kw_only=True):
    """What a target needs to know to take an application away as its version wants it. rendered: of what ran last."""

    app: Application
    rendered: Rendered

    @property
    def hooks(self) -> list[Hook]:
        """Return what runs when it is deleted, in order."""
        return deletion_hooks(self.rendered.resources)
