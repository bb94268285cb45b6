# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A way from one host's VDSM to another's libvirt, for live migration.

Real hosts talk to each other's libvirtd by TLS on 16514. Here the request `CONNECT libvirt` on VDSM's own port, which
only takes certificates of the engine's CA, is joined to libvirt's local socket.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path

log = logging.getLogger("vdsmd")

LIBVIRT_SOCKET = "/run/libvirt/libvirt-sock"
OPENER = b"CONNECT libvirt HTTP/1.1\r\n\r\n"
ACCEPTED = b"HTTP/1.1 200 Connection established\r\n\r\n"
REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(262144):
            writer.write(data)
            await writer.drain()
    except OSError as problem:
        log.info("relay: %s", problem)
    finally:
        writer.close()


async def join(
    left: tuple[asyncio.StreamReader, asyncio.StreamWriter], right: tuple[asyncio.StreamReader, asyncio.StreamWriter]
) -> None:
    """Carry bytes both ways until one side ends."""
    await asyncio.gather(_pump(left[0], right[1]), _pump(right[0], left[1]))


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, trusted: bool) -> None:
    """The answering side: to this host's libvirt, for a peer whose certificate was verified."""
    if not trusted or not Path(LIBVIRT_SOCKET).exists():
        writer.write(REFUSED)
        await writer.drain()
        return
    local = await asyncio.open_unix_connection(LIBVIRT_SOCKET)
    writer.write(ACCEPTED)
    await join((reader, writer), local)


async def listen(path: Path, host: str, port: int, context: ssl.SSLContext | None) -> asyncio.Server:
    """The asking side: a local socket whose connections end in the peer's libvirt."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            remote = await asyncio.open_connection(host, port, ssl=context, server_hostname=host if context else None)
            remote[1].write(OPENER)
            answer = await remote[0].readexactly(len(ACCEPTED))
            if answer != ACCEPTED:
                raise ConnectionError(f"{host} refuses: {answer!r}")
            await join((reader, writer), remote)
        except (OSError, asyncio.IncompleteReadError) as problem:
            log.warning("relay to %s:%d: %s", host, port, problem)
            writer.close()

    server = await asyncio.start_unix_server(carry, str(path))
    path.chmod(0o600)
    return server
