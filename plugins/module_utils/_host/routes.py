# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The IPv4 routes of all tables and the neighbours, asked of the kernel over netlink without a command."""

from __future__ import annotations

import ipaddress
import os
import socket
import struct
from collections.abc import Iterator

_RTM_GETROUTE, _RTM_GETNEIGH = 26, 30
_ERROR, _DONE = 2, 3
_REQUEST_DUMP = 0x301
_RTA_DST, _RTA_OIF, _RTA_TABLE = 1, 4, 15
_NDA_DST, _NDA_LLADDR = 1, 2
_UNICAST = 1
_TABLES = {253: "default", 254: "main", 255: "local"}

Prefix = ipaddress.IPv4Network


def ipv4_routes(ignore_device: str = "") -> list[tuple[Prefix, str]]:
    """Return the destinations of all routes but default ones, each with words for where it is from.

    Raises:
        OSError: when the kernel does not answer.
    """
    ignored = socket.if_nametoindex(ignore_device) if ignore_device and _exists(ignore_device) else 0
    found = []
    for body in _dump(_RTM_GETROUTE, struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, 0, 0, 0, 0, 0)):
        _family, length, _src, _tos, table, _protocol, _scope, kind, _flags = struct.unpack_from("=BBBBBBBBI", body)
        values = _attributes(body[12:])
        device = struct.unpack("=I", values[_RTA_OIF])[0] if _RTA_OIF in values else 0
        if kind != _UNICAST or length < 2 or _RTA_DST not in values or (ignored and device == ignored):
            continue
        number = struct.unpack("=I", values[_RTA_TABLE])[0] if _RTA_TABLE in values else table
        prefix = ipaddress.IPv4Network((values[_RTA_DST], length), strict=False)
        found.append((prefix, f"route in table {_TABLES.get(number, number)}"))
    return found


def neighbours() -> dict[str, str]:
    """Return the hardware addresses of the machines that the kernel knows on its links, by IPv4 and IPv6 address.

    Raises:
        OSError: when the kernel does not answer.
    """
    found = {}
    for body in _dump(_RTM_GETNEIGH, struct.pack("=BxxxiHBB", socket.AF_UNSPEC, 0, 0, 0, 0)):
        values = _attributes(body[12:])
        mac = values.get(_NDA_LLADDR, b"")
        # Groups and loopback have entries too.
        if _NDA_DST in values and len(mac) == 6 and any(mac) and not mac[0] & 1:
            found[str(ipaddress.ip_address(values[_NDA_DST]))] = mac.hex(":")
    return found


def _exists(name: str) -> bool:
    return os.path.exists(f"/sys/class/net/{name}")


def _dump(kind: int, body: bytes) -> Iterator[bytes]:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as link:
        link.settimeout(2)
        link.bind((0, 0))
        link.send(struct.pack("=IHHII", 16 + len(body), kind, _REQUEST_DUMP, 1, 0) + body)
        while True:
            told = link.recv(1 << 17)
            place = 0
            while place + 16 <= len(told):
                length, answer, _flags, _number, _port = struct.unpack_from("=IHHII", told, place)
                if answer == _DONE:
                    return
                if answer == _ERROR:
                    number = -struct.unpack_from("=i", told, place + 16)[0]
                    raise OSError(number, os.strerror(number))
                yield told[place:][16:length]
                place += (length + 3) & ~3


def _attributes(data: bytes) -> dict[int, bytes]:
    found = {}
    place = 0
    while place + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, place)
        if length < 4:
            break
        found[kind & 0x3FFF] = data[place:][4:length]
        place += (length + 3) & ~3
    return found
