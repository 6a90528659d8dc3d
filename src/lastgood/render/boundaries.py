"""What this machine can keep a renderer from: other files, the network, taking all memory. Asked once a process.

Only looks; `render/sandbox.py` draws the boundaries.
"""

import ctypes
import functools
import shutil
import subprocess
from collections.abc import Mapping

from lastgood.render.tools import BOUNDARIES, Boundary

OWN_NETWORK = ("--user", "--net", "--")
_ANSWER_S = 20


@functools.cache
def missing_boundaries() -> Mapping[Boundary, str]:
    """Return what cannot be kept here, and why, as the end of a sentence; empty where everything can."""
    found = {"files": _files(), "network": _network(), "limits": _limits()}
    return {name: why for name in BOUNDARIES if (why := found[name]) is not None}


def _files() -> str | None:
    try:
        from landlock.plumbing import landlock_abi_version  # noqa: PLC0415 - half of what a render costs, once

        # Its caller takes any error number left from before for one of this call.
        ctypes.set_errno(0)
        landlock_abi_version()
    except (OSError, AttributeError):
        return "the kernel has no Landlock (Linux 5.13 or newer, with `landlock` among its security modules)"
    return None


def _network() -> str | None:
    unshare, true = shutil.which("unshare"), shutil.which("true")
    if unshare is None or true is None:
        return "there is no program unshare (it is part of util-linux)"
    try:
        tried = subprocess.run(
            [unshare, *OWN_NETWORK, true], capture_output=True, check=False, timeout=_ANSWER_S, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return "unshare does not answer"
    if tried.returncode != 0:
        return "the kernel gives this account no user and network namespaces (`unshare --user --net true` fails)"
    return None


def _limits() -> str | None:
    return None if shutil.which("prlimit") else "there is no program prlimit (it is part of util-linux)"
