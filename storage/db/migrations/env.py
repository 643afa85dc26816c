"""Alembic's entry: runs the steps over the connection that `storage.db.migration_runner` hands in."""

from alembic import context

from storage.db.models import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True
)
context.run_migrations()
