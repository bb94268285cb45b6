"""The command line and the environment that the answers make."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .. import otopi
from ..layout import Layout

ADMIN_PASSWORD = "OVESETUP_CONFIG/adminPassword"
_SECRET_WORDS = ("password", "secret")


class SetupError(Exception):
    """A stage cannot go on; the text is what otopi prints after "Failed to execute stage"."""


@dataclass
class Arguments:
    """What engine-setup was started with."""

    config_files: list[Path] = field(default_factory=list)
    accept_defaults: bool = False
    offline: bool = False
    generate_answer: Path | None = None
    overrides: dict[str, otopi.Value] = field(default_factory=dict)


def parse(argv: Sequence[str]) -> Arguments:
    """Raises SystemExit on a wrong command line, as argparse does; SetupError on a malformed --otopi-environment."""
    parser = argparse.ArgumentParser(prog="engine-setup", allow_abbrev=False)
    parser.add_argument("--log", type=Path, help="write log to this file")
    parser.add_argument("--config", type=Path, help="load configuration files")
    parser.add_argument(
        "--config-append", type=Path, action="append", default=[], help="load extra configuration files"
    )
    parser.add_argument("--offline", action="store_true", help="offline mode")
    parser.add_argument("--generate-answer", type=Path, help="generate answer file")
    parser.add_argument("--accept-defaults", action="store_true", help="accept all defaults")
    parser.add_argument(
        "--reconfigure-optional-components", action="store_true", help="ask about previously disabled components"
    )
    parser.add_argument("--otopi-environment", default="", help='extra environment, "KEY=type:value KEY=type:value"')
    given = parser.parse_args(argv)
    overrides = {}
    for item in given.otopi_environment.split():
        key, _, value = item.partition("=")
        try:
            overrides[key] = otopi.parse_value(value)
        except (ValueError, KeyError) as error:
            raise SetupError(f"--otopi-environment {key}: {error.args[0]}") from error
    files = ([given.config] if given.config else []) + given.config_append
    return Arguments(files, given.accept_defaults, given.offline, given.generate_answer, overrides)


class Environment(dict[str, otopi.Value]):
    """The otopi environment with the few questions that engine-setup asks of it."""

    @property
    def fqdn(self) -> str:
        return str(self["OVESETUP_CONFIG/fqdn"])

    @property
    def organization(self) -> str:
        return str(self["OVESETUP_PKI/organization"])

    @property
    def keycloak(self) -> bool:
        return bool(self["OVESETUP_CONFIG/keycloakEnable"])

    @property
    def admin_user(self) -> str:
        """Engine contract 4: with Keycloak the user is another one."""
        return "admin@ovirt@internalsso" if self.keycloak else "admin@internal"

    def secrets(self) -> dict[str, str]:
        """Values that may be shown nowhere."""
        return {key: value for key, value in self.items() if _is_secret(key) and isinstance(value, str) and value}

    def public(self) -> dict[str, otopi.Value]:
        """The environment without its secrets."""
        return {key: value for key, value in self.items() if not _is_secret(key)}


def _is_secret(key: str) -> bool:
    return any(word in key.lower() for word in _SECRET_WORDS)


def load(arguments: Arguments, layout: Layout) -> Environment:
    """Shipped and previous configuration first, then the given files in order. Raises SetupError."""
    for path in arguments.config_files:
        if not path.is_file():
            raise SetupError(f"Configuration file '{path}' does not exist")
    try:
        files = otopi.with_directory(layout.setup_conf) + arguments.config_files
        return Environment({**otopi.read_environment(files), **arguments.overrides})
    except (ValueError, OSError) as error:
        raise SetupError(str(error)) from error


def fill_defaults(environment: Environment, accept: bool) -> None:
    """What is not answered gets its default, if defaults are accepted. Raises SetupError where an answer is needed."""
    defaults: dict[str, otopi.Value] = {
        "OVESETUP_CONFIG/fqdn": socket.getfqdn(),
        "OVESETUP_PKI/organization": None,
        "OVESETUP_CONFIG/keycloakEnable": True,
        "OVESETUP_CONFIG/updateFirewall": True,
        "OVESETUP_CONFIG/applicationMode": "both",
        "OVESETUP_CONFIG/sanWipeAfterDelete": False,
        "OVESETUP_CONFIG/websocketProxyConfig": True,
        "OVESETUP_APACHE/configureRootRedirection": True,
        "OVESETUP_APACHE/configureSsl": True,
        "OVESETUP_ENGINE_CORE/enable": True,
        "OVESETUP_DB/host": "localhost",
        "OVESETUP_DB/port": 5432,
        "OVESETUP_DB/user": "engine",
        "OVESETUP_DB/database": "engine",
        "OVESETUP_OVN/ovirtProviderOvn": True,
        "OVESETUP_VMCONSOLE_PROXY_CONFIG/vmconsoleProxyConfig": True,
    }
    for key, value in defaults.items():
        if environment.get(key) is None:
            if not accept:
                raise SetupError(f"End of file (no answer for {key})")
            environment[key] = value
    if environment["OVESETUP_PKI/organization"] is None:
        environment["OVESETUP_PKI/organization"] = environment.fqdn.partition(".")[2] or "Test"
