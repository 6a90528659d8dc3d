"""Values for tests of records: a deployment, an application, a commit, each right in itself; and many at once."""

import datetime as dt
import hashlib
from typing import Any

from sqlalchemy import Connection

from lastgood.core.commit import Commit, Person
from lastgood.core.deployment import Deployment, Phase
from lastgood.core.record import ApplicationRecord
from lastgood.core.resource import ImageChange
from lastgood.store import SqlStore
from lastgood.store import application as application_sql
from lastgood.store import deployment as deployment_sql
from lastgood.store.schema import deployments as deployment_table
from lastgood.store.schema import numbering

NOON = dt.datetime(2026, 11, 19, 12, 0, tzinfo=dt.UTC)
PRIYA = Person(name="Priya Raman", email="priya@example.com")


def oid(text: str) -> str:
    """Return an object id that stands for a text."""
    return hashlib.sha1(text.encode(errors="surrogatepass"), usedforsecurity=False).hexdigest()


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


async def fill(store: SqlStore, *, applications: int, deployments: int) -> None:
    """Give a store many applications and records, in few transactions: a release every minute up to NOON."""
    names = [f"service{n}-{'production' if n % 2 else 'staging'}" for n in range(applications)]
    await store._database.write(_fill_applications, names)
    for begin in range(0, deployments, 10_000):
        await store._database.write(
            _fill_deployments, names, range(begin, min(deployments, begin + 10_000)), deployments
        )


def _fill_applications(connection: Connection, names: list[str]) -> None:
    for name in names:
        application_sql.save(connection, make_application(name))
    connection.execute(numbering.insert(), [{"app": name, "last_number": 0} for name in names])


def _fill_deployments(connection: Connection, names: list[str], numbers: range, total: int) -> None:
    rows = []
    for n in numbers:
        app = names[n % len(names)]
        commit = make_commit(
            f"{app}: release 1.{n}\n\nCarries SHOP-{n} and a fix for the totals of large carts.\n",
            author=Person(name=f"Person {n % 97}", email=f"person{n % 97}@example.com"),
        )
        made = make_deployment(
            app,
            commit=commit,
            outcome="failed" if n % 10 == 0 else "succeeded",
            trigger="rollback" if n % 20 == 1 else "commit",
            own_fault=n % 10 == 0,
            started_at=NOON - dt.timedelta(minutes=total - n),
            finished_at=NOON - dt.timedelta(minutes=total - n, seconds=-40),
            baked_at=None if n % 10 == 0 else NOON - dt.timedelta(minutes=total - n - 10),
            images=(ImageChange(name="web", from_=oid(f"{n - 1}"), to=oid(f"{n}")),),
            phases=tuple(Phase(name=name, started_at=NOON, finished_at=NOON) for name in ("render", "apply", "watch")),
            definition={"name": app, "path": f"apps/{app}", "destination": "local"},
        )
        fixed = deployment_sql._fixed(made, app.rpartition("-")[2])
        rows.append({**fixed, **deployment_sql._changing(made, ""), "number": n // len(names) + 1})
    connection.execute(deployment_table.insert(), rows)
    connection.execute(numbering.update().values(last_number=numbers[-1] // len(names) + 1))
