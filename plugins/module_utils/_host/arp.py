# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask the link who has an IPv4 address (RFC 826, RFC 5227); no command, no packet beyond the link."""

from __future__ import annotations

import ipaddress
import socket
import struct
import time

_ARP, _IPV4, _REQUEST, _REPLY = 0x0806, 0x0800, 1, 2
_BROADCAST = b"\xff" * 6
_HEADER = "!6s6sH"
_BODY = "!HHBBH6s4s6s4s"


def who_has(address: str, interface: str, own_mac: str, own_address: str = "0.0.0.0", seconds: float = 1.5) -> str:
    """Return the hardware address that answers for an IPv4 address, or nothing.

    Args:
        address: whose holder is looked for.
        interface: name of the interface to ask on.
        own_mac: its hardware address.
        own_address: the sender's address; 0.0.0.0 for a probe that touches no neighbour's cache.
        seconds: how long to wait; the question is put three times meanwhile.

    Raises:
        OSError: when the interface cannot be used.
    """
    wanted = ipaddress.IPv4Address(address).packed
    question = _packet(own_mac, own_address, wanted)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ARP)) as link:
        link.bind((interface, _ARP))
        end = time.monotonic() + seconds
        next_question = 0.0
        while (now := time.monotonic()) < end:
            if now >= next_question:
                link.send(question)
                next_question = now + seconds / 3
            link.settimeout(max(0.01, min(next_question, end) - now))
            try:
                answer = holder(link.recv(128), wanted)
            except socket.timeout:
                continue
            if answer:
                return answer
    return ""


def holder(frame: bytes, wanted: bytes) -> str:
    """Return the hardware address in a frame that says who has an address, or nothing for any other frame."""
    start = struct.calcsize(_HEADER)
    if len(frame) < start + struct.calcsize(_BODY):
        return ""
    _hardware, protocol, _hlen, _plen, operation, mac, sender, _tmac, _target = struct.unpack_from(_BODY, frame, start)
    if protocol != _IPV4 or operation != _REPLY or sender != wanted:
        return ""
    return str(mac.hex(":"))


def _packet(own_mac: str, own_address: str, wanted: bytes) -> bytes:
    mac = bytes.fromhex(own_mac.replace(":", ""))
    header = struct.pack(_HEADER, _BROADCAST, mac, _ARP)
    own = ipaddress.IPv4Address(own_address).packed
    return header + struct.pack(_BODY, 1, _IPV4, 6, 4, _REQUEST, mac, own, bytes(6), wanted)
