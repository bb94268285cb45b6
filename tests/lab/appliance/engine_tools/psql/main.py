"""The command: options as psql's, answers on standard output, errors on standard error, exit status always 0.

The real engine-psql.sh ends with 0 even when SQL fails (measured on ovirt-engine 4.5.8).
"""

from __future__ import annotations

import getopt
import sqlite3
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..layout import Layout
from . import table, translate
from .functions import register

_SHORT = "c:f:tAqF:XwP:v:d:h:U:p:1"
_LONG = [
    "command=",
    "file=",
    "tuples-only",
    "no-align",
    "quiet",
    "field-separator=",
    "no-psqlrc",
    "no-password",
    "pset=",
    "set=",
    "variable=",
    "dbname=",
    "host=",
    "username=",
    "port=",
    "single-transaction",
]


@dataclass
class Options:
    """What the command line asks for; `work` is (kind, text) in the order given, kind is "command" or "file"."""

    work: list[tuple[str, str]] = field(default_factory=list)
    tuples_only: bool = False
    unaligned: bool = False
    quiet: bool = False
    separator: str = "|"


def parse(argv: Sequence[str]) -> Options:
    """Raises getopt.GetoptError for an option that psql does not have (or that nothing here needs)."""
    options = Options()
    for name, value in getopt.gnu_getopt(list(argv), _SHORT, _LONG)[0]:
        if name in ("-c", "--command"):
            options.work.append(("command", value))
        elif name in ("-f", "--file"):
            options.work.append(("file", value))
        elif name in ("-t", "--tuples-only") or value == "tuples_only=on":
            options.tuples_only = True
        elif name in ("-A", "--no-align"):
            options.unaligned = True
        elif name in ("-q", "--quiet"):
            options.quiet = True
        elif name in ("-F", "--field-separator"):
            options.separator = value
    return options


class Session:
    """One connection: runs scripts and prints as psql does."""

    def __init__(self, database: Path, options: Options) -> None:
        self._options = options
        sqlite3.register_converter("BOOLEAN", lambda text: "f" if text in (b"0", b"false") else "t")
        uri = f"file:{database}?mode=rw"
        self._connection = sqlite3.connect(
            uri, uri=True, timeout=60, isolation_level=None, detect_types=sqlite3.PARSE_DECLTYPES
        )
        self._deletions = register(self._connection)

    def run(self, script: str, origin: str = "") -> bool:
        """Run all statements; False after one failed (the rest still runs)."""
        fine = True
        for statement in translate.split(script):
            fine = self._statement(statement, origin) and fine
        return fine

    def _statement(self, statement: str, origin: str) -> bool:
        transaction = not self._connection.in_transaction
        try:
            if transaction and not statement.lower().startswith(("begin", "commit", "rollback", "vacuum", "start")):
                self._connection.execute("BEGIN IMMEDIATE")
            cursor = self._connection.execute(translate.to_sqlite(statement))
            rows = cursor.fetchall() if cursor.description else []
            self._deletions.carry_out()
            if transaction and self._connection.in_transaction and not statement.lower().startswith(("begin", "start")):
                self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if transaction and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            sys.stdout.flush()
            print(origin + translate.error(str(error), statement), file=sys.stderr)
            return False
        self._print(statement, cursor, rows)
        return True

    def _print(self, statement: str, cursor: sqlite3.Cursor, rows: list[tuple[object, ...]]) -> None:
        verb = statement.split(None, 1)[0].upper()
        if cursor.description:
            names = [table.column_name(column[0]) for column in cursor.description]
            options = self._options
            sys.stdout.write(table.render(names, rows, options.tuples_only, options.unaligned, options.separator))
        if verb in ("SELECT", "WITH", "VALUES") or self._options.quiet:
            return
        count = len(rows) if cursor.description else cursor.rowcount
        counted = {"UPDATE": f"UPDATE {count}", "DELETE": f"DELETE {count}", "INSERT": f"INSERT 0 {count}"}
        print(
            counted.get(verb) or " ".join(statement.upper().split()[: 2 if verb in ("CREATE", "DROP", "ALTER") else 1])
        )


def main(argv: Sequence[str] | None = None, layout: Layout | None = None) -> int:
    """Entry point of engine-psql.sh."""
    layout = layout or Layout.installed()
    try:
        options = parse(sys.argv[1:] if argv is None else argv)
    except getopt.GetoptError as error:
        print(f'psql: {error}\npsql: hint: Try "psql --help" for more information.', file=sys.stderr)
        return 0
    try:
        session = Session(layout.database, options)
    except sqlite3.Error:
        print(
            'psql: error: connection to server at "localhost" (127.0.0.1), port 5432 failed: Connection refused\n'
            "\tIs the server running on that host and accepting TCP/IP connections?",
            file=sys.stderr,
        )
        return 0
    for kind, text in options.work or [("file", "-")]:
        if kind == "command":
            session.run(text)
            continue
        try:
            script = sys.stdin.read() if text == "-" else Path(text).read_text()
        except OSError as error:
            print(f"psql: error: {text}: {error.strerror}", file=sys.stderr)
            continue
        session.run(script, origin="" if text == "-" else f"psql:{text}:1: ")
    return 0
