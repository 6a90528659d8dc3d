"""`lastgood init`: find a repo's applications and write its lastgood.yaml."""

import os
from pathlib import Path
from typing import Annotated

import typer

from lastgood.cli.call import Call
from lastgood.cli.rollback import DryRun
from lastgood.cli.text import Column, clean, plural, table
from lastgood.core.errors import CommandLineWrong, LastgoodError
from lastgood.core.value import to_plain


def init(
    ctx: typer.Context,
    directory: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="The repo's folder [default: where you stand]")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write it anew where there is one")] = False,
    dry_run: DryRun = False,
) -> None:
    """Find a repo's applications (plain, Kustomize, Helm) and write a commented lastgood.yaml.

    Where Flux reads the same folder, it also writes the line that keeps Flux from reading ours. Nothing is committed.
    """
    from lastgood.app.folder import look_at_folder  # noqa: PLC0415 - only where a repo is described

    call: Call = ctx.find_root().obj
    where = directory or call.directory or Path.cwd()
    if not where.is_dir():
        raise CommandLineWrong(f"{where}: there is no such folder")
    root, result = look_at_folder(where, force=force)
    if not dry_run:
        for path, text in result.files.items():
            write_whole(root / path, text)
    if call.json:
        call.print_json({**to_plain(result), "directory": str(root), "written": not dry_run})
        return
    if result.found:
        rows = [[clean(f.name), clean(f.environment or "-"), clean(f.path or "."), f.kind] for f in result.found]
        columns = [
            Column("APPLICATION", least=12),
            Column("ENVIRONMENT", least=6),
            Column("PATH", least=12),
            Column("KIND"),
        ]
        call.print(table(columns, rows, call.style))
    for note in result.notes:
        call.note(note)
    if dry_run:
        for path, text in result.files.items():
            call.print(f"\n# {path}\n{text}")
        return
    call.print(f"wrote {', '.join(result.files)} ({plural(len(result.found), 'application')}); read it, then commit it")


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all; never through a link. Raises LastgoodError."""
    new = path.with_name(f".{path.name}.new")
    try:
        new.unlink(missing_ok=True)
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        new.replace(path)
    except OSError as failed:
        raise LastgoodError(
            f"{path} cannot be written: {failed.strerror}", hint="nothing else was changed", file=path.name
        ) from failed
