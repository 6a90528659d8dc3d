"""Write the first `lastgood.yaml` of a repo, with the comments that its people need to go on from there. Pure."""

from collections.abc import Iterable, Sequence

from lastgood.core.layout_entries import DEFAULT_DESTINATION, Suggested
from lastgood.core.yaml import yaml_text

_MOST_NAMED = 6

_HEAD = """\
# What lastgood deploys from this repository. The file at the branch's head applies.
# Every key is explained in docs/reference/lastgood-yaml.md of lastgood.
version: 1
"""

_NOTHING = """\
# No application was found. An entry looks like this:
#  - name: "{service}-{environment}"
#    path: "apps/{service}/{environment}"    # one application for each folder that matches
#    destination: "{environment}"            # a name that the server knows
applications: []
"""

_TAIL = """
# Where the programs' code is, so that a deployment can name the features that it carried:
# sources:
#   - image: "registry.example.com/shop/{service}"
#     repo: "https://git.example.com/shop/{service}.git"

# Nobody may move the branch back with `lastgood rollback --mode reset`:
# reset: refused

# Rollbacks and holds are pushed. A protected branch takes pull requests instead (or `pull-request-if-refused`):
# delivery: pull-request
"""

_POLICY = "    # policy: {bake: 10m, prune: true, self_heal: true, reason: optional, auto_rollback: off}\n"


def first_config(entries: Sequence[Suggested]) -> str:
    """Return the file's text."""
    if not entries:
        return _HEAD + _NOTHING + _TAIL
    parts = [_HEAD, "applications:\n"]
    for number, entry in enumerate(entries):
        parts += [_comment(entry.names), *_lines(entry)]
        if number == 0:
            # The defaults, shown once, so that nobody has to look up what they may change.
            parts.append(_POLICY)
    return "".join(parts) + _TAIL


def _comment(names: Sequence[str]) -> str:
    if len(names) < 2:  # noqa: PLR2004 -- the name of a single application stands in the line below
        return ""
    shown = [name.replace("\n", " ") for name in names[:_MOST_NAMED]]
    more = len(names) - len(shown)
    return f"  # {', '.join(shown)}{f' and {more} more' if more else ''}\n"


def _lines(entry: Suggested) -> Iterable[str]:
    yield f"  - name: {yaml_text(entry.name)}\n"
    yield f"    path: {yaml_text(entry.path)}\n"
    if entry.environment is not None:
        yield f"    environment: {yaml_text(entry.environment)}\n"
    if entry.group is not None:
        yield f"    group: {yaml_text(entry.group)}\n"
    hint = "  # the name of a destination on the server" if entry.destination == DEFAULT_DESTINATION else ""
    yield f"    destination: {yaml_text(entry.destination)}{hint}\n"
    if entry.values:
        yield f"    helm: {{values: [{', '.join(yaml_text(one) for one in entry.values)}]}}\n"


_FLUX_LINES = ("/.lastgood/", "/lastgood.yaml")


def source_ignore(before: str | None) -> str | None:
    """Return `.sourceignore` with the lines that keep Flux from reading ours; None where they are there already."""
    present = {line.strip() for line in (before or "").splitlines()}
    missing = [line for line in _FLUX_LINES if line not in present and line.strip("/") not in present]
    if not missing:
        return None
    start = before or ""
    if start and not start.endswith("\n"):
        start += "\n"
    return start + "# lastgood's own files hold no manifests\n" + "".join(f"{line}\n" for line in missing)
