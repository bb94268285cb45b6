# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Command line of vdsm-tool: `vdsm-tool ACTION [ARGUMENTS]`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

from . import configure, ovn

USAGE = """Usage: {program} [options] <action> [arguments]
Valid options:
  -h, --help                Show this help menu.

Commands in vdsm-tool:
{commands}"""


class ToolError(Exception):
    """A text for stderr; the exit code is 1."""


def _configure(arguments: list[str]) -> None:
    """Configure external services for vdsm (--force: although services run)"""
    force = "--force" in arguments
    _options(arguments, {"--force", "--module"})
    print("\nChecking configuration status...\n")
    state = configure.is_configured()
    for module, done in state.items():
        print(f"{module} is {'already configured for vdsm' if done else 'not configured for vdsm yet'}")
    if configure.is_active("vdsmd.service") and not force:
        if all(state.values()):
            return
        raise ToolError(
            "\nCannot configure while service 'vdsmd' is running.\n Stop the service manually or use the "
            "--force flag.\n"
        )
    print("\nRunning configure...")
    configure.configure_certificates()
    print("Reconfiguration of certificates is done.")
    configure.configure_passwd()
    print("Reconfiguration of passwd is done.")
    changed = configure.configure_libvirt()
    print("Reconfiguration of libvirt is done.")
    if changed:
        configure.restart("libvirtd.service")
    print("\nDone configuring modules to VDSM.")


def _is_configured(arguments: list[str]) -> None:
    """Determine if module is configured"""
    wrong = [module for module, done in configure.is_configured().items() if not done]
    for module in wrong:
        print(f"{module} is not configured for vdsm")
    if wrong:
        raise ToolError(
            "\nOne of the modules is not configured to work with VDSM.\nTo configure the module use the "
            "following:\n'vdsm-tool configure [--module module-name]'.\n\nIf all modules are not "
            "configured try to use:\n'vdsm-tool configure --force'\n(The force flag will stop the "
            "module's service and start it\nafterwards automatically to load the new configuration.)\n"
        )


def _remove_config(arguments: list[str]) -> None:
    """Remove vdsm configuration from conf files"""
    if configure.remove_config():
        configure.restart("libvirtd.service")


def _vdsm_id(arguments: list[str]) -> None:
    """Print the host's id"""
    print(configure.host_uuid())


def _restore_nets(arguments: list[str]) -> None:
    """Restore networks from the persisted configuration"""
    from vdsmd.net import persistence

    persistence.restore()


def _clear_nets(arguments: list[str]) -> None:
    """Remove networks of vdsm (--exclude-net NAME, may repeat)"""
    from vdsmd.net import persistence

    excluded = []
    words = iter(arguments)
    for word in words:
        name, equals, value = word.partition("=")
        if name != "--exclude-net":
            raise ToolError(f"unrecognized arguments: {word}")
        excluded.append(value if equals else next(words, ""))
    persistence.clear(excluded)


def _ovn_config(arguments: list[str]) -> None:
    """Configure the host for OVN: central address, tunneling address or network, [host]"""
    if len(arguments) not in (2, 3):
        raise ToolError("Usage: vdsm-tool ovn-config OVN_CENTRAL_IP TUNNELING_IP|TUNNELING_NETWORK [FQDN]")
    if not ovn.is_installed():
        raise ToolError("ovn-config: ovirt-provider-ovn-driver is not installed")
    try:
        ovn.configure(*arguments)
    except ovn.OvnError as error:
        raise ToolError(f"ovn-config: {error}") from error


def _ovn_unconfigure(arguments: list[str]) -> None:
    """Undo ovn-config"""
    if not ovn.is_installed():
        raise ToolError("ovn-unconfigure: ovirt-provider-ovn-driver is not installed")
    ovn.unconfigure()


COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "configure": _configure,
    "is-configured": _is_configured,
    "validate-config": _is_configured,
    "remove-config": _remove_config,
    "vdsm-id": _vdsm_id,
    "restore-nets": _restore_nets,
    "clear-nets": _clear_nets,
    "ovn-config": _ovn_config,
    "ovn-unconfigure": _ovn_unconfigure,
}


def _options(arguments: list[str], known: set[str]) -> None:
    for word in arguments:
        if word.startswith("-") and word.partition("=")[0] not in known:
            raise ToolError(f"unrecognized arguments: {word}")


def main(argv: list[str] | None = None) -> int:
    """Entry point."""
    words = sys.argv[1:] if argv is None else argv
    if not words or words[0] in ("-h", "--help") or words[0] not in COMMANDS:
        lines = "\n".join(
            f"  {name:25} {(command.__doc__ or '').splitlines()[0]}" for name, command in COMMANDS.items()
        )
        print(USAGE.format(program="vdsm-tool", commands=lines))
        return 0 if words and words[0] in ("-h", "--help") else 1
    if os.geteuid() != 0 and words[0] not in ("vdsm-id", "is-configured", "validate-config"):
        print(f"{words[0]}: must be run as root", file=sys.stderr)
        return 1
    try:
        COMMANDS[words[0]](words[1:])
    except (ToolError, OSError, subprocess.CalledProcessError) as error:
        print(f"Error:  {error}" if not isinstance(error, ToolError) else str(error), file=sys.stderr)
        return 1
    return 0
