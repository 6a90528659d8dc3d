"""Print the reference pages of the command line: `python -m lastgood.cli.reference PAGE`.

PAGE: api, cli, json, checks, exit-codes or kubernetes-kinds. What is printed is made of the commands, options,
routes, checks, errors and health rules themselves, so that it cannot lie.
"""

import inspect
import sys
from typing import Any

from lastgood.app.health import kinds_with_rules
from lastgood.cli.commands import COMMANDS
from lastgood.cli.program import global_parameters, load
from lastgood.cli.reference_json import json_page
from lastgood.core import errors
from lastgood.core.checks import CHECKS
from lastgood.core.errors import LastgoodError
from lastgood.web.reference import api_page as routes_page

_MADE = "<!-- made by `python -m lastgood.cli.reference {page}`; a test checks that it is fresh -->"

_FOR_CLI = """\
Data goes to stdout, everything else to stderr.
`-o json` prints what scripts read; errors then are one JSON object on stdout: \
`{error: {code, message, app, hint, facts}}`.
What it prints: [JSON](json.md). What each exit code means: [exit codes](exit-codes.md).

## Who answers

`--server URL` wins, or `LASTGOOD_SERVER` where no clone is named with `-C`.
Else it is the clone of the config repo named by `-C` or stood in: Git alone, without a server.
Else it is the `lastgood.toml` in the folder: the server that runs there, or the records that it left.

`LASTGOOD_TOKEN` says to a server who you are; beside a running server's `lastgood.toml` no token is needed.
`sync`, `retry`, `pause`, `resume` and `forget` need a running server; `render` works in a clone or beside the records.
In a clone, commands that read show `HEAD` without the network; `plan`, `rollback`, `undo`, `hold` and `unhold` fetch \
the upstream of the checked-out branch first, and leave branch, index and files alone.

## VERSION

A commit (any prefix that Git accepts, a tag, a branch), a version id, `last-good`, `previous`, `current`, `nN` \
(deployment number N of the application), or a date: `@2026-11-20`, `@"3 days ago"`.
Git alone knows neither `last-good` nor `nN`."""
_FOR_CHECKS = """\
Every plan answers those that concern it, in this order, with `pass`, `warn`, `block` or `unknown`.
`unknown` means that it was not checked, and never blocks.
`--despite NAME` overrides a check that blocks; the name goes into the commit.
`shared-input` blocks with `--with-shared`.
`lastgood checks` prints the same table."""
_FOR_EXIT_CODES = """\
`plan`, `rollback` and `undo` print their object with `-o json` whatever the exit code.
`blocked` is 4 instead of 3 where `stale-plan` is among the checks that block."""
_FOR_ERROR_CODES = (
    "The `code` of `{error: {code, message, app, hint, facts}}`, in JSON of the command line and of the API."
)

EXIT_CODES = {
    0: "done; for a plan: nothing blocks",
    1: "failed: nothing was changed unless the message says what",
    2: "the command line is wrong",
    3: "a check blocks it, a revert conflicts, or it would have to ask and cannot (no terminal, no `--yes`)",
    4: "the branch moved and the same application changed: look again",
    5: "no such application, version or operation (the nearest names are suggested)",
    6: "the commit is pushed, but the target did not become healthy in time",
    7: "unknown whether the push arrived; the same command finishes it",
    8: "a pull request was opened; nothing is deployed yet",
    130: "interrupted by Ctrl-C",
    141: "whoever read the output has gone (`| head`)",
}


def cli_page() -> str:
    """Return docs/reference/cli.md."""
    parts = [
        _MADE.format(page="cli"),
        "# The command line",
        _FOR_CLI,
        "## Options of every command\n\nBefore or after the command.\n\n" + _options(global_parameters()),
    ]
    for name in COMMANDS:
        command = load(name)
        shared = {parameter.name for parameter in global_parameters()}
        own = [parameter for parameter in command.params if parameter.name not in shared]
        arguments = [parameter for parameter in own if not _is_option(parameter)]
        options = [parameter for parameter in own if _is_option(parameter)]
        usage = " ".join(["lastgood", name, *(argument.metavar or argument.name.upper() for argument in arguments)])
        part = f"## {name}\n\n    {usage}{' [OPTIONS]' if options else ''}\n\n{inspect.cleandoc(command.help or '')}"
        if own:
            part += "\n\n" + _options([*arguments, *options])
        parts.append(part)
    return "\n\n".join(parts) + "\n"


