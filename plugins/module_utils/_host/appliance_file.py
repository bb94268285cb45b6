# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which file the appliance is in, what kind of file it is, and the digest it must have."""

from __future__ import annotations

import glob
import os
import re
from dataclasses import dataclass

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare

APPLIANCE_MISSING = declare(
    "appliance.missing",
    "There is no engine appliance to deploy",
    "Install the package ovirt-engine-appliance, or name an OVA or qcow2 file on the host with he_appliance.",
)
APPLIANCE_UNKNOWN = declare(
    "appliance.unknown_format",
    "The appliance is neither an OVA nor a qcow2 image",
    "Name the file as it was downloaded; an interrupted download has to be repeated.",
)

# 10-appliance.conf of 4.5; newer packages put the distribution behind it.
CONF_PATTERN = "/etc/ovirt-hosted-engine/*-appliance*.conf"

_ALGORITHMS = {40: "sha1", 64: "sha256", 96: "sha384", 128: "sha512"}


@dataclass(frozen=True)
class Source:
    """An appliance file, and the digest that it must have as C(algorithm:hex), or nothing."""

    path: str
    checksum: str = ""


def find(path: str, checksum: str = "", pattern: str = CONF_PATTERN) -> Source:
    """Return the appliance: the named file, or that of the installed package.

    Args:
        path: file on the host; the installed package is looked for if empty.
        checksum: what the file must have, see C(normal_checksum); that of the package if empty.
        pattern: where packages describe their appliance (host contract 2.1).

    Raises:
        HostedEngineError: C(appliance.missing) or C(appliance.unknown_format).
    """
    if not path:
        described = [_described(name) for name in sorted(glob.glob(pattern), reverse=True)]
        named = [conf for conf in described if conf.get("path")]
        found = next((conf for conf in named if os.path.isfile(conf["path"])), named[0] if named else None)
        if found is None:
            raise HostedEngineError(APPLIANCE_MISSING, expected=f"a file like {pattern}", observed="none")
        path = found["path"]
        checksum = checksum or found.get("sha1sum", "")
    if not os.path.isfile(path):
        raise HostedEngineError(APPLIANCE_MISSING, expected=f"the file {path}", observed="no such file")
    return Source(path, normal_checksum(checksum))


def normal_checksum(text: str) -> str:
    """Return a checksum as C(algorithm:hex); the algorithm is told by the length where it is not written.

    Raises:
        HostedEngineError: C(appliance.unknown_format).
    """
    if not text:
        return ""
    algorithm, _colon, value = text.strip().lower().rpartition(":")
    if not re.fullmatch(r"[0-9a-f]+", value) or algorithm not in ("", _ALGORITHMS.get(len(value))):
        raise HostedEngineError(
            APPLIANCE_UNKNOWN,
            observed=f"the checksum {text!r}",
            expected="sha256:HEX",
            advice="Write the checksum as it is published, for example sha256: and 64 hexadecimal digits.",
        )
    if len(value) not in _ALGORITHMS:
        raise HostedEngineError(APPLIANCE_UNKNOWN, observed=f"a checksum of {len(value)} digits", expected="64 or 40")
    return f"{_ALGORITHMS[len(value)]}:{value}"


def kind(path: str) -> str:
    """Return C(qcow2), C(gzip) or C(tar) by what the file begins with; names may lie.

    Raises:
        HostedEngineError: C(appliance.unknown_format).
    """
    with open(path, "rb") as stream:
        start = stream.read(265)
    if start.startswith(b"QFI\xfb"):
        return "qcow2"
    if start.startswith(b"\x1f\x8b"):
        return "gzip"
    if start[257:262] == b"ustar":
        return "tar"
    raise HostedEngineError(
        APPLIANCE_UNKNOWN,
        expected="an OVA (tar, with or without gzip) or qcow2",
        observed=f"{path} begins with {start[:8]!r}",
    )


def _described(path: str) -> dict[str, str]:
    with open(path, encoding="utf-8") as stream:
        pairs = (line.partition("=") for line in stream if "=" in line and not line.lstrip().startswith("#"))
        return {key.strip(): value.strip().strip("\"'") for key, _equals, value in pairs}
