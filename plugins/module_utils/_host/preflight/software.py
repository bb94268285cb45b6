# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host's software and its state: who we are, libraries, commands, services, clock, policies."""

from __future__ import annotations

import ctypes
import glob
import grp
import os
import pwd
import re
import shutil
import sys
from collections.abc import Sequence

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import textfile
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.registry import (
    Context,
    Finding,
    Result,
    check,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.seed import WRITERS

UNIT_FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
)
VDSM_ID = 36

_TOOLS = ("ip", "qemu-img", "ssh", "ssh-keygen", "openssl", "mount")
_PACKAGES = ("ovirt-hosted-engine-setup", "ovirt-hosted-engine-ha")
# What a deployment starts and the engine configures; the names differ between distributions.
_SERVICES = (("libvirtd", "virtqemud"), ("firewalld",), ("NetworkManager",), ("sshd", "ssh"))
_TIME_UNITS = ("chronyd", "chrony", "systemd-timesyncd", "ntpd", "ntp")
# A clock whose error may be larger than this counts as not synchronized, for systemd and for chronyc waitsync.
_CLOCK_ERROR = 16_000_000


@check("host.root", block=("host.root",))
def root(_context: Context) -> Result:
    """The modules may change the system."""
    if os.geteuid() != 0:
        yield Finding("host.root", "root", f"user id {os.geteuid()}", "Run the play with become.")


@check("host.libraries", block=("host.libraries",))
def libraries(context: Context) -> Result:
    """The Python libraries that the modules use are on the host."""
    needed = {"libvirt": "python3-libvirt", "ovirtsdk4": "python3-ovirt-engine-sdk4"}
    for name, package in needed.items():
        found = context.host["libraries"][name]
        if found:
            yield f"{name} {found}"
        else:
            yield Finding("host.libraries", f"Python library {name}", "not there", f"Install {package}.")


@check("host.libvirt", block=(".silent",))
def libvirt(context: Context) -> Result:
    """libvirt answers."""
    problem = context.host["deployed"]["libvirt"]
    if problem and context.host["libraries"]["libvirt"]:
        resolution = "Start libvirtd (or virtqemud): systemctl status libvirtd virtqemud."
        yield Finding("host.libvirt.silent", "libvirt to answer", problem, resolution)


@check("host.tools", block=("host.tools",))
def tools(_context: Context) -> Result:
    """The commands that the modules use are on the host."""
    missing = [name for name in _TOOLS if not shutil.which(name)]
    if not any(shutil.which(words[0]) for words in WRITERS):
        missing.append("xorriso (or genisoimage, or mkisofs)")
    if missing:
        yield Finding("host.tools", "all needed commands", f"missing: {', '.join(missing)}", "Install them.")


@check("host.packages", block=(".missing",), when=lambda context: context.settings.offline)
def packages(context: Context) -> Result:
    """Without a network, what would be installed is there already."""
    missing = [name for name in _PACKAGES if name not in context.host["packages"]]
    if missing:
        resolution = "Install them, or set he_offline_deployment to false."
        observed = f"missing: {', '.join(missing)}"
        yield Finding(
            "host.packages.missing", "the packages of the HA services", observed, resolution, "he_offline_deployment"
        )


@check("host.firewalld", block=(".masked",), warn=("host.firewalld",))
def firewalld(context: Context) -> Result:
    """firewalld runs, through which the engine opens the host's ports."""
    if state_of_unit("firewalld") == "masked":
        yield Finding("host.firewalld.masked", "firewalld to be usable", "masked", "systemctl unmask --now firewalld")
    elif "firewalld" not in context.host["services"]:
        resolution = "Start and enable firewalld; the engine configures it while it adds the host."
        yield Finding("host.firewalld", "firewalld runs", "it does not", resolution)


@check("host.services", block=(".masked",), warn=(".missing",))
def services(_context: Context) -> Result:
    """No service that a deployment needs is masked or missing."""
    for names in _SERVICES:
        states = {name: state_of_unit(name) for name in names}
        if "present" in states.values():
            continue
        told = " or ".join(names)
        if "masked" in states.values():
            masked = ", ".join(name for name, state in states.items() if state == "masked")
            resolution = f"systemctl unmask {masked}"
            yield Finding("host.services.masked", f"{told} to be usable", f"{masked} is masked", resolution)
        else:
            yield Finding("host.services.missing", f"service {told}", "no such unit", "Install what brings it.")


def state_of_unit(name: str, folders: Sequence[str] = UNIT_FOLDERS) -> str:
    """Return C(masked), C(present) or C(missing) for a service, as its unit files say; systemd is not asked."""
    for folder in folders:
        path = os.path.join(folder, f"{name}.service")
        if os.path.islink(path) and os.path.realpath(path) == "/dev/null":
            return "masked"
        if os.path.exists(path):
            return "present"
    return "missing"


