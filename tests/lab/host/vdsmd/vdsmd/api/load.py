# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Imports every module that registers verbs."""

from . import (
    capabilities,
    connections,
    devices,
    domains,
    hosted_engine,
    images,
    leases,
    machines,
    misc,
    networks,
    pools,
    sdm,
    stats,
    tasks,
    volumes,
)

__all__ = [
    "capabilities",
    "connections",
    "devices",
    "domains",
    "hosted_engine",
    "images",
    "leases",
    "machines",
    "misc",
    "networks",
    "pools",
    "sdm",
    "stats",
    "tasks",
    "volumes",
]
