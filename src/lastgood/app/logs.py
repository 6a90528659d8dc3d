"""Set up the log: fixed phrases with facts, to stderr, with secrets taken out of every value. Knows no event."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from lastgood.app.settings import LogSettings
from lastgood.core.redact import redact, redact_plain

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def set_up_logs(settings: LogSettings) -> None:
    """Log from now on as the settings say: text on a terminal, JSON lines elsewhere, unless one is named."""
    terminal = sys.stderr.isatty()
    text = settings.format == "text" or (settings.format == "auto" and terminal)
    shown: structlog.typing.Processor
    if text:
        # Plain tracebacks: the rich ones print local variables, and those may hold tokens.
        shown = structlog.dev.ConsoleRenderer(colors=terminal, exception_formatter=structlog.dev.plain_traceback)
    else:
        shown = structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.format_exc_info,
            without_secrets,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            shown,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[settings.level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def without_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take secrets out of every value of a log event, tracebacks included."""
    return {key: _clean(value) for key, value in event.items()}


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, (dict, list, tuple)):
        return redact_plain(value)
    return value if isinstance(value, (int, float, bool, type(None))) else redact(str(value))
