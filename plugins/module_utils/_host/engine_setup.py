# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Set the engine up in the bootstrap VM, over ssh, and learn what later phases must know of it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import (
    health,
    hosts_file,
    setup_answers,
    textfile,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.guest import GUEST_UNREACHABLE, Guest
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.ledger import Ledger
from ansible_collections.node0.hosted_engine.plugins.module_utils._waiter import Clock

SETUP_FAILED = declare(
    "engine_setup.failed",
    "engine-setup failed in the bootstrap VM",
    "Read engine-setup's own words above and the log on the host; correct the cause and run the same playbook again:"
    " the VM is kept.",
)
SETUP_INCOMPLETE = declare(
    "engine_setup.incomplete",
    "engine-setup ended well but the engine is not set up",
    "The appliance is not an oVirt engine appliance, or it is damaged.",
)

# Kept in memory: what was deleted from a disk can still be read from its image.
ANSWERS = "/run/ovirt-hosted-engine-answers.conf"
APPLIANCE_ANSWERS = "/root/ovirt-engine-answers"

_LOOK = """\
look() {
  conf=/etc/ovirt-engine-setup.conf
  [ -s /etc/ovirt-engine-setup.conf.d/20-setup-ovirt-post.conf ] && echo done=yes
  echo "keycloak=$(otopi-config-query query -k OVESETUP_CONFIG/keycloakEnable -f $conf 2>/dev/null)"
  version=$(rpm -q --qf '%{version}' ovirt-engine 2>/dev/null) ||
    version=$(dpkg-query -f '${Version}' -W ovirt-engine 2>/dev/null)
  echo "version=$version"
  echo ca=
  cat /etc/pki/ovirt-engine/ca.pem 2>/dev/null
  echo end=
}
"""

# One connection does it all: names, engine-setup if the engine is not set up, a look at what has become of it. What
# engine-setup prints is standard output, what we have to know is standard error. Arguments: address and name of the
# guest, address and name of the host, the mark of our lines, further words for engine-setup.
# The file with the passwords is gone when this ends, however it ends.
_SETUP = (
    _LOOK
    + f"""\
umask 077
trap 'exit 129' HUP INT TERM
trap 'rm -f {ANSWERS}' EXIT
cat >{ANSWERS} || exit
exec 3>&2
{{
  [ -z "$4" ] || [ "$4" = "$3" ] || [ -z "$3" ] || echo "$3 $4 $5-host"
  echo "$1 $2 $5"
  grep -vF -- "$5" /etc/hosts
}} >/etc/hosts.node0
if cmp -s /etc/hosts.node0 /etc/hosts; then
  rm -f /etc/hosts.node0
else
  chmod 0644 /etc/hosts.node0 && mv -f /etc/hosts.node0 /etc/hosts || exit
  if command -v restorecon >/dev/null; then restorecon /etc/hosts; fi
  echo names=changed >&3
fi
shift 5
if [ -z "$(look | grep -x done=yes)" ]; then
  [ -s {APPLIANCE_ANSWERS} ] && set -- --config-append={APPLIANCE_ANSWERS} "$@"
  engine-setup --accept-defaults "$@" --config-append={ANSWERS} </dev/null 2>&1 3>&-
  status=$?
  echo status=$status >&3
  [ $status = 0 ] || exit $status
fi
look >&3
"""
)


@dataclass(frozen=True)
class SetupWish:
    """How the engine is to be set up; see the options of the module engine_setup."""

    fqdn: str
    answers: Mapping[str, setup_answers.Answer]
    host_address: str
    host_name: str
    folder: str
    log_folder: str
    offline: bool = False
    setup_timeout: float = 3600.0
    health_timeout: float = 600.0


@dataclass(frozen=True)
class Seen:
    """What the guest says of its engine: C(named), whether its hosts file was changed, C(ran), engine-setup was run."""

    done: bool
    keycloak: bool
    version: str
    ca: str
    named: bool = False
    ran: bool = False


def look(guest: Guest) -> Seen:
    """Ask the guest how far its engine is."""
    return _read(guest.run(["sh", "-c", _LOOK + "look"]).stdout)


