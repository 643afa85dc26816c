"""Alembic's entry: runs the steps over the connection that `storage.schema` hands in."""

from alembic import context

from storage.models import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True
)
context.run_migrations()
