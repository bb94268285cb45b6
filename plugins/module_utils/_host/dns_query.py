# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask one name server one question (RFC 1035), past the host's resolver, its caches and /etc/hosts.

The resolver of the system cannot be told which server to ask, and a server that is down hides behind the others.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
import struct
from dataclasses import dataclass

A, NS, PTR, AAAA = 1, 2, 12, 28
_IN = 1
_HEADER = "!HHHHHH"
_CODES = {0: "no error", 1: "format error", 2: "server failure", 3: "no such name", 4: "not implemented", 5: "refused"}
_LONGEST_CHAIN = 40


@dataclass(frozen=True)
class Answer:
    """What a server said: a word for its verdict, and the values of the records of the kind that was asked for."""

    verdict: str
    values: tuple[str, ...] = ()


def ask(server: str, name: str, kind: int, tcp: bool = False, seconds: float = 2.0, port: int = 53) -> Answer:
    """Return a server's answer.

    Args:
        server: its address.
        name: the name; see C(reverse_name) for C(PTR).
        kind: C(A), C(AAAA), C(PTR) or C(NS).
        tcp: ask over TCP instead of UDP.
        seconds: how long to wait; over UDP the question is put twice meanwhile.
        port: the server's port.

    Raises:
        OSError: when it does not answer, or with something that is no answer.
    """
    number = secrets.randbits(16)
    question = struct.pack(_HEADER, number, 0x0100, 1, 0, 0, 0) + _encode(name) + struct.pack("!HH", kind, _IN)
    told = _over_tcp(server, port, question, seconds) if tcp else _over_udp(server, port, question, seconds)
    try:
        return _parse(told, number, kind)
    except (IndexError, struct.error, ValueError) as error:
        raise OSError(f"{server} sent something that is no answer: {error}") from error


def reverse_name(address: str) -> str:
    """Return the name under which an address is looked up."""
    return ipaddress.ip_address(address).reverse_pointer


def _over_udp(server: str, port: int, question: bytes, seconds: float) -> bytes:
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as link:
        link.connect((server, port))
        link.settimeout(seconds / 2)
        for last in (False, True):
            link.send(question)
            try:
                return link.recv(4096)
            except socket.timeout:
                if last:
                    raise OSError(f"no answer within {seconds:g} s") from None
    raise OSError("no answer")


def _over_tcp(server: str, port: int, question: bytes, seconds: float) -> bytes:
    with socket.create_connection((server, port), timeout=seconds) as link:
        link.sendall(struct.pack("!H", len(question)) + question)
        with link.makefile("rb") as stream:
            head = stream.read(2)
            if len(head) < 2:
                raise OSError("closed the connection without an answer")
            return stream.read(struct.unpack("!H", head)[0])


def _encode(name: str) -> bytes:
    parts = [label.encode("idna") for label in name.split(".") if label]
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def _parse(told: bytes, number: int, kind: int) -> Answer:
    got, flags, questions, answers, _authority, _additional = struct.unpack_from(_HEADER, told)
    if got != number or not flags & 0x8000:
        raise ValueError("an answer to something else")
    place = struct.calcsize(_HEADER)
    for _question in range(questions):
        _name, place = _decode(told, place)
        place += 4
    values = []
    for _record in range(answers):
        _name, place = _decode(told, place)
        found, _class, _ttl, length = struct.unpack_from("!HHIH", told, place)
        place += 10
        if found == kind:
            values.append(_value(told, place, length, kind))
        place += length
    return Answer(_CODES.get(flags & 15, f"code {flags & 15}"), tuple(values))


def _value(told: bytes, place: int, length: int, kind: int) -> str:
    if kind in (A, AAAA):
        return str(ipaddress.ip_address(told[place:][:length]))
    return _decode(told, place)[0]


def _decode(told: bytes, place: int) -> tuple[str, int]:
    """Return the name at a place, and the place after it; names may end with a pointer to an earlier one."""
    labels: list[str] = []
    after = -1
    for _step in range(_LONGEST_CHAIN):
        length = told[place]
        if length & 0xC0:
            after = place + 2 if after < 0 else after
            place = struct.unpack_from("!H", told, place)[0] & 0x3FFF
        elif length == 0:
            return ".".join(labels), after if after >= 0 else place + 1
        else:
            place += 1
            labels.append(told[place:][:length].decode("ascii", "replace"))
            place += length
    raise ValueError("a name without an end")
