# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verbs without a subject of their own: MOM, secrets, fencing, image tickets, external hypervisors."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from .. import errors
from ..journal import redact
from ..verbs import verb

if TYPE_CHECKING:
    from ..host import Host


@verb("Host.setMOMPolicyParameters")
def set_mom_policy_parameters(host: Host, key_value_store: dict[str, Any]) -> None:
    host.mom.update(key_value_store)


@verb("Host.setMOMPolicy", "Host.setLogLevel", "Host.setKsmTune")
def accept(host: Host, **params: Any) -> None:
    # policies without effect here
    return


@verb("Host.registerSecrets")
def register_secrets(host: Host, secrets: list[dict[str, Any]], clear: Any = False) -> None:
    if clear:
        host.secrets.clear()
    host.secrets.update({secret["uuid"]: redact(secret) for secret in secrets})


@verb("Host.unregisterSecrets")
def unregister_secrets(host: Host, uuids: list[str]) -> None:
    for secret in uuids:
        host.secrets.pop(secret, None)


@verb("Host.fenceNode")
def fence_node(
    host: Host,
    addr: str,
    port: Any,
    agent: str,
    username: str,
    password: str,
    action: str,
    secure: Any = False,
    options: Any = "",
    policy: Any = None,
) -> dict[str, str]:
    return {"power": "on"} if action == "status" else {"power": "on", "operationStatus": "initiated"}


@verb("Host.getExternalVMs", "Host.getExternalVmFromOva", "Host.getExternalVMNames")
def get_external_vms(host: Host, **params: Any) -> list[Any]:
    # machines of *other* hypervisors (VMware, Xen); an unknown domain of this host is in Host.getAllVmStats
    return []


# tickets are kept, not served: there is no image daemon behind


@verb("Host.add_image_ticket")
def add_image_ticket(host: Host, ticket: dict[str, Any]) -> None:
    host.fabric.tickets[ticket["uuid"]] = {**ticket, "expires": time.time() + ticket.get("timeout", 300)}


@verb("Host.get_image_ticket")
def get_image_ticket(host: Host, uuid: str) -> dict[str, Any]:
    if uuid not in host.fabric.tickets:
        raise errors.error("ImageTicketsError", uuid)
    ticket = host.fabric.tickets[uuid]
    return {**ticket, "active": False, "transferred": 0, "idle_time": 0, "expires": int(ticket["expires"])}


@verb("Host.extend_image_ticket")
def extend_image_ticket(host: Host, uuid: str, timeout: Any) -> None:
    get_image_ticket(host, uuid)
    host.fabric.tickets[uuid]["expires"] = time.time() + float(timeout)


@verb("Host.remove_image_ticket")
def remove_image_ticket(host: Host, uuid: str) -> None:
    host.fabric.tickets.pop(uuid, None)
