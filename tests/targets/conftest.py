"""Rooms for the tests of the process target."""

import pytest

from twins.processes import Room


@pytest.fixture
def room(tmp_path):
    """A room whose processes are ended with the test."""
    made = Room(tmp_path / "root")
    yield made
    made.end()
