# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Times of the services: the real values, unless the lab's own file says otherwise.

``/etc/ovirt-hosted-engine-ha/lab-timing.conf`` (section ``[timing]``) exists only in the lab; no real host has it.
Values are seconds and may have a fraction. The package ships one that changes nothing but sanlock's IO timeout.
``/srv/lab/ha-timing.conf``, where a scenario has put one, comes on top of it, on all hosts of the lab alike.
"""

import configparser
from dataclasses import dataclass, fields
from typing import Any

from . import constants


@dataclass(frozen=True)
class Timing:
    """Seconds; defaults are those of host contract 5.1, 6.1 and 7."""

    loop_delay: float = 10
    missing_service_delay: float = 30
    local_maintenance_delay: float = 2
    host_alive_timeout: float = 60
    history_needed: float = 60
    engine_starting_timeout: float = 600
    engine_bad_health_timeout: float = 300
    engine_away_expiration: float = 40
    unexpected_shutdown_expiration: float = 560
    broker_start_delay: float = 2
    status_interval: float = 10
    monitor_interval: float = 10
    network_test_gap: float = 0.5
    network_test_timeout: float = 5
    cpu_load_interval: float = 60
    lockspace_retry_delay: float = 5
    #: 0 leaves it to sanlock, whose own is 10; a host id is acquired within about twice this time.
    sanlock_io_timeout: int = 0
    domain_monitor_timeout: float = 240
    vdsm_retry_delay: float = 15


def load(*paths: str) -> Timing:
    """Return the times to use; ``paths`` are the files, by default those of the host, later ones on top.

    Raises ValueError for a key that does not exist or a value that is no number.
    """
    parser = configparser.ConfigParser()
    parser.read(paths or (constants.LAB_TIMING_FILE, constants.SHARED_LAB_TIMING_FILE))
    if not parser.has_section("timing"):
        return Timing()
    known = {field.name.replace("_", "-"): field.name for field in fields(Timing)}
    values: dict[str, Any] = {}
    for key, text in parser.items("timing"):
        if key not in known:
            raise ValueError(f"[timing]: unknown key {key!r}, known: {', '.join(sorted(known))}")
        values[known[key]] = int(text) if key == "sanlock-io-timeout" else float(text)
    return Timing(**values)
