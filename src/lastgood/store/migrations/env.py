"""What Alembic runs for each migration: on the connection that `store/migrate.py` gives, in its transaction."""

from alembic import context

from lastgood.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
