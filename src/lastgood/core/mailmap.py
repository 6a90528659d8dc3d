"""Who is meant by a name and an address, by the rules of Git's `.mailmap`. Bytes in, people out."""

import re
from collections.abc import Sequence

from lastgood.core.commit import Person

MAX_MAILMAP_BYTES = 4 << 20
_LINE = re.compile(r"([^<>]*)<([^<>]*)>(?:([^<>]*)<([^<>]*)>)?")


class Mailmap:
    """The map of one `.mailmap`. An empty one maps everybody to themselves."""

    def __init__(self, data: bytes = b"") -> None:
        """data: the file; lines that cannot be read are passed over, as git does."""
        # (address, name or "") in small letters -> (proper name, proper address), each None where it stays.
        self._map: dict[tuple[str, str], tuple[str | None, str | None]] = {}
        for line in data[:MAX_MAILMAP_BYTES].decode("utf-8", "replace").split("\n"):
            self._add(line)

    def _add(self, line: str) -> None:
        if line.startswith("#"):
            return
        found = _LINE.match(line)
        if found is None:
            return
        name, address = found[1].strip() or None, found[2]
        if found[4] is None:
            key, new_address = (_fold(address), ""), None
        else:
            key, new_address = (_fold(found[4]), _fold((found[3] or "").strip())), address
        # For an address alone a later line replaces only what it says; for a name and an address, all of it.
        known = (None, None) if key[1] else self._map.get(key, (None, None))
        self._map[key] = (name or known[0], new_address or known[1])

    def person(self, person: Person) -> Person:
        """Return who is meant: the line with name and address first, then the one with the address alone."""
        address = _fold(person.email)
        found = self._map.get((address, _fold(person.name))) or self._map.get((address, ""))
        if found is None:
            return person
        return Person(name=found[0] or person.name, email=found[1] or person.email)

    def __len__(self) -> int:
        return len(self._map)


def _fold(text: str) -> str:
    """Return text in small letters as git has them for this: of ASCII alone."""
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def unique(people: Sequence[Person]) -> tuple[Person, ...]:
    """Return people in order, each address once; whoever has none, each name once."""
    known = {person.email.lower() or f"{person.name.lower()} <>": person for person in reversed(people)}
    return tuple(known.values())[::-1]
