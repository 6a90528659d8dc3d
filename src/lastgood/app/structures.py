"""Have every structure known to msgspec before threads read any. Knows none of them by name.

msgspec finds out what a structure holds at its first use. A second thread that comes in meanwhile reads with what is
found out by half, and the process dies by a segmentation fault: two clusters whose memory is read at one time did that.
"""

import contextlib

import msgspec


def know_structures() -> None:
    """Find out what each structure holds that is defined by now; what only a later import defines is not among them."""
    todo: list[type[msgspec.Struct]] = [msgspec.Struct]
    seen: set[type[msgspec.Struct]] = set()
    while todo:
        for one in todo.pop().__subclasses__():
            if one not in seen:
                seen.add(one)
                todo.append(one)
                # What msgspec cannot read, nobody reads; what is not all defined yet says so when it is used.
                with contextlib.suppress(TypeError, NameError):
                    msgspec.json.Decoder(one)
