# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The search language of the engine: one grammar for all collections (engine contract 6, measured 1)."""

from .grammar import Condition, Query, SearchError, parse
from .sql import LARGEST, Selection, compile_query

__all__ = ["LARGEST", "Condition", "Query", "SearchError", "Selection", "compile_query", "parse"]
