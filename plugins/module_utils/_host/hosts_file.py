# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lines in /etc/hosts that live as long as the bootstrap does, found again by their comment (host contract 10.8)."""

from __future__ import annotations

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import textfile
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.ledger import Ledger

KIND = "hosts_line"
PATH = "/etc/hosts"
HOST_MARKER = "# temporary entry added by hosted-engine-setup for the bootstrap VM"
GUEST_MARKER = "# hosted-engine-setup-"


def with_line(text: str, address: str, name: str, marker: str) -> str:
    """Return a hosts file that begins with our line, and holds no older line of ours.

    The first match counts for the resolver, so that the line wins over one of the administrator.
    """
    return f"{address} {name} {marker}\n{without(text, marker)}"


def without(text: str, marker: str) -> str:
    """Return a hosts file without the lines that carry our comment."""
    return "".join(line for line in text.splitlines(keepends=True) if marker not in line)


def add(address: str, name: str, ledger: Ledger, path: str = PATH, dry_run: bool = False) -> bool:
    """Make the host resolve a name to an address of the bootstrap; return whether the file was changed."""

    def change(text: str) -> str:
        return with_line(text, address, name, HOST_MARKER)

    if dry_run or not textfile.edit(path, change, dry_run=True):
        return textfile.edit(path, change, dry_run=True)
    with ledger.making(KIND, path, marker=HOST_MARKER):
        return textfile.edit(path, change)


def remove(path: str, marker: str, dry_run: bool = False) -> bool:
    """Remove our lines from a hosts file; return whether there were any."""
    return textfile.edit(path, lambda text: without(text, marker), dry_run)


def restore_engine_name(ledger: Ledger, path: str = PATH, dry_run: bool = False) -> bool:
    """Let the host resolve the engine's name to its real address again; return whether the file was changed."""
    changed = remove(path, HOST_MARKER, dry_run)
    if not dry_run:
        ledger.gone(KIND, path)
    return changed
