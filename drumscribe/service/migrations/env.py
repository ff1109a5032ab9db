"""What Alembic runs: the caller's connection, so that one transaction holds it all."""

from __future__ import annotations

from alembic import context

from drumscribe.service.tables import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
