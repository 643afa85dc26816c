"""SQLAlchemy's SQLite dialect over pysqlite3, as `sqlite+pysqlite3:///FILE`; it makes a library that only takes an
address open the file with the same SQLite as we do.

Two SQLite libraries in one process undo each other's file locks, and DBOS needs a newer SQLite than many systems have.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

DRIVER = "sqlite+pysqlite3"


class PySqlite3Dialect(SQLiteDialect_pysqlite):
    """pysqlite3 on Linux; elsewhere the system's own SQLite is new enough."""

    driver = "pysqlite3"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> ModuleType:
        """The driver module."""
        return importlib.import_module("pysqlite3.dbapi2" if sys.platform == "linux" else "sqlite3.dbapi2")


registry.register("sqlite.pysqlite3", __name__, PySqlite3Dialect.__name__)
