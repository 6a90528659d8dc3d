"""Tell folders whose manifests of several environments lie side by side. Pure; knows names of files only.

An application is a folder and has one destination: taken as one, such a folder would put staging's objects into
production.
"""

import re
from collections.abc import Iterable

from lastgood.core.environment_word import is_environment

_MANIFEST = re.compile(r"\.(ya?ml|json)$")
_BETWEEN = re.compile(r"[-_.]")


def environments_beside(paths: Iterable[str], folder: str) -> tuple[str, ...]:
    """Return the files of a folder that name an environment, sorted; none where they name fewer than two.

    `production.yaml` and `deployment-staging.yaml` name one, `test-connection.yaml` does not; nor do files below.
    """
    named: dict[str, str] = {}
    for path in paths:
        here, _, name = path.rpartition("/")
        if here == folder and _MANIFEST.search(name):
            environment = _environment(_MANIFEST.sub("", name))
            if environment is not None:
                named[name] = environment
    return tuple(sorted(named)) if len(set(named.values())) > 1 else ()


def _environment(stem: str) -> str | None:
    whole = stem.lower()
    return next((one for one in (_BETWEEN.split(whole)[-1], whole) if is_environment(one)), None)