def _is_option(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "option")


def _options(parameters: list[Any]) -> str:
    rows = ["| option | meaning |", "| --- | --- |"]
    for parameter in parameters:
        if _is_option(parameter):
            value = "" if parameter.is_flag else f" {parameter.metavar or parameter.name.upper()}"
            names = ", ".join([*parameter.opts, *parameter.secondary_opts])
            shown = f"{names}{value}"
        else:
            shown = parameter.metavar or parameter.name.upper()
        cell = shown.replace("|", "\\|")
        rows.append(f"| `{cell}` | {(parameter.help or '').replace('|', chr(92) + '|')} |")
    return "\n".join(rows)


def api_page() -> str:
    """Return docs/reference/api.md."""
    return f"{_MADE.format(page='api')}\n\n{routes_page()}\n"


def checks_page() -> str:
    """Return docs/reference/checks.md."""
    rows = ["| check | asks | a bad answer |", "| --- | --- | --- |"]
    for check in CHECKS:
        bad = "warns" if not check.blocks else "blocks" if check.overridable else "blocks, whatever `--despite` says"
        rows.append(f"| `{check.name}` | {check.asks} | {bad} |")
    return "\n\n".join([_MADE.format(page="checks"), "# Checks", _FOR_CHECKS, "\n".join(rows)]) + "\n"


def exit_codes_page() -> str:
    """Return docs/reference/exit-codes.md."""
    classes = [
        one
        for one in vars(errors).values()
        if isinstance(one, type) and issubclass(one, LastgoodError) and one is not LastgoodError
    ]
    rows = ["| code | meaning |", "| --- | --- |"]
    rows += [f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()]
    names = ["| error code | exit code | meaning |", "| --- | --- | --- |"]
    for one in sorted(classes, key=lambda kind: (kind.exit_code, kind.__name__)):
        meaning = inspect.cleandoc(one.__doc__ or "").split("\n")[0]
        names.append(f"| `{one.__new__(one).code}` | {one.exit_code} | {meaning} |")
    return (
        "\n\n".join(
            [
                _MADE.format(page="exit-codes"),
                "# Exit codes",
                "\n".join(rows),
                _FOR_EXIT_CODES,
                "## Error codes",
                _FOR_ERROR_CODES,
                "\n".join(names),
            ]
        )
        + "\n"
    )


_FOR_KINDS = """\
How an object of each kind is judged, and in which order, is explained in [Kubernetes health](kubernetes-health.md).

Rules are asked from left to right, and the first that holds decides; the last word stands for all other cases.
`Ready=False` is a condition with its status, `/Pending` with that reason, `/!Pending` with another; \
`current Ready` is one that was written for the object's own generation, `stale Ready` for another one, `*` any.
`.status.phase=A, B` is a field with one of these values; `some(.status.parents; ...)` asks the parts of a list, \
`[last]` is its last one; `not` turns the question that follows it round."""


def kinds_page() -> str:
    """Return docs/reference/kubernetes-kinds.md."""
    built_in, rows = kinds_with_rules()
    parts = [_MADE.format(page="kubernetes-kinds"), "# Kinds with health rules", _FOR_KINDS, "## Built-in kinds"]
    parts.append(", ".join(f"`{kind}`" for kind in built_in) + ".")
    parts.append("## Operators' kinds")
    table = ["| group | kinds | rules |", "| --- | --- | --- |"]
    table += [f"| `{group}` | {kinds} | {rules} |" for group, kinds, rules in rows]
    parts.append("\n".join(table))
    return "\n\n".join(parts) + "\n"


PAGES = {
    "api": api_page,
    "cli": cli_page,
    "json": lambda: json_page(_MADE.format(page="json")),
    "checks": checks_page,
    "exit-codes": exit_codes_page,
    "kubernetes-kinds": kinds_page,
}


if __name__ == "__main__":
    sys.stdout.write(PAGES[sys.argv[1]]())
