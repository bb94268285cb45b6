# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Configuration of one engine: a TOML or JSON file."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, fields
from pathlib import Path


@dataclass
class Config:
    """All settings, with the defaults of an installed engine.

    admin_user is the name with its profile (`admin@internal`, `admin@ovirt@internalsso`); its password comes as
    `pbkdf2_sha256$ROUNDS$SALT$HEX` or from a file. speed: engine seconds per real second. refused_login_delay: seconds
    a refused login takes (measured: 5). faults: a JSON file with faults that are in force from the start; none if there
    is no such file.
    """

    listen: str = "0.0.0.0"
    port: int = 443
    http_port: int = 0
    fqdn: str = "localhost"
    pki_dir: str = "/etc/pki/ovirt-engine"
    database: str = "/var/lib/ovirt-engine/engine.db"
    log_dir: str = "/var/log/ovirt-engine"
    speed: float = 1.0
    admin_user: str = "admin@internal"
    admin_password_hash: str = ""
    admin_password_file: str = ""
    install_vds: bool = True
    encrypt_host_communication: bool = True
    ssh_key: str = ""
    known_hosts: str = ""
    organization: str = "Test"
    control: str = ""
    faults: str = ""
    refused_login_delay: float = 5.0
    threads: int = 10
    ovf_update_interval_minutes: int = 60

    @property
    def profile(self) -> str:
        """`internal` or `internalsso`: what follows the last @ of the user's name."""
        return self.admin_user.rpartition("@")[2]

    def password_matches(self, password: str) -> bool:
        if self.admin_password_hash:
            return verify_password(password, self.admin_password_hash)
        stored = Path(self.admin_password_file).read_text().rstrip("\n")
        return hmac.compare_digest(password.encode(), stored.encode())


def hash_password(password: str, salt: str, rounds: int = 50_000) -> str:
    """`pbkdf2_sha256$ROUNDS$SALT$HEX`."""
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), rounds).hex()
    return f"pbkdf2_sha256${rounds}${salt}${digest}"


def verify_password(password: str, stored: str) -> bool:
    kind, rounds, salt, _ = stored.split("$", 3)
    if kind != "pbkdf2_sha256":
        raise ValueError(f"unknown kind of password hash: {kind}")
    return hmac.compare_digest(hash_password(password, salt, int(rounds)), stored)


def load(path: str | Path) -> Config:
    """Reads a configuration file. Raises OSError, ValueError (unknown key, wrong syntax)."""
    text = Path(path).read_text()
    if str(path).endswith(".json") or text.lstrip().startswith("{"):
        values = json.loads(text)
    else:
        import tomllib

        values = tomllib.loads(text)
    known = {item.name for item in fields(Config)}
    unknown = set(values) - known
    if unknown:
        raise ValueError(f"{path}: unknown settings {', '.join(sorted(unknown))}")
    return Config(**values)
