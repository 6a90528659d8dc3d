"""Where database errors become ours: the one place that knows the names which libraries give them.

Knows no table. What a database says is passed on in one bounded line, without statements and their values.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
from sqlalchemy import exc

from lastgood.core.errors import StoreFailed, StoreFull, StoreUnavailable

_REASON_MAX = 200

# Every class that SQLAlchemy has for a driver's errors; the nearest class of an error counts.
BY_CLASS: Final[dict[type[exc.DBAPIError], type[StoreFailed]]] = {
    exc.DBAPIError: StoreFailed,
    exc.InterfaceError: StoreUnavailable,
    exc.DatabaseError: StoreFailed,
    exc.DataError: StoreFailed,
    exc.OperationalError: StoreFailed,
    exc.IntegrityError: StoreFailed,
    exc.InternalError: StoreFailed,
    exc.ProgrammingError: StoreFailed,
    exc.NotSupportedError: StoreFailed,
}

# By SQLite's primary result code: the class above says too little.
_BY_SQLITE_CODE: Final[dict[int, tuple[type[StoreFailed], str]]] = {
    5: (StoreUnavailable, "the database is locked by another process"),
    6: (StoreUnavailable, "the database is locked"),
    8: (StoreFailed, "the database can only be read"),
    10: (StoreFailed, "the disk of the database fails, or is full"),
    11: (StoreFailed, "the database file is damaged"),
    13: (StoreFull, ""),
    14: (StoreFailed, "the database file cannot be opened"),
    26: (StoreFailed, "the file is not a lastgood database"),
}

# By SQLSTATE, its first two characters or all five, for databases behind a network.
_BY_SQLSTATE: Final[dict[str, type[StoreFailed]]] = {
    "08": StoreUnavailable,
    "40": StoreUnavailable,
    "53100": StoreFull,
    "53": StoreUnavailable,
    "55P03": StoreUnavailable,
    "57": StoreUnavailable,
}


@contextmanager
def translated() -> Iterator[None]:
    """Raise StoreFailed, StoreUnavailable or StoreFull for what a database or its content says, with the cause."""
    try:
        yield
    except exc.DBAPIError as refused:
        raise of_driver(refused) from refused
    except exc.TimeoutError as waited:
        raise StoreUnavailable(reason="no connection to the database became free") from waited
    except msgspec.MsgspecError as odd:
        raise StoreFailed(reason=f"a record has another form than lastgood wrote: {_line(odd)}") from odd


def of_driver(error: exc.DBAPIError) -> StoreFailed:
    """Say in our words what a driver's error means."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if isinstance(code, int) and (known := _BY_SQLITE_CODE.get(code & 0xFF)):
        kind, reason = known
        return kind(reason=reason)
    state = getattr(error.orig, "sqlstate", None) or ""
    by_state = _BY_SQLSTATE.get(state) or _BY_SQLSTATE.get(state[:2])
    by_class = next(BY_CLASS[c] for c in type(error).__mro__ if c in BY_CLASS)
    return (by_state or by_class)(reason=_line(error.orig))


def _line(error: object) -> str:
    return next(iter(str(error).splitlines()), "")[:_REASON_MAX]
