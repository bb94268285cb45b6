# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask a machine for an echo (ICMP, RFC 792 and 4443) without a command; what ping does."""

from __future__ import annotations

import os
import socket
import struct
import time

_SEND_INTERVAL = 0.5
_IP_MTU_DISCOVER, _IP_PMTUDISC_PROBE = 10, 3


def answers(address: str, seconds: float = 2.0, interface: str = "", payload: int = 32) -> bool:
    """Return whether an address answers to an echo request.

    Args:
        address: IPv4 or IPv6 address.
        seconds: how long to wait; a request is sent twice a second meanwhile.
        interface: name of the interface to send from; that of the route if empty.
        payload: bytes of the request; it is not fragmented.

    Raises:
        OSError: when there is no way to the address, or the request is larger than the interface takes.
    """
    six = ":" in address
    family, protocol = (socket.AF_INET6, socket.IPPROTO_ICMPV6) if six else (socket.AF_INET, socket.IPPROTO_ICMP)
    request, reply = (128, 129) if six else (8, 0)
    number = (os.getpid() ^ hash((address, payload))) & 0xFFFF
    with socket.socket(family, socket.SOCK_RAW, protocol) as link:
        if interface:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        if not six:
            link.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _IP_PMTUDISC_PROBE)
        link.connect((address, 0))
        packet = _packet(request, number, payload, six)
        end = time.monotonic() + seconds
        next_request = 0.0
        while (now := time.monotonic()) < end:
            if now >= next_request:
                link.send(packet)
                next_request = now + _SEND_INTERVAL
            link.settimeout(max(0.01, min(next_request, end) - now))
            try:
                told = link.recv(payload + 128)
            except socket.timeout:
                continue
            if _is_reply(told, reply, number, six):
                return True
    return False


def _packet(kind: int, number: int, payload: int, six: bool) -> bytes:
    body = bytes(range(256)) * (payload // 256 + 1)
    blank = struct.pack("!BBHHH", kind, 0, 0, number, 1) + body[:payload]
    if six:  # the kernel fills in the sum, which covers addresses
        return blank
    return blank[:2] + struct.pack("!H", _sum(blank)) + blank[4:]


def _is_reply(told: bytes, kind: int, number: int, six: bool) -> bool:
    start = 0 if six else (told[0] & 15) * 4
    if len(told) < start + 8:
        return False
    found, _code, _sum_of, identifier, _sequence = struct.unpack_from("!BBHHH", told, start)
    return bool(found == kind and identifier == number)


def _sum(packet: bytes) -> int:
    padded = packet + b"\0" * (len(packet) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int(~total & 0xFFFF)
