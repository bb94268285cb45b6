# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything a lab needs before it starts: the layers of a host and the package repository."""

from pathlib import Path

from driver.layer import host_layers
from driver.paths import cache


def build_parts() -> tuple[list[Path], Path]:
    """(layers of a host, package repository), from the cache where nothing has changed."""
    repository = cache() / "repo" / "none"
    repository.mkdir(parents=True, exist_ok=True)
    return host_layers([]), repository
