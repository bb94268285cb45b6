# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The slots of he_metadata as text: one line with a checksum, then ``key=value`` lines (host contract 3.2, 3.3)."""

import json
import logging
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..agent import constants as agent_constants
from ..env import constants
from . import engine, util
from .exceptions import FatalMetadataError, MalformedMetadataError, MetadataTooNewError

#: Flags of slot 0.
GLOBAL_FLAGS = ("maintenance",)

_CRC_FIELD = 9
_MINIMUM_FIELDS = 7

HostMetadata = dict[str, Any]


def _checksum(tokens: list[str]) -> str:
    blanked = [*tokens[:_CRC_FIELD], "0" * 8, *tokens[_CRC_FIELD + 1 :]]
    return format(zlib.crc32("|".join(blanked).encode()) & 0xFFFFFFFF, "08x")


@dataclass
class HostSlot:
    """What one host says about itself; times are seconds of its own monotonic clock."""

    timestamp: int
    host_id: int
    score: int
    engine_status: Mapping[str, Any] | None
    hostname: str
    maintenance: bool
    stopped: bool
    conf_on_shared_storage: bool
    local_conf_timestamp: int
    state: str
    #: Wall-clock time at which the monotonic clock read zero.
    epoch: float
    #: Monotonic time at which the state will be left, if it has a limit that runs.
    timeout_end: float | None = None
    extra: dict[str, object] = field(default_factory=dict)

    def line(self) -> str:
        """Return the checked line.

        Raises ValueError if it does not fit into its 512 characters.
        """
        tokens = [
            str(agent_constants.METADATA_PARSE_VERSION),
            str(agent_constants.METADATA_FEATURE_VERSION),
            str(self.timestamp),
            str(self.host_id),
            str(self.score),
            json.dumps(self.engine_status),
            self.hostname,
            str(int(self.maintenance)),
            str(int(self.stopped)),
            "",
            str(int(self.conf_on_shared_storage)),
            str(self.local_conf_timestamp),
        ]
        tokens[_CRC_FIELD] = _checksum(tokens)
        line = "|".join(tokens)
        if len(line) > constants.METADATA_BLOCK_BYTES:
            raise ValueError(f"Output metadata too long ({line})")
        return line

    def text(self) -> str:
        """Return the readable part; ``timeout`` shows a date in 1970, as its epoch is left out (contract 3.2)."""
        state_data: dict[str, object] = {"maintenance": self.maintenance, "state": self.state, "stopped": self.stopped}
        if self.timeout_end is not None:
            state_data["timeout"] = time.ctime(self.timeout_end)
        lines = [
            f"metadata_parse_version={agent_constants.METADATA_PARSE_VERSION}",
            f"metadata_feature_version={agent_constants.METADATA_FEATURE_VERSION}",
            f"timestamp={self.timestamp} ({time.ctime(self.epoch + self.timestamp)})",
            f"host-id={self.host_id}",
            f"score={self.score}",
            f"vm_conf_refresh_time={self.local_conf_timestamp} ({time.ctime(self.epoch + self.local_conf_timestamp)})",
            f"conf_on_shared_storage={self.conf_on_shared_storage}",
            *(f"{key}={state_data[key]}" for key in sorted(state_data)),
        ]
        return "".join(line + "\n" for line in lines)

    def blocks(self) -> bytes:
        """Return the line and the text, each padded to whole blocks of 512 bytes."""
        return _padded(self.line().encode()) + _padded(self.text().encode())


