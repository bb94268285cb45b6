# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an engine says to its hosts, and in which order.

Each flow is a function of a `HostClient` (or several) and plain ids; it returns plain data and keeps nothing. Verbs and
parameters, down to numbers sent as text, are those of ovirt-engine 4.5's request builders.

| module | an engine's |
|---|---|
| `host` | first contact, what it does when a host comes up, statistics, HA maintenance |
| `network` | management network of a new host |
| `connections` | storage servers: connect, disconnect, discover |
| `domains` | storage domains and the pool of a data center: create, SPM, attach, activate, detach, format |
| `disks` | volumes and images by SPM tasks |
| `ovf_store` | contents of an OVF_STORE volume |
| `machines` | virtual machines, known and unknown |
| `tasks` | following the SPM's tasks |

Errors: `VdsmError` when the host refuses, `HostUnreachable` when it does not answer, and the flow's own, if it says so.
"""

from __future__ import annotations

#: An id that stands for "none": no pool, no parent, no machine.
BLANK = "00000000-0000-0000-0000-000000000000"
