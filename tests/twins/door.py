"""The tokens and the address with which tests come to the web server."""

from lastgood.core.commit import Person
from lastgood.web.access import Access, NamedPerson, token_hash

TOKEN = "own-token-of-this-server"
LENAS_TOKEN = "the-token-of-lena"
HOST = "127.0.0.1:8484"


def open_access() -> Access:
    """Return who may: the holder of the printed token, and Lena."""
    return Access(
        token=TOKEN,
        operator=Person(name="Priya Raman", email="priya@example.com"),
        session_key="kept by the server",
        people=(NamedPerson(name="Lena Fischer", email="lena@example.com", token_sha256=token_hash(LENAS_TOKEN)),),
    )
