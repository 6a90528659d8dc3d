"""`lastgood doctor`: what is installed, reachable, allowed; what to do about what is not."""

import os
from pathlib import Path

import typer

from lastgood.cli.call import Call
from lastgood.cli.situation import SETTINGS, in_repository, left_server, work
from lastgood.cli.text import clean
from lastgood.core.errors import LastgoodError
from lastgood.core.value import to_plain

_LOOKS = {"ok": "green", "warn": "yellow", "wrong": "red"}


def doctor(ctx: typer.Context) -> None:
    """Say what is installed, reachable and allowed, and what to do about what is not.

    Exit code 1 where something is wrong.
    """
    from lastgood.app.doctor import (  # noqa: PLC0415 - only where it is looked for
        Finding,
        examine_clone,
        examine_machine,
        examine_server,
    )
    from lastgood.app.doctor_render import examine_renderers_here  # noqa: PLC0415 - only where it is looked for

    call: Call = ctx.find_root().obj
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
        findings += [*examine_clone(where), *examine_renderers_here()]
    else:
        hint = "stand in a clone of the config repo, or beside a lastgood.toml"
        findings.append(Finding(name="here", outcome="warn", detail="neither a clone nor a server's folder", hint=hint))
    if call.json:
        call.print_json(to_plain(findings))
    else:
        wide = max(len(finding.name) for finding in findings)
        for finding in findings:
            word = call.style.paint(finding.outcome.ljust(5), _LOOKS[finding.outcome])
            call.print(f"{word}  {finding.name.ljust(wide)}  {clean(finding.detail)}")
            if finding.hint:
                call.print(f"{' ' * (7 + wide + 2)}{clean(finding.hint)}")
            if finding.rules:
                # From the first column, so that it can be taken as it stands.
                call.print(clean(finding.rules, lines=True))
    raise typer.Exit(1 if any(finding.outcome == "wrong" for finding in findings) else 0)
