"""What the config repo itself changed between two versions, as it is shown. Pure values."""

from lastgood.core.value import Value

MOST_SETTINGS = 200


class SettingChange(Value, frozen=True, kw_only=True):
    """A field that changed. path: its place in the resource; "" for the resource itself, that came or went.

    before, after: the values as text, cut where they are long; None where there was none, or where hidden: a secret.
    """

    kind: str
    namespace: str | None
    name: str
    path: str
    before: str | None
    after: str | None
    hidden: bool = False

    def in_words(self) -> str:
        """Return the change as a line that people read: resource, place, and what it was and is."""
        place = f"{self.kind} {self.name}{f' {self.path}' if self.path else ''}"
        if self.hidden:
            return f"{place}: changed (not shown: a secret)"
        if not self.path:
            return f"{place}: {'added' if self.before is None else 'removed'}"
        before, after = ("nothing" if text is None else text for text in (self.before, self.after))
        return f"{place}: {before} → {after}"


class Settings(Value, frozen=True, kw_only=True):
    """The changes, by resource and path. more: how many beyond MOST_SETTINGS there are. unknown: why nobody looked."""

    changes: tuple[SettingChange, ...] = ()
    more: int = 0
    unknown: str = ""
