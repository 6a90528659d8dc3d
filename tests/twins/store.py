"""Values for tests of records: a deployment, an application, a commit, each right in itself; and many at once."""

import datetime as dt
import hashlib
from typing import Any

from lastgood.core.commit import Commit, Person
from lastgood.core.deployment import Deployment
from lastgood.core.record import ApplicationRecord

NOON = dt.datetime(2026, 11, 19, 12, 0, tzinfo=dt.UTC)
PRIYA = Person(name="Priya Raman", email="priya@example.com")


def oid(text: str) -> str:
    """Return an object id that stands for a text."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def make_commit(message: str = "web: release 1.4.2", **changed: Any) -> Commit:
    """Return a commit; its id follows its message unless it is given."""
    given: dict[str, Any] = {
        "oid": oid(message),
        "tree": oid(f"tree of {message}"),
        "parents": (oid(f"parent of {message}"),),
        "author": PRIYA,
        "committer": PRIYA,
        "authored_at": NOON - dt.timedelta(hours=1),
        "committed_at": NOON - dt.timedelta(minutes=5),
        "message": message,
    }
    return Commit(**(given | changed))


def make_deployment(app: str = "web-production", **changed: Any) -> Deployment:
    """Return the record of an attempt that has just begun; id and number are the store's to give."""
    commit = changed.pop("commit", None) or make_commit()
    given: dict[str, Any] = {
        "id": 0,
        "app": app,
        "number": 0,
        "version": oid(f"inputs of {app} at {commit.oid}"),
        "path_tree": oid(f"inputs of {app} at {commit.oid}"),
        "commit": commit,
        "trigger": "commit",
        "outcome": "in-progress",
        "started_at": NOON,
    }
    return Deployment(**(given | changed))


def make_application(name: str = "web-production", **changed: Any) -> ApplicationRecord:
    """Return a followed application that was never looked at."""
    group, _, environment = name.rpartition("-")
    given: dict[str, Any] = {
        "name": name,
        "repo": "shop",
        "branch": "main",
        "path": f"apps/{group}/{environment}",
        "group": group,
        "environment": environment,
        "destination": environment,
        "renderer": "process-compose",
        "definition": {"name": name, "path": f"apps/{group}/{environment}", "destination": environment},
        "state": "followed",
        "message": "",
        "current": None,
        "desired": None,
        "running": None,
        "last_good": None,
        "refused": None,
        "held": 0,
        "health": "Unknown",
        "sync": "Unknown",
        "health_message": "",
        "observed_at": None,
        "updated_at": None,
    }
    return ApplicationRecord(**(given | changed))
