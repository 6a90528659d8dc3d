"""A web server over the made-up shop: signed in by its own token, its clock moved by hand."""

import pytest
from starlette.testclient import TestClient

from lastgood.web.app import create_web
from twins.clock import ManualClock
from twins.door import HOST, TOKEN, open_access
from twins.lastgood import NOW, MemoryLastgood, MemoryRecords


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
    return open_access()


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
