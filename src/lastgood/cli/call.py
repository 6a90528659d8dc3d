"""One call of the program: what was asked for globally, and where output goes.

Data goes to stdout, everything else to stderr. Knows no command and no situation.
"""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import msgspec

from lastgood.cli.text import Style, clean
from lastgood.core.errors import LastgoodError

# What goes into a pipe or a file is searched, not looked at: nothing there is cut that anybody would miss.
PIPE_COLUMNS = 240


class Call:
    """The global options of this call, and the two streams.

    directory: `-C`. server: `--server`. output: text or json.
    """

    def __init__(self) -> None:
        self.directory: Path | None = None
        self.server: str | None = None
        self.output = "text"
        self.quiet = False
        self.verbose = False
        self.no_color = False

    @property
    def json(self) -> bool:
        """Whether scripts read the output."""
        return self.output == "json"

    @property
    def style(self) -> Style:
        """How text on stdout may look: as wide as the terminal, and coloured where people see it."""
        return Style(width=_width(), color=self._colors(sys.stdout))

    @property
    def error_style(self) -> Style:
        """The same for stderr."""
        return Style(width=_width(), color=self._colors(sys.stderr))

    @property
    def terminal(self) -> bool:
        """Whether there is somebody to ask: stdin and stderr are a terminal."""
        return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()

    def _colors(self, stream: Any) -> bool:
        # NO_COLOR counts when it is set to anything but the empty text (no-color.org).
        return not self.no_color and not os.environ.get("NO_COLOR") and stream.isatty()

    def print(self, text: str) -> None:
        """Write data for people to stdout."""
        if text:
            sys.stdout.write(text if text.endswith("\n") else text + "\n")

    def flush(self) -> None:
        """Let whoever reads stdout have what was written."""
        sys.stdout.flush()

    def print_json(self, plain: Any) -> None:
        """Write data for scripts to stdout: one JSON value, indented."""
        try:
            # The standard library indents in Python: a timeline of fifty entries would take longest in being printed.
            text = msgspec.json.format(msgspec.json.encode(plain), indent=2).decode()
        except UnicodeEncodeError:
            # A path that is no UTF-8 goes out as it came in.
            text = json.dumps(plain, indent=2, ensure_ascii=False)
        sys.stdout.write(text + "\n")

    def tell(self, text: str) -> None:
        """Say to people, on stderr, what happens; `-q` silences it."""
        if not self.quiet:
            sys.stderr.write(text + "\n")

    def note(self, text: str) -> None:
        """Say something on stderr that is worth knowing but no error."""
        self.tell(f"{self.error_style.paint('note:', 'yellow')} {clean(text)}")

    def suggest(self, text: str) -> None:
        """Say on stderr what a person may do next; scripts need no advice."""
        if not self.json:
            self.tell(f"{self.error_style.paint('hint:', 'cyan')} {clean(text)}")

    def error(self, error: LastgoodError) -> None:
        """Say what went wrong: on stderr for people; for scripts as the one JSON shape on stdout."""
        if self.json:
            self.print_json(error.as_json())
        else:
            self.complain(error)

    def complain(self, error: LastgoodError) -> None:
        """Say what went wrong on stderr, whatever the output; `-v` adds the causes."""
        style = self.error_style
        said = [f"{style.paint('error:', 'red', 'bold')} {clean(error.message, lines=True)}"]
        if error.hint:
            said.append(f"{style.paint('hint:', 'cyan')} {clean(error.hint, lines=True)}")
        if self.verbose:
            said += [f"caused by: {cause}" for cause in causes(error)]
        sys.stderr.write("\n".join(said) + "\n")


def causes(error: BaseException) -> list[str]:
    """Name what stands behind an error, outermost first: only lastgood's own words and the kinds of others.

    Texts of other libraries may hold a URL with its password, so that only the name of their class is shown.
    """
    said: list[str] = []
    cause = error.__cause__
    while cause is not None and len(said) < 10:  # noqa: PLR2004 - a chain of causes ends, or nobody reads on
        said.append(clean(cause.message) if isinstance(cause, LastgoodError) else type(cause).__name__)
        cause = cause.__cause__
    return said


def _width() -> int:
    return max(40, min(shutil.get_terminal_size((PIPE_COLUMNS, 24)).columns, PIPE_COLUMNS))
