# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests of the HA stand-ins share."""

import json
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "host"


def load(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def stored(path: Path) -> Path:
    """Return where a file lies; one that is no plain UTF-8 text with LF has C(.bin) behind its name."""
    return path if path.exists() else path.with_name(f"{path.name}.bin")


def names(folder: str, pattern: str = "*.json") -> list[str]:
    """Return the stems of the files of a folder, for parametrization."""
    return sorted(
        path.name.removesuffix(pattern[pattern.index("*") + 1 :]) for path in (FIXTURES / folder).glob(pattern)
    )
