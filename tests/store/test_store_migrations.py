"""How a database comes to its schema: from nothing, from each revision, twice, and at once."""

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from lastgood.core.built import Built
from lastgood.core.carried import Carried
from lastgood.core.commit import Person
from lastgood.core.feature import Feature
from lastgood.core.kept_settings import KeptSettings
from lastgood.core.record import DeploymentQuery
from lastgood.core.setting import SettingChange, Settings
from lastgood.store import SqlStore, migrate
from lastgood.store.database import Database, sqlite_engine
from lastgood.store.revision import is_newest, newest
from lastgood.store.schema import metadata
from twins.store import NOON, fill, make_deployment

REVISIONS = [revision.revision for revision in ScriptDirectory.from_config(migrate._config()).walk_revisions()]


def differences(connection: Connection) -> list[object]:
    """Compare a database with the tables as the code knows them; the search index is SQLite's own affair."""

    def ours(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "table" or not (name or "").startswith("deployment_search")

    return compare_metadata(
        MigrationContext.configure(connection, opts={"include_name": ours, "compare_type": True}), metadata
    )


def dump(path: Path) -> list[str]:
    with sqlite3.connect(path) as connection:
        lines = list(connection.iterdump())
    connection.close()
    return lines


def test_the_migrations_make_the_tables_that_the_code_knows():
    """Nothing is in the tables that no migration made, and the other way round."""
    store = SqlStore.in_memory()
    found = store._database.write_now(differences)
    store.close()

    assert found == []


def test_a_difference_would_be_seen():
    """The comparison is not blind: a column more is found."""
    store = SqlStore.in_memory()
    store._database.write_now(lambda c: c.exec_driver_sql("ALTER TABLE pauses ADD COLUMN extra TEXT"))
    found = store._database.write_now(differences)
    store.close()

    assert len(found) == 1


@pytest.mark.parametrize("revision", ["base", *REVISIONS])
def test_every_earlier_schema_is_brought_up_to_date(tmp_path, revision):
    """From each revision that was ever released, opening leads to the newest one."""
    database = Database(sqlite_engine(str(tmp_path / "old.db"), busy_timeout_s=1))

    def to_revision(connection: Connection) -> None:
        config = migrate._config()
        config.attributes["connection"] = connection
        if revision != "base":
            command.upgrade(config, revision)

    database.write_now(to_revision)
    database.close()
    store = SqlStore.open(tmp_path / "old.db")
    found = store._database.write_now(differences)
    store.close()

    assert found == []


async def test_a_record_of_before_settings_were_kept_is_found_by_them_afterwards(tmp_path):
    """What it was found by stays, its features too; it has no settings until somebody keeps them."""
    store = SqlStore.open(tmp_path / "a.db")
    run = await store.start_deployment(make_deployment())
    await store.save_carried(Carried(deployment=run.id, found_at=NOON, build="https://ci.example/gift"))
    store.close()
    with sqlite3.connect(tmp_path / "a.db") as connection:  # as the revision before left it
        connection.execute("DROP TABLE settings")
        connection.execute("ALTER TABLE deployments DROP COLUMN settings_folded")
        connection.execute("ALTER TABLE deployments DROP COLUMN people_folded")
        connection.execute("ALTER TABLE carried DROP COLUMN built")
        connection.execute("UPDATE alembic_version SET version_num = '0004'")
    connection.close()

    store = SqlStore.open(tmp_path / "a.db")
    assert await store.settings([run.id]) == {}
    assert [one.id for one in await store.wanting_settings(after_id=0, at=NOON)] == [run.id]
    change = SettingChange(kind="Deployment", namespace=None, name="web", path="memory", before="1Gi", after="2Gi")
    await store.save_settings(KeptSettings(deployment=run.id, found_at=NOON, settings=Settings(changes=(change,))))
    found = [await store.count_deployments(DeploymentQuery(search=word)) for word in ("release", "gift", "memory")]
    feature = await store.count_deployments(DeploymentQuery(feature="gift"))
    store.close()

    assert (found, feature) == ([1, 1, 1], 1)


async def test_the_people_of_what_was_kept_before_are_found_afterwards(tmp_path):
    """Each person once; a record that carried nothing has none."""
    ada, zoe = (Person(name=name, email=f"{name}@example.com") for name in ("Ada", "ZOË"))
    feature = Feature(
        id="PR-1", repo="o/shop", kind="pull_request", title="x", url=None, authors=(ada, zoe), commits=(), type=None,
        breaking=False,
    )  # fmt: skip
    store = SqlStore.open(tmp_path / "a.db")
    runs = [await store.start_deployment(make_deployment()) for _ in range(3)]
    for run, entered in zip(runs, ((feature,), (), (feature, feature)), strict=True):
        await store.save_carried(Carried(deployment=run.id, found_at=NOON, entered=entered))
    store.close()
    with sqlite3.connect(tmp_path / "a.db") as connection:  # as the revision before left it
        before = connection.execute("SELECT people_folded FROM deployments ORDER BY id").fetchall()
        connection.execute("ALTER TABLE deployments DROP COLUMN people_folded")
        connection.execute("ALTER TABLE carried DROP COLUMN built")
        connection.execute("UPDATE alembic_version SET version_num = '0005'")
    connection.close()

    store = SqlStore.open(tmp_path / "a.db")
    found = [await store.count_deployments(DeploymentQuery(author=name)) for name in ("ada", "zoë", "nobody")]
    store.close()
    with sqlite3.connect(tmp_path / "a.db") as connection:
        after = connection.execute("SELECT people_folded FROM deployments ORDER BY id").fetchall()
    connection.close()

    assert found == [2, 2, 0]
    assert after == before


async def test_a_record_of_before_revisions_were_kept_has_none(tmp_path):
    """Its features stay, and a revision that is kept with it from then on is read back."""
    store = SqlStore.open(tmp_path / "a.db")
    run = await store.start_deployment(make_deployment())
    kept = Carried(deployment=run.id, found_at=NOON, build="https://ci.example/gift")
    await store.save_carried(kept)
    store.close()
    with sqlite3.connect(tmp_path / "a.db") as connection:  # as the revision before left it
        connection.execute("ALTER TABLE carried DROP COLUMN built")
        connection.execute("UPDATE alembic_version SET version_num = '0006'")
    connection.close()

    store = SqlStore.open(tmp_path / "a.db")
    before = await store.carried([run.id])
    none = await store.built(run.app, limit=9)
    built = (Built(image="web", reference="1", repo="https://git.example/o/shop", revision="a" * 40, how="tag"),)
    await store.save_carried(msgspec.structs.replace(kept, built=built))
    after = await store.built(run.app, limit=9)
    store.close()

    assert (before, none, after) == ({run.id: kept}, [], [(run.id, built)])


def test_the_newest_revision_is_told_without_alembic(tmp_path):
    """The number of the newest file is Alembic's head, and only a database that has it counts as up to date."""
    assert newest() == ScriptDirectory.from_config(migrate._config()).get_current_head()
    database = Database(sqlite_engine(str(tmp_path / "a.db"), busy_timeout_s=1))
    before = database.write_now(is_newest)
    database.write_now(migrate.migrate)
    after = database.write_now(is_newest)
    database.write_now(lambda c: c.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'"))
    older = database.write_now(is_newest)
    database.close()

    assert (before, after, older) == (False, True, False)


def test_records_that_are_up_to_date_are_opened_without_alembic(tmp_path):
    """A server that has nothing to migrate does not keep the migrating program in its memory for ever."""
    program = (
        "import sys; from lastgood.store.sql_store import SqlStore; SqlStore.open(sys.argv[1]).close();"
        "print('alembic' in sys.modules)"
    )
    command_line = [sys.executable, "-c", program, str(tmp_path / "a.db")]
    said = [subprocess.run(command_line, capture_output=True, text=True, check=True).stdout for _ in range(2)]

    assert said == ["True\n", "False\n"]


async def test_opening_again_changes_nothing(tmp_path):
    """The second start finds the schema and the records as the first one left them."""
    store = SqlStore.open(tmp_path / "a.db")
    await store.start_deployment(make_deployment())
    store.close()
    before = dump(tmp_path / "a.db")
    SqlStore.open(tmp_path / "a.db").close()

    assert dump(tmp_path / "a.db") == before


async def test_two_first_starts_at_once_make_one_schema(tmp_path):
    """An agent and a web process that find no database yet both end up with the same one."""
    stores = await asyncio.gather(*(asyncio.to_thread(SqlStore.open, tmp_path / "a.db") for _ in range(4)))
    begun = [await store.start_deployment(make_deployment()) for store in stores]
    for store in stores:
        store.close()

    assert [d.number for d in begun] == [1, 2, 3, 4]


async def test_a_migration_that_fails_leaves_the_old_schema(tmp_path, monkeypatch):
    """A step that breaks in the middle is taken back whole; the next start begins again."""

    def broken(*_args: object) -> None:
        raise RuntimeError("the step broke")

    with monkeypatch.context() as patched:
        patched.setattr("alembic.op.create_index", broken)
        with pytest.raises(RuntimeError, match="the step broke"):
            SqlStore.open(tmp_path / "a.db")
    assert dump(tmp_path / "a.db") == ["BEGIN TRANSACTION;", "COMMIT;"]

    SqlStore.open(tmp_path / "a.db").close()


async def test_the_search_index_follows_its_records():
    """SQLite's index is true to the column after inserts, updates and deletes by any hand."""
    store = SqlStore.in_memory()
    await fill(store, applications=2, deployments=6)
    await store._database.write(lambda c: c.exec_driver_sql("UPDATE deployments SET search_text='zzz' WHERE id=1"))
    await store._database.write(lambda c: c.exec_driver_sql("DELETE FROM deployments WHERE id=2"))
    check = "INSERT INTO deployment_search(deployment_search, rank) VALUES ('integrity-check', 1)"
    await store._database.write(lambda c: c.exec_driver_sql(check))
    found = await store.deployments(DeploymentQuery(search="zzz"))
    store.close()

    assert [d.id for d in found] == [1]
