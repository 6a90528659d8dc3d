"""`lastgood doctor`: what is installed, reachable, allowed; what to do about what is not."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lastgood.cli.call import Call
from lastgood.cli.situation import SETTINGS, in_repository, left_server, work
from lastgood.cli.text import clean
from lastgood.core.errors import CommandLineWrong, LastgoodError, TargetFailed
from lastgood.core.value import to_plain

if TYPE_CHECKING:
    from lastgood.app.doctor import Finding

_LOOKS = {"ok": "green", "warn": "yellow", "wrong": "red"}


def doctor(
    ctx: typer.Context,
    rules: Annotated[
        str | None,
        typer.Option("--rules", metavar="DESTINATION", help="Print only the rules that its cluster lacks, as YAML"),
    ] = None,
) -> None:
    """Say what is installed, reachable and allowed, and what to do about what is not.

    Exit code 1 where something is wrong.
    The rules that a cluster lacks stand below the rest, and `--rules` prints them alone, for `kubectl apply -f -`.
    """
    from lastgood.app.doctor import (  # noqa: PLC0415 - only where it is looked for
        Finding,
        examine_clone,
        examine_machine,
        examine_server,
    )
    from lastgood.app.doctor_forges import examine_forges_here  # noqa: PLC0415 - only where it is looked for
    from lastgood.app.doctor_render import examine_renderers_here  # noqa: PLC0415 - only where it is looked for

    call: Call = ctx.find_root().obj
    if rules is not None:
        _print_rules(call, rules)
        return
    findings = examine_machine()
    where = call.directory or Path.cwd()
    settings = where / SETTINGS
    if call.server or os.environ.get("LASTGOOD_SERVER"):
        try:
            work(call, lambda situation: situation.lastgood.apps())
            findings.append(Finding(name="server", outcome="ok", detail="it answers"))
        except LastgoodError as wrong:
            findings.append(Finding(name="server", outcome="wrong", detail=wrong.message, hint=wrong.hint))
    elif settings.is_file():
        findings += examine_server(settings, left_server)
    elif call.directory is not None or in_repository(where):
        findings += [*examine_clone(where), *examine_forges_here(where), *examine_renderers_here()]
    else:
        hint = "stand in a clone of the config repo, or beside a lastgood.toml"
        findings.append(Finding(name="here", outcome="warn", detail="neither a clone nor a server's folder", hint=hint))
    if call.json:
        call.print_json(to_plain(findings))
    else:
        _print_table(call, findings)
    raise typer.Exit(1 if any(finding.outcome == "wrong" for finding in findings) else 0)


def _print_table(call: Call, findings: "list[Finding]") -> None:
    """Print a line for each, and below them what can be copied as it stands."""
    wide = max(len(finding.name) for finding in findings)
    for finding in findings:
        word = call.style.paint(finding.outcome.ljust(5), _LOOKS[finding.outcome])
        call.print(f"{word}  {finding.name.ljust(wide)}  {clean(finding.detail)}")
        if finding.hint:
            call.print(f"{' ' * (7 + wide + 2)}{clean(finding.hint)}")
    for finding in findings:
        if finding.rules:
            call.print(f"\n# what {finding.name} lacks, for `kubectl apply -f -`\n{clean(finding.rules, lines=True)}")


def _print_rules(call: Call, destination: str) -> None:
    """Print what one cluster lacks and nothing else. Raises LastgoodError where that cannot be known."""
    from lastgood.app.doctor import examine_destination  # noqa: PLC0415 - only where it is looked for

    settings = (call.directory or Path.cwd()) / SETTINGS
    if not settings.is_file():
        raise CommandLineWrong(f"there is no {SETTINGS} here", hint="stand beside the server's settings")
    found = examine_destination(settings, destination)
    if not found.rules and found.outcome != "ok":
        raise TargetFailed(f"{found.name}: {found.detail}", hint=found.hint)
    if call.json:
        call.print_json(to_plain([found]))
    elif found.rules:
        call.print(clean(found.rules, lines=True))
    else:
        call.note(f"{found.name} lacks nothing: {found.detail}")
