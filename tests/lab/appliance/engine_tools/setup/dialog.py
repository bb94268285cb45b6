"""otopi's console and its log file. What is secret never reaches either."""

from __future__ import annotations

import secrets
import textwrap
import time
from pathlib import Path
from typing import TextIO

FILTERED = "**FILTERED**"
_INDENT = " " * 10


class Dialog:
    """Prints as the otopi dialog does and keeps a log with everything, 0600."""

    def __init__(self, log_dir: Path, out: TextIO) -> None:
        self.started = time.strftime("%Y%m%d%H%M%S")
        self.log_path = log_dir / "setup" / f"ovirt-engine-setup-{self.started}-{secrets.token_hex(3)}.log"
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        self._log = self.log_path.open("x")
        self.log_path.chmod(0o600)
        self._out = out
        self._secrets: list[str] = []

    def hide(self, secret: object) -> None:
        """Replace `secret` wherever it would be printed or logged from now on."""
        if isinstance(secret, str) and secret:
            self._secrets.append(secret)
            self._secrets.sort(key=len, reverse=True)

    def clean(self, text: str) -> str:
        """`text` without the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, FILTERED)
        return text

    def info(self, text: str) -> None:
        self._line("INFO", "[ INFO  ] ", text)

    def warning(self, text: str) -> None:
        self._line("WARNING", "[WARNING] ", text)

    def error(self, text: str) -> None:
        self._line("ERROR", "[ ERROR ] ", text)

    def stage(self, name: str) -> None:
        self.info(f"Stage: {name}")

    def note(self, text: str = "") -> None:
        """Text without a mark, indented and folded as otopi does."""
        text = self.clean(text)
        for line in text.splitlines() or [""]:
            width = len(line) - len(line.lstrip())
            folded = textwrap.wrap(
                line, 69, subsequent_indent=" " * width, break_long_words=False, break_on_hyphens=False
            )
            for part in folded or [""]:
                self._out.write(f"{_INDENT if part else ' ' * 9}{part}\n")
        self._out.flush()
        self._write("DIALOG:SEND", text)

    def title(self, name: str) -> None:
        self.note()
        self.note(f"--== {name} ==--")
        self.note()

    def debug(self, text: str) -> None:
        """Only into the log."""
        self._write("DEBUG", self.clean(text))

    def _line(self, level: str, mark: str, text: str) -> None:
        text = self.clean(text)
        self._out.write(f"{mark}{text}\n")
        self._out.flush()
        self._write(level, text)

    def _write(self, level: str, text: str) -> None:
        stamp = time.strftime("%Y-%m-%d %H:%M:%S%z")
        for line in text.splitlines() or [""]:
            self._log.write(f"{stamp} {level} otopi.plugins {line}\n")
        self._log.flush()
