# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The event log: every thing that happens is one row of `audit_log`, in order."""

from .log import EventLog

__all__ = ["EventLog"]
