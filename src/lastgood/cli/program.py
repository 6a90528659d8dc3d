"""The program `lastgood`: global options, commands that are imported when called, errors turned into exit codes.

Library errors become messages and exit codes here and nowhere else. Knows no command's options.
"""

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from lastgood import __version__
from lastgood.cli.call import Call
from lastgood.cli.commands import COMMANDS
from lastgood.cli.words import read_simply
from lastgood.core.errors import CommandLineWrong, LastgoodError
from lastgood.core.nearest import did_you_mean

INTERRUPTED = 130
# As a shell names a program that SIGPIPE ended: what was to be done may not have been.
NO_READER = 141


class Command(TyperCommand):
    """A command that takes the global options too, so that they may stand after its name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params = [*self.params, *global_parameters()]

    def get_params(self, ctx: Any) -> list[Any]:
        """Return all parameters, `--help` among them."""
        return read_simply(super().get_params(ctx))


class Program(TyperGroup):
    """The table of commands as a group; `--help` reads the table and imports none of them."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return all parameters, `--help` among them."""
        return read_simply(super().get_params(ctx))

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer
        """Return the names in the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - Typer
        """Import a command, None if there is no such."""
        return load(cmd_name) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that the arguments name; suggest the nearest for one that nobody knows."""
        if args[0] not in COMMANDS:
            hint = did_you_mean(args[0], COMMANDS) or "see `lastgood --help`"
            raise CommandLineWrong(f"there is no command {args[0]}", hint=hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - Typer
        """Write the list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line.summary) for name, line in COMMANDS.items()])


def load(name: str) -> Any:
    """Import a command of the table and build it."""
    line = COMMANDS[name]
    function = getattr(importlib.import_module(f"lastgood.cli.{line.module}"), line.function)
    return build(function, name)


def build(function: Callable[..., Any], name: str) -> Any:
    """Make a command of a function with Typer's annotations; its docstring is the help."""
    one = typer.Typer(add_completion=False, rich_markup_mode=None)
    one.command(name, cls=Command, short_help=COMMANDS[name].summary)(function)
    return typer.main.get_command(one)


def _globals(
    call_directory: Annotated[
        Path | None, typer.Option("-C", metavar="DIR", help="A clone of the config repo [default: where you stand]")
    ] = None,
    call_server: Annotated[
        str | None, typer.Option("--server", metavar="URL", help="Ask this server [env: LASTGOOD_SERVER]")
    ] = None,
    call_output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="text|json", help="For people, or for scripts")
    ] = None,
    call_quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print data and errors only")] = False,
    call_verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Show more: git commands, causes of errors, chains")
    ] = False,
    call_no_color: Annotated[bool, typer.Option("--no-color", help="No colours [env: NO_COLOR]")] = False,
    call_version: Annotated[bool, typer.Option("--version", help="Print the version")] = False,
) -> None:
    """Only its parameters count. Their names begin so that no command has the same."""


def _keep(ctx: Any, param: Any, value: Any) -> Any:
    """Put a global option's value into the call, wherever the option stood."""
    call: Call = ctx.find_root().obj
    name = param.name.removeprefix("call_")
    if name == "version" and value:
        sys.stdout.write(f"lastgood {__version__}\n")
        raise typer.Exit
    if name == "output" and value not in {None, "text", "json"}:
        raise CommandLineWrong(f"-o {value} is not known", hint="it is `-o text` or `-o json`")
    if value not in {None, False}:
        setattr(call, name, value)
    return value


def global_parameters() -> list[Any]:
    """Build the global options anew: a parameter belongs to one command."""
    one = typer.Typer(add_completion=False, rich_markup_mode=None)
    one.command("globals")(_globals)
    parameters = typer.main.get_command(one).params
    for parameter in parameters:
        parameter.expose_value = False
        parameter.callback = _keep
        # Eager, so that `-o json` holds for an error in the options that follow it.
        parameter.is_eager = True
    return list(parameters)


def program() -> Any:
    """Build the program."""
    app = typer.Typer(cls=Program, add_completion=False, rich_markup_mode=None, no_args_is_help=False)

    @app.callback(invoke_without_command=True)
    def lastgood(ctx: typer.Context) -> None:
        """Every deployment on a timeline. Every rollback in Git."""
        if ctx.invoked_subcommand is None:
            sys.stdout.write(ctx.get_help() + "\n")

    group = typer.main.get_command(app)
    group.params = [*group.params, *global_parameters()]
    return group


def run(arguments: Sequence[str]) -> int:
    """Run the program with these arguments; return its exit code. Prints every error there is."""
    call = Call()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        code = _run(call, arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has gone (`| head`): that is no error, and Python must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NO_READER
    return code


def _run(call: Call, arguments: Sequence[str]) -> int:
    try:
        code = program().main(list(arguments), prog_name="lastgood", standalone_mode=False, obj=call)
    except typer.Abort:
        return INTERRUPTED
    except KeyboardInterrupt:
        call.tell("")
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except SystemExit as left:
        # Typer's own answer to a reader that has gone.
        raise BrokenPipeError from left
    except LastgoodError as error:
        _guess_output(call, arguments)
        call.error(error)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - the last line of defence: one sentence instead of a stack trace
        return _unexpected(call, error, arguments)
    return code if isinstance(code, int) else 0


def _unexpected(call: Call, error: Exception, arguments: Sequence[str]) -> int:
    """Say that something is wrong with the command line (Typer's errors) or with lastgood itself (all others)."""
    if hasattr(error, "format_message"):
        _guess_output(call, arguments)
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else "lastgood"
        wrong = CommandLineWrong(_sentence(error.format_message()), hint=f"see `{path} --help`")
        call.error(wrong)
        return wrong.exit_code
    if call.verbose:
        import traceback  # noqa: PLC0415 - only where something broke

        # The frames say where; the message of a foreign error might hold a URL with its password.
        traceback.print_tb(error.__traceback__)
    call.error(
        LastgoodError(
            f"lastgood failed in a way that it does not know: {type(error).__name__}",
            hint="nothing is known to have changed; `-v` shows where it happened",
        )
    )
    return 1


def _guess_output(call: Call, arguments: Sequence[str]) -> None:
    """Honour `-o json` for an error that came before that option was read."""
    joined = f" {' '.join(arguments)} "
    if any(form in joined for form in (" -o json ", " -ojson ", " --output json ", " --output=json ")):
        call.output = "json"


def _sentence(text: str) -> str:
    """Write Typer's message as ours: small first letter, no full stop."""
    text = text.strip().rstrip(".")
    return text[:1].lower() + text[1:] if text[:2] != text[:2].upper() else text
