"""What alembic runs: one starter at a time, all new versions in one transaction, waiting for no lock long."""

from alembic import context
from sqlalchemy import Connection

from migrations import LOCK_KEY

connection: Connection = context.config.attributes["connection"]
context.configure(connection=connection)
with context.begin_transaction():
    # Taken before the version is read, and until the commit: whoever waits here finds the work done. It waits as long
    # as the other one works; the short timeouts count for the changes themselves.
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK_KEY})")
    connection.exec_driver_sql("SET LOCAL lock_timeout = '4s'")
    connection.exec_driver_sql("SET LOCAL statement_timeout = '5s'")
    context.run_migrations()
