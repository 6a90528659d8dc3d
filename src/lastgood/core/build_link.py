"""The build that a commit of the config repo names in its trailers, as pipelines write them. Pure."""

from lastgood.core.forge import is_page
from lastgood.core.message import trailers_of

_KEYS = frozenset({"build", "build-url", "build-link", "pipeline", "pipeline-url", "ci-url", "workflow-run"})
_MOST = 500
_MOST_MESSAGE = 20_000
_MOST_LINES = 100


def build_link(message: str) -> str | None:
    """Return the address of the first such trailer that is one: http or https, of one word, without credentials."""
    for line in trailers_of(message[-_MOST_MESSAGE:])[-_MOST_LINES:]:
        key, separator, text = line.partition(":")
        address = text.strip()
        if separator and key.casefold() in _KEYS and is_build_page(address):
            return address
    return None


def is_build_page(text: str) -> bool:
    """Say whether a text from elsewhere may stand as a build's page: an address of one word, bounded, a web page's."""
    return len(text) <= _MOST and text.isprintable() and " " not in text and is_page(text)
