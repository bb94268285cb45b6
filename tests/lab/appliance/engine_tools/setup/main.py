"""The run of engine-setup: otopi's stages in order, each a function below."""

from __future__ import annotations

import hashlib
import ssl
import sys
from collections.abc import Callable, Sequence
from typing import TextIO

from .. import otopi
from ..layout import Layout
from . import answers, checks, work
from .answers import ADMIN_PASSWORD, Environment, SetupError
from .dialog import Dialog


class Setup:
    """One run. `service` is systemctl, or a stand-in for it in tests."""

    def __init__(self, layout: Layout, dialog: Dialog, service: Callable[..., str] = work.systemctl) -> None:
        self._layout, self._dialog, self._service = layout, dialog, service
        self._stage = "Initializing"
        self._existing = False
        self._arguments = answers.Arguments()
        self._environment = Environment()

    def run(self, argv: Sequence[str]) -> int:
        """All stages; 0 or 1."""
        dialog = self._dialog
        try:
            self._enter("Initializing")
            self._arguments = answers.parse(argv)
            self._setup_environment()
            self._customize()
            self._validate()
            self._change()
            self._close()
        except SetupError as error:
            dialog.error(f"Failed to execute stage '{self._stage}': {error}")
            self._end(failed=True)
            return 1
        self._end(failed=False)
        return 0

    def _enter(self, stage: str) -> None:
        self._stage = stage
        self._dialog.stage(stage)

    def _setup_environment(self) -> None:
        self._enter("Environment setup")
        layout, dialog = self._layout, self._dialog
        files = [str(path) for path in otopi.with_directory(layout.setup_conf) + self._arguments.config_files]
        dialog.note(f"Configuration files:\n{', '.join(files)}" if files else "Configuration files:")
        dialog.note(f"Log file:\n{layout.shown(dialog.log_path)}")
        dialog.note("Version: otopi-1.10.5 (lab)")
        self._environment = answers.load(self._arguments, layout)
        for secret in self._environment.secrets().values():
            dialog.hide(secret)
        self._existing = checks.has_database(layout.database)
        for stage in ("Environment packages setup", "Programs detection", "Environment setup (late)"):
            self._enter(stage)

    def _customize(self) -> None:
        self._enter("Environment customization")
        dialog, environment = self._dialog, self._environment
        answers.fill_defaults(environment, self._arguments.accept_defaults)
        dialog.title("PRODUCT OPTIONS")
        dialog.title("PACKAGES") if not self._arguments.offline else None
        dialog.title("NETWORK CONFIGURATION")
        self._addresses = checks.host_name(environment.fqdn, self._layout.root / "etc/hosts", dialog)
        dialog.title("DATABASE CONFIGURATION")
        dialog.title("OVIRT ENGINE CONFIGURATION")
        if not environment.get(ADMIN_PASSWORD) and not work.previous_hash(self._layout):
            dialog.note("Engine admin password: ")
            raise SetupError("End of file")
        for name in ("STORAGE", "PKI", "APACHE", "SYSTEM", "MISC"):
            dialog.title(f"{name} CONFIGURATION")
        dialog.title("END OF CONFIGURATION")

    def _validate(self) -> None:
        self._enter("Setup validation")
        checks.local_address(self._addresses, self._dialog)
        if self._existing:
            checks.global_maintenance(self._layout.database, self._environment, self._dialog)
        self._preview()

    def _preview(self) -> None:
        environment, dialog = self._environment, self._dialog
        dialog.title("CONFIGURATION PREVIEW")
        lines = (
            ("Application mode", environment["OVESETUP_CONFIG/applicationMode"]),
            ("Default SAN wipe after delete", environment["OVESETUP_CONFIG/sanWipeAfterDelete"]),
            ("Host FQDN", environment.fqdn),
            ("Update Firewall", environment["OVESETUP_CONFIG/updateFirewall"]),
            ("Set application as default page", environment["OVESETUP_APACHE/configureRootRedirection"]),
            ("Configure Apache SSL", environment["OVESETUP_APACHE/configureSsl"]),
            ("Keycloak installation", environment.keycloak),
            ("Engine database host", environment["OVESETUP_DB/host"]),
            ("Engine database port", environment["OVESETUP_DB/port"]),
            ("Engine database secured connection", False),
            ("Engine database host name validation", False),
            ("Engine database name", environment["OVESETUP_DB/database"]),
            ("Engine database user name", environment["OVESETUP_DB/user"]),
            ("Engine installation", environment["OVESETUP_ENGINE_CORE/enable"]),
            ("PKI organization", environment.organization),
            ("Set up ovirt-provider-ovn", environment["OVESETUP_OVN/ovirtProviderOvn"]),
            ("Configure VMConsole Proxy", environment["OVESETUP_VMCONSOLE_PROXY_CONFIG/vmconsoleProxyConfig"]),
            ("Configure WebSocket Proxy", environment["OVESETUP_CONFIG/websocketProxyConfig"]),
        )
        dialog.note("\n".join(f"{label:<40}: {value}" for label, value in lines))

    def _change(self) -> None:
        layout, environment, dialog = self._layout, self._environment, self._dialog
        self._enter("Transaction setup")
        if self._existing:
            dialog.info("Stopping engine service")
            self._service("stop", "ovirt-engine.service")
        for stage in ("Misc configuration (early)", "Package installation", "Misc configuration"):
            self._enter(stage)
        work.make_pki(layout, environment, dialog)
        work.write_configuration(layout, environment)
        dialog.info("Creating/refreshing Engine database schema")
        self._service("enable", "--quiet", "ovirt-engine.service")
        self._service("start", "ovirt-engine.service")
        work.wait_for_database(layout, self._why_service_fails)
        work.complete_options(layout, environment)
        dialog.info("Creating/refreshing Engine 'internal' domain database schema")
        if not self._existing:
            dialog.info("Creating default mac pool range")
            dialog.info("Setting a password for internal user admin")
        dialog.info(f"Generating post install configuration file '{layout.shown(layout.post_conf)}'")
        work.write_post_configuration(layout, environment)
        self._enter("Transaction commit")

    def _why_service_fails(self) -> str:
        """The last words of a service that failed or is started again and again; '' while it may still come up."""
        shown = self._service("show", "--property=ActiveState,NRestarts", "ovirt-engine.service")
        state = dict(line.partition("=")[::2] for line in shown.splitlines())
        if state.get("ActiveState") != "failed" and int(state.get("NRestarts") or 0) < 2:
            return ""
        return work.last_words("ovirt-engine.service") or "no word in the journal"

    def _close(self) -> None:
        self._enter("Closing up")
        environment, dialog = self._environment, self._dialog
        certificate = ssl.PEM_cert_to_DER_cert((self._layout.pki / "ca.pem").read_text())
        digest = hashlib.sha256(certificate).hexdigest().upper()
        dialog.title("SUMMARY")
        dialog.note(f"Please use the user '{environment.admin_user}' and password specified in order to login")
        dialog.note(
            f"Web access is enabled at:\n    http://{environment.fqdn}:80/ovirt-engine\n    https://{environment.fqdn}:443/ovirt-engine"
        )
        dialog.note(
            f"Internal CA fingerprint: SHA256: {':'.join(digest[place : place + 2] for place in range(0, 64, 2))}"
        )
        dialog.title("END OF SUMMARY")

    def _end(self, failed: bool) -> None:
        layout, dialog = self._layout, self._dialog
        dialog.stage("Clean up")
        dialog.note(f"Log file is located at\n{layout.shown(dialog.log_path)}")
        path = layout.answers_dir / f"{dialog.started}-setup.conf"
        dialog.info(f"Generating answer file '{layout.shown(path)}'")
        text = "# action=setup\n" + otopi.render(self._environment.public())
        work.write_private(path, text)
        if self._arguments.generate_answer:
            work.write_private(self._arguments.generate_answer, text)
        dialog.stage("Pre-termination")
        dialog.stage("Termination")
        if failed:
            dialog.error("Execution of setup failed")
        else:
            dialog.info("Execution of setup completed successfully")


def main(argv: Sequence[str] | None = None, layout: Layout | None = None, out: TextIO | None = None) -> int:
    """Entry point of engine-setup."""
    layout = layout or Layout.installed()
    dialog = Dialog(layout.log_dir, out or sys.stdout)
    return Setup(layout, dialog).run(sys.argv[1:] if argv is None else argv)