def _padded(data: bytes) -> bytes:
    block = constants.METADATA_BLOCK_BYTES
    return data.ljust(-(-len(data) // block) * block, b"\0")


def global_slot(maintenance: bool) -> bytes:
    """Return slot 0: one flag, no version, no checksum, no newline (host contract 3.3)."""
    return f"maintenance={int(maintenance)}".encode().ljust(constants.HOST_SEGMENT_BYTES, b"\0")


def parse_metadata_to_dict(host_id: int, data: str) -> HostMetadata:
    """Read the slot of a host; the id is that of the slot, whatever the line says.

    Raises MalformedMetadataError for what readers drop, FatalMetadataError for a newer parse version, and ValueError
    for a field that is no number: uncaught in client and agent (host contract 3.2).
    """
    block = constants.METADATA_BLOCK_BYTES
    if len(data) < block:
        raise MalformedMetadataError(
            f"Malformed metadata for host {host_id}: received {len(data)} of {block} expected bytes"
        )
    line, extra = data[:block].rstrip("\0"), data[block:].rstrip("\0")
    tokens = line.split("|")
    try:
        version = int(tokens[0])
    except ValueError:
        raise MalformedMetadataError(
            f"Malformed metadata for host {host_id}: non-parsable metadata version {line}"
        ) from None
    if version > agent_constants.METADATA_FEATURE_VERSION:
        raise FatalMetadataError(
            f"Metadata version {version} from host {host_id} too new for this agent"
            f" (highest compatible version: {agent_constants.METADATA_FEATURE_VERSION})"
        )
    if len(tokens) < _MINIMUM_FIELDS:
        raise MalformedMetadataError(
            f"Malformed metadata for host {host_id}: received {len(tokens)} of {_MINIMUM_FIELDS} expected tokens"
        )
    feature_version = int(tokens[1])
    if feature_version < agent_constants.METADATA_PARSE_VERSION:
        raise MalformedMetadataError(
            f"Metadata version {feature_version} from host {host_id} too old for this agent"
            f" (lowest compatible version: {agent_constants.METADATA_PARSE_VERSION})"
        )
    # numbers before the checksum: a bar inside the JSON shifts the fields and ends the reader instead of being dropped
    fields = _host_fields(host_id, tokens, extra)
    if len(tokens) > _CRC_FIELD and tokens[_CRC_FIELD] != _checksum(tokens):
        raise MalformedMetadataError(
            f"Malformed metadata for host {host_id}: provided checksum {tokens[_CRC_FIELD]}"
            f" does not match the data {_checksum(tokens)}."
        )
    return fields


def _host_fields(host_id: int, tokens: list[str], extra: str) -> HostMetadata:
    result: HostMetadata = {
        "host-id": host_id,
        "host-ts": int(tokens[2]),
        "score": int(tokens[4]),
        "engine-status": tokens[5],
        "hostname": tokens[6],
    }
    if len(tokens) >= 8:
        result["maintenance"] = bool(int(tokens[7]))
    if len(tokens) >= 9:
        result["stopped"] = bool(int(tokens[8]))
    if len(tokens) >= 10:
        result["crc32"] = tokens[_CRC_FIELD]
    if len(tokens) >= 12:
        result["conf_on_shared_storage"] = bool(int(tokens[10]))
        result["local_conf_timestamp"] = int(tokens[11])
    if extra:
        result["extra"] = extra
    return result


def parse_global_metadata_to_dict(log: logging.Logger, data: str) -> dict[str, bool]:
    """Read slot 0; lines with an unknown key are logged and dropped.

    Raises MalformedMetadataError if it is short, ValueError for a value that is no flag.
    """
    expected = constants.HOST_SEGMENT_BYTES
    if len(data) < expected:
        raise MalformedMetadataError(f"Malformed global metadata: received {len(data)} of {expected} expected bytes")
    result: dict[str, bool] = {}
    for line in data.rstrip("\0").split("\n"):
        key, equals, value = line.partition("=")
        if equals and key in GLOBAL_FLAGS:
            result[key] = util.to_bool(value)
        else:
            log.error("Invalid global metadata key: %s", line)
    return result


def parse_for_agent(log: logging.Logger, host_id: int, data: str) -> HostMetadata:
    """Read a slot the way the agent does: damaged ones are logged and empty, the engine status is an object.

    Raises MetadataTooNewError, and ValueError as the readers above.
    """
    try:
        if host_id == 0:
            return dict(parse_global_metadata_to_dict(log, data))
        result = parse_metadata_to_dict(host_id, data)
    except FatalMetadataError as exc:
        raise MetadataTooNewError(str(exc)) from exc
    except MalformedMetadataError as exc:
        log.error("%s", exc)
        return {}
    result["engine-status"] = engine.parse(result["engine-status"])
    return result