@check("host.clock", warn=("host.clock",))
def clock(_context: Context) -> Result:
    """The clock is synchronized; certificates and leases need the right time."""
    error = clock_error()
    if error >= _CLOCK_ERROR:
        resolution = "Make chronyd (or another NTP client) reach a time server: 'chronyc waitsync 1' must succeed."
        keeper = next((name for name in _TIME_UNITS if state_of_unit(name) == "present"), "no NTP client")
        yield Finding("host.clock", "a synchronized clock", f"not synchronized ({keeper})", resolution)
    else:
        yield f"error at most {error / 1e6:.3f} s"


def clock_error() -> int:
    """Return by how many microseconds the kernel says that the clock may be wrong (adjtimex, which changes nothing).

    Raises:
        OSError: when the kernel does not tell.
    """
    state = ctypes.create_string_buffer(512)
    if ctypes.CDLL(None, use_errno=True).adjtimex(state) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    # struct timex: an int that is padded, then the longs offset, freq, maxerror.
    return int.from_bytes(state.raw[24:32], sys.byteorder, signed=True)


@check("host.selinux", warn=(".disabled", ".permissive"))
def selinux(_context: Context) -> Result:
    """SELinux is enforcing, where the host has it."""
    if not os.path.isdir("/etc/selinux/targeted"):
        yield "no SELinux policy is installed"
        return
    mode = textfile.read("/sys/fs/selinux/enforce").strip()
    if mode == "1":
        yield "enforcing"
    elif mode == "0":
        yield Finding("host.selinux.permissive", "enforcing", "permissive", "setenforce 1; see /etc/selinux/config.")
    else:
        resolution = "Enable it in /etc/selinux/config and restart; a relabelling takes its time."
        yield Finding("host.selinux.disabled", "enforcing", "disabled", resolution)


@check("host.fapolicyd", warn=(".running",))
def fapolicyd(_context: Context) -> Result:
    """fapolicyd does not keep the modules from being run."""
    if any(_comm(path) == "fapolicyd" for path in glob.glob("/proc/[0-9]*/comm")):
        resolution = "Allow Ansible's modules (fapolicyd-cli --file add), or stop fapolicyd for the deployment."
        yield Finding("host.fapolicyd.running", "fapolicyd not to run", "it runs", resolution)


def _comm(path: str) -> str:
    try:
        return textfile.read(path).strip()
    except OSError:
        return ""


@check("host.locale", warn=("host.locale",))
def locale(_context: Context) -> Result:
    """The host has a UTF-8 locale; commands must not answer with broken signs."""
    names = (
        {name.lower().replace("-", "") for name in os.listdir("/usr/lib/locale")}
        if os.path.isdir("/usr/lib/locale")
        else set()
    )
    if not names & {"c.utf8", "en_us.utf8", "locale-archive", "localearchive"}:
        resolution = "Install glibc-langpack-en (or locales), so that C.UTF-8 or en_US.UTF-8 is there."
        yield Finding("host.locale", "C.UTF-8 or en_US.UTF-8", ", ".join(sorted(names)) or "none", resolution)


@check("host.umask", warn=("host.umask",))
def umask(_context: Context) -> Result:
    """New files are readable for other accounts, as QEMU's and vdsm's must be."""
    found = re.search(r"^Umask:\s*(\d+)", textfile.read("/proc/self/status"), re.MULTILINE)
    if found and int(found.group(1), 8) & 0o055:
        resolution = "Set umask 022 for the account that Ansible logs in with."
        yield Finding("host.umask", "022", found.group(1), resolution)


@check("host.accounts", block=(".vdsm", ".taken"))
def accounts(_context: Context) -> Result:
    """vdsm:kvm is 36:36 and nobody else has these numbers; storage is written as this account."""
    yield from _account("user", "vdsm", {one.pw_name: one.pw_uid for one in pwd.getpwall()})
    yield from _account("group", "kvm", {one.gr_name: one.gr_gid for one in grp.getgrall()}, exact=False)


def _account(kind: str, name: str, known: dict[str, int], exact: bool = True) -> Result:
    holder = next((other for other, number in known.items() if number == VDSM_ID), "")
    resolution = f"Give {kind} {name} the number {VDSM_ID}: storage belongs to 36:36."
    if holder not in ("", name):
        yield Finding("host.accounts.taken", f"{kind} {VDSM_ID} to be {name}", f"it is {holder}", resolution)
    elif exact and known.get(name, VDSM_ID) != VDSM_ID:
        yield Finding("host.accounts.vdsm", f"{kind} {name} to be {VDSM_ID}", str(known[name]), resolution)