def _read(text: str) -> Seen:
    """Return what the script tells."""
    head, _mark, rest = text.partition("ca=\n")
    pairs = dict(line.partition("=")[::2] for line in head.splitlines())
    return Seen(
        done=pairs.get("done") == "yes",
        # The query for the appliance's own setting fails as long as nothing is set up.
        keycloak=pairs.get("keycloak", "").strip().lower() in ("true", "yes", "1"),
        version=pairs.get("version", "").strip(),
        ca=rest.rpartition("end=\n")[0],
        named="names" in pairs,
        ran="status" in pairs,
    )


def set_up(
    guest: Guest, wish: SetupWish, ledger: Ledger, dry_run: bool = False, clock: Optional[Clock] = None
) -> tuple[dict[str, Any], bool]:
    """Have the engine set up and in good health; return its facts and whether something had to be done.

    Raises:
        HostedEngineError: C(engine_setup.failed), C(engine_setup.incomplete), C(engine.unhealthy),
            C(engine.certificate), and what the guest raises.
    """
    ca_file = os.path.join(wish.folder, "ca.pem")
    if dry_run:
        seen = _foreseen(guest, wish)
        return _facts(wish, seen, ca_file, ""), not seen.done
    seen, log = _run_setup(guest, wish)
    if not seen.ca.strip() or not seen.done:
        raise HostedEngineError(SETUP_INCOMPLETE, observed="no CA certificate" if seen.done else "not configured")
    changed = hosts_file.add(guest.address, wish.fqdn, ledger) or seen.named or seen.ran
    if textfile.read(ca_file) != seen.ca:
        textfile.replace(ca_file, seen.ca)
    health.wait_until_good(wish.fqdn, guest.address, ca_file, wish.health_timeout, clock=clock)
    return _facts(wish, seen, ca_file, log), changed


def _foreseen(guest: Guest, wish: SetupWish) -> Seen:
    """Return what the guest says, or what it would say of itself where it is still to be made or on its way up."""
    if os.path.exists(guest.key):
        try:
            return look(guest)
        except HostedEngineError as error:
            if error.problem is not GUEST_UNREACHABLE:
                raise
    return Seen(False, bool(wish.answers["OVESETUP_CONFIG/keycloakEnable"]), "", "")


def _facts(wish: SetupWish, seen: Seen, ca_file: str, log: str) -> dict[str, Any]:
    user = "admin@ovirt@internalsso" if seen.keycloak else "admin@internal"
    return {"fqdn": wish.fqdn, "admin_user": user, "ca_file": ca_file, "version": seen.version, "log": log}


def _run_setup(guest: Guest, wish: SetupWish) -> tuple[Seen, str]:
    """Run the script; return what the guest says afterwards, and the log if engine-setup was run."""
    os.makedirs(wish.log_folder, mode=0o700, exist_ok=True)
    stamp = time.strftime("%Y%m%d%H%M%S", time.gmtime())
    log = os.path.join(wish.log_folder, f"ovirt-hosted-engine-setup-engine-setup-{stamp}.log")
    # The guest must know itself and the host by name, whatever DNS says of them now.
    names = [guest.address, wish.fqdn, wish.host_address, wish.host_name]
    marker = hosts_file.GUEST_MARKER + os.path.basename(wish.folder)
    words = ["sh", "-c", _SETUP, "setup", *names, marker, *(["--offline"] if wish.offline else [])]
    try:
        done = guest.run_logged(words, log, stdin=setup_answers.render(wish.answers), timeout=wish.setup_timeout)
    except HostedEngineError:
        # The script removes the file itself at its end; here it was cut off. This must not hide the reason.
        with contextlib.suppress(HostedEngineError):
            guest.run(["rm", "-f", "--", ANSWERS], check=False)
        raise
    if done.rc != 0:
        printed = textfile.read(log)
        why = setup_answers.reasons(printed) or done.stderr.strip().splitlines()[-1:]
        raise HostedEngineError(
            SETUP_FAILED,
            expected="exit status 0 of engine-setup",
            observed="; ".join(why) or f"exit status {done.rc} without a reason",
            evidence={"log": log, "tail": printed.splitlines()[-40:]},
        )
    seen = _read(done.stderr)
    if not os.path.getsize(log):
        os.unlink(log)
    return seen, log if seen.ran else ""
