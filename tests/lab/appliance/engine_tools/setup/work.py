"""What engine-setup makes: PKI, configuration, database, service."""

from __future__ import annotations

import json
import secrets
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from .. import VERSION, otopi
from ..layout import Layout
from . import checks
from .answers import ADMIN_PASSWORD, Environment, SetupError
from .dialog import Dialog

_OPTIONS = Path(__file__).with_name("options.json")
_ROUNDS = 50_000

_ENGINE_CONF = {
    "10-setup-database.conf": (
        'ENGINE_DB_HOST="{host}"\nENGINE_DB_PORT="{port}"\nENGINE_DB_USER="{user}"\nENGINE_DB_PASSWORD=""\nENGINE_DB_DATABASE="{database}"\n'
        'ENGINE_DB_SECURED="False"\nENGINE_DB_SECURED_VALIDATION="False"\nENGINE_DB_DRIVER="org.sqlite"\nENGINE_DB_URL="sqlite:{file}"\n'
    ),
    "10-setup-pki.conf": (
        'ENGINE_PKI="{pki}"\nENGINE_PKI_CA="{pki}/ca.pem"\nENGINE_PKI_ENGINE_CERT="{pki}/certs/engine.cer"\n'
    ),
    "10-setup-protocols.conf": (
        "ENGINE_FQDN={fqdn}\nENGINE_PROXY_ENABLED=true\nENGINE_PROXY_HTTP_PORT=80\nENGINE_PROXY_HTTPS_PORT=443\nENGINE_AJP_ENABLED=true\n"
        "ENGINE_AJP_PORT=8702\nENGINE_HTTP_ENABLED=false\nENGINE_HTTPS_ENABLED=false\nENGINE_HTTP_PORT=None\nENGINE_HTTPS_PORT=None\n"
    ),
    "11-setup-sso.conf": (
        'ENGINE_SSO_CLIENT_ID="ovirt-engine-core"\nENGINE_SSO_SERVICE_SSL_VERIFY_HOST=false\nENGINE_SSO_SERVICE_SSL_VERIFY_CHAIN=true\n'
        'SSO_ALTERNATE_ENGINE_FQDNS=""\nSSO_ENGINE_URL="https://${{ENGINE_FQDN}}/ovirt-engine/"\nSSO_CALLBACK_PREFIX_CHECK=true\n'
    ),
}


def write_private(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file that is never open to others, in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode)
    fresh.write_text(text)
    fresh.replace(path)


def make_pki(layout: Layout, environment: Environment, dialog: Dialog) -> None:
    """The authority and the engine's certificates, once for the life of the installation."""
    from engine_sim import pki

    if (layout.pki / "ca.pem").exists():
        dialog.debug("The PKI exists and stays")
        return
    dialog.info("Upgrading CA")
    dialog.info(f"Creating CA: {layout.shown(layout.pki / 'ca.pem')}")
    dialog.info(f"Creating CA: {layout.shown(layout.pki / 'qemu-ca.pem')}")
    pki.create(layout.pki, environment.fqdn, environment.organization)


def write_configuration(layout: Layout, environment: Environment) -> None:
    """engine.conf.d, and the simulator's own configuration with a hash of the administrator's password."""
    values = {
        "host": environment["OVESETUP_DB/host"],
        "port": environment["OVESETUP_DB/port"],
        "user": environment["OVESETUP_DB/user"],
        "database": environment["OVESETUP_DB/database"],
        "file": layout.shown(layout.database),
        "pki": layout.shown(layout.pki),
        "fqdn": environment.fqdn,
    }
    for name, template in _ENGINE_CONF.items():
        path = layout.config / "engine.conf.d" / name
        if name != "11-setup-sso.conf" or not path.exists():
            write_private(path, template.format(**values), 0o640)
    password = environment.get(ADMIN_PASSWORD)
    stored = _password_hash(str(password)) if password else previous_hash(layout)
    settings: dict[str, str | int] = {
        "listen": "0.0.0.0",
        "port": 443,
        "http_port": 80,
        "fqdn": environment.fqdn,
        "pki_dir": str(layout.pki),
        "database": str(layout.database),
        "log_dir": str(layout.log_dir),
        "admin_user": environment.admin_user,
        "admin_password_hash": stored,
        "ssh_key": str(layout.pki / "keys/engine_id_rsa"),
        "known_hosts": str(layout.root / "var/lib/ovirt-engine/.ssh/known_hosts"),
        "organization": environment.organization,
        "control": "/run/engine-sim.sock",
        "faults": "/etc/ovirt-engine/engine-sim-faults.json",
    }
    write_private(layout.simulator_config, "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items()))


def _password_hash(password: str) -> str:
    from engine_sim.config import hash_password

    return hash_password(password, secrets.token_hex(8), _ROUNDS)


def previous_hash(layout: Layout) -> str:
    """The stored hash of an earlier setup, '' if there is none."""
    import tomllib

    if not layout.simulator_config.is_file():
        return ""
    return str(tomllib.loads(layout.simulator_config.read_text()).get("admin_password_hash", ""))


def write_post_configuration(layout: Layout, environment: Environment) -> None:
    """What a later engine-setup, and otopi-config-query, know of this one."""
    kept = {key: value for key, value in environment.public().items() if key.startswith("OVESETUP_")}
    kept.pop("OVESETUP_CONFIG/continueSetupOnHEVM", None)
    kept.pop("OVESETUP_PKI/renew", None)
    kept["OVESETUP_CORE/generatedByVersion"] = VERSION
    kept["OVESETUP_CORE/generatedTimestamp"] = time.strftime("%Y%m%d%H%M%S")
    header = "# action=setup\n"
    write_private(layout.post_conf, header + otopi.render(kept), 0o644)


def systemctl(*arguments: str) -> str:
    """Run systemctl; its standard output. Raises SetupError."""
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SetupError(f"Command '/usr/bin/systemctl' failed to execute: {done.stderr.strip()}")
    return done.stdout


def last_words(unit: str) -> str:
    """The last line that a unit wrote to the journal."""
    done = subprocess.run(
        ["journalctl", "--unit", unit, "--lines=20", "--output=cat"], capture_output=True, text=True, check=False
    )
    lines = [line for line in done.stdout.splitlines() if line and "ovirt-engine.service" not in line]
    return lines[-1] if lines else ""


def wait_for_database(layout: Layout, why_service_fails: Callable[[], str], deadline: float = 120) -> None:
    """The service makes the schema at its first start; it is there when the options are. Raises SetupError."""
    end = time.monotonic() + deadline
    while not checks.has_database(layout.database):
        if reason := why_service_fails():
            raise SetupError(f"Failed to start service 'ovirt-engine': {reason}")
        if time.monotonic() > end:
            raise SetupError(
                f"{layout.shown(layout.database)} has no options {deadline:.0f} s after the start of ovirt-engine"
            )
        time.sleep(0.2)


def complete_options(layout: Layout, environment: Environment) -> None:
    """Add the options that a real installation has and the database lacks, and mark a restored database as set up."""
    with sqlite3.connect(layout.database, timeout=60) as connection:
        known = set(connection.execute("SELECT option_name, version FROM vdc_options"))
        rows = [
            (name, value, value, version)
            for name, version, value in json.loads(_OPTIONS.read_text())
            if (name, version) not in known
        ]
        connection.executemany(
            "INSERT INTO vdc_options (option_name, option_value, default_value, version) VALUES (?, ?, ?, ?)", rows
        )
        connection.execute("UPDATE vdc_options SET option_value = '0' WHERE option_name = 'DbJustRestored'")
