"""The event log: every thing that happens is one row of `audit_log`, in order."""

from .log import EventLog

__all__ = ["EventLog"]
