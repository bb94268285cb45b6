"""The engine's database: one SQLite file, with the table names that users of engine-psql know."""

from .database import Database, Row

__all__ = ["Database", "Row"]
