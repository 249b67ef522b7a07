"""How alembic runs the steps: on the connection of ``storage.database``, in its transaction, all or none."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
