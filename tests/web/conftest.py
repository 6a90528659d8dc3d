"""A web server over the made-up shop: signed in by its own token, its clock moved by hand."""

import pytest
from starlette.testclient import TestClient

from lastgood.core.commit import Person
from lastgood.web.access import Access, NamedPerson, token_hash
from lastgood.web.app import create_web
from twins.clock import ManualClock
from twins.lastgood import NOW, MemoryLastgood, MemoryRecords

TOKEN = "own-token-of-this-server"
LENAS_TOKEN = "the-token-of-lena"
HOST = "127.0.0.1:8484"


@pytest.fixture
def lastgood():
    return MemoryLastgood()


@pytest.fixture
def records(lastgood):
    return MemoryRecords(lastgood)


@pytest.fixture
def clock():
    return ManualClock(NOW)


@pytest.fixture
def access():
    return Access(
        token=TOKEN,
        operator=Person(name="Priya Raman", email="priya@example.com"),
        session_key="kept by the server",
        people=(NamedPerson(name="Lena Fischer", email="lena@example.com", token_sha256=token_hash(LENAS_TOKEN)),),
    )


@pytest.fixture
def web(lastgood, records, access, clock):
    return create_web(lastgood, records, access=access, clock=clock, version="0.1.0")


@pytest.fixture
def stranger(web):
    """A browser that is not signed in."""
    return TestClient(web, base_url=f"http://{HOST}", follow_redirects=False)


@pytest.fixture
def browser(web):
    """A browser signed in by the printed link."""
    client = TestClient(web, base_url=f"http://{HOST}", follow_redirects=False)
    assert client.get(f"/?token={TOKEN}").status_code == 303
    return client


@pytest.fixture
def script(web):
    """A script with the server's own token."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return TestClient(web, base_url=f"http://{HOST}", headers=headers, follow_redirects=False)
