# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The engine's database: one SQLite file, with the table names that users of engine-psql know."""

from .database import Database, Row

__all__ = ["Database", "Row"]
