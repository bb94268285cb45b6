#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

DOCUMENTATION = r"""
module: engine_setup
short_description: Set the engine up in the bootstrap VM
version_added: 1.0.0
description:
  - Writes the names of engine and host into the VM's hosts file, and the engine's into the host's, gives
    C(engine-setup) its answers, runs it and waits until the engine reports good health over verified TLS.
  - The answers travel through standard input into a file of mode 0600, in memory, that is removed however it ends. What
    C(engine-setup) prints goes into a log on the host while it runs.
  - An engine that is set up already is only looked at.
options:
  fqdn:
    description: Fully qualified name of the engine.
    type: str
    required: true
  admin_password:
    description: Password of the engine's administrator.
    type: str
    required: true
  keycloak:
    description: Whether the engine signs its users in through Keycloak, which decides how the administrator is called.
    type: bool
    default: true
  organization:
    description: Name in the CA's certificate; the engine's domain if empty.
    type: str
    default: ""
  db_password:
    description: Password of the engine's database; a random one is chosen by C(engine-setup) without it.
    type: str
  dwh_db_password:
    description: Password of the data warehouse's database; as O(db_password).
    type: str
  answers:
    description: Further answers by key, for example C(OVESETUP_DWH_CORE/enable); they win over all others.
    type: dict
    default: {}
  offline:
    description: Forbid C(engine-setup) to look for newer packages.
    type: bool
    default: false
  host_address:
    description: Address of the host as the VM reaches it.
    type: str
    default: ""
  host_name:
    description: Name of the host that is to lead to O(host_address) in the VM.
    type: str
    default: ""
  dir:
    description: The VM's folder on the host, where the CA's certificate is put as C(ca.pem).
    type: path
    required: true
  log_dir:
    description: Folder on the host for the log of C(engine-setup).
    type: path
    default: /var/log/ovirt-hosted-engine-setup
  setup_timeout:
    description: Seconds that C(engine-setup) may take.
    type: int
    default: 3600
  health_timeout:
    description: Seconds that the engine may take afterwards to report good health.
    type: int
    default: 600
extends_documentation_fragment:
  - node0.hosted_engine._guest
  - node0.hosted_engine._journal
attributes:
  check_mode:
    description: Says whether the engine would have to be set up, and does not do it.
    support: full
author:
  - The node0.hosted_engine founders (@node0)
"""

EXAMPLES = r"""
- name: Set the engine up
  node0.hosted_engine.engine_setup:
    guest: "{{ bootstrap.vm.ssh }}"
    dir: "{{ bootstrap.vm.dir }}"
    fqdn: engine.example.com
    admin_password: "{{ he_admin_password }}"
    host_address: 192.0.2.11
    host_name: host1.example.com
  register: setup
"""

RETURN = r"""
engine:
  description: The engine; in check mode as it would be.
  returned: always
  type: dict
  contains:
    fqdn:
      description: Its name.
      type: str
    admin_user:
      description: Its administrator, C(admin@internal) or, with Keycloak, C(admin@ovirt@internalsso).
      type: str
    ca_file:
      description: Path of its CA's certificate on the host.
      type: str
    version:
      description: Version of the package C(ovirt-engine); empty if it is not known.
      type: str
    log:
      description: Path of the log of C(engine-setup) on the host; empty if it was not run.
      type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import engine_setup, setup_answers
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.guest import Guest, guest_spec
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import DEFAULT_PATH, Journal
from ansible_collections.node0.hosted_engine.plugins.module_utils._module import execute

KEY = "engine"


def work(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    journal = Journal(params["journal"], params["phase"])
    passwords = {
        "OVESETUP_DB/password": params["db_password"] or "",
        "OVESETUP_DWH_DB/password": params["dwh_db_password"] or "",
    }
    wish = engine_setup.SetupWish(
        fqdn=params["fqdn"],
        answers=setup_answers.answers(
            params["fqdn"],
            params["admin_password"],
            params["keycloak"],
            params["organization"],
            passwords,
            params["answers"],
        ),
        host_address=params["host_address"],
        host_name=params["host_name"],
        folder=params["dir"],
        log_folder=params["log_dir"],
        offline=params["offline"],
        setup_timeout=params["setup_timeout"],
        health_timeout=params["health_timeout"],
    )
    facts, changed = engine_setup.set_up(Guest.of(params["guest"]), wish, journal, module.check_mode)
    known = journal.state(KEY) or {}
    facts["log"] = facts["log"] or known.get("log", "")
    if not module.check_mode and facts != known:
        journal.remember(KEY, facts)
    return {"changed": changed, "engine": facts}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "guest": guest_spec(),
            "fqdn": {"type": "str", "required": True},
            "admin_password": {"type": "str", "required": True, "no_log": True},
            "keycloak": {"type": "bool", "default": True},
            "organization": {"type": "str", "default": ""},
            "db_password": {"type": "str", "no_log": True},
            "dwh_db_password": {"type": "str", "no_log": True},
            "answers": {"type": "dict", "default": {}},
            "offline": {"type": "bool", "default": False},
            "host_address": {"type": "str", "default": ""},
            "host_name": {"type": "str", "default": ""},
            "dir": {"type": "path", "required": True},
            "log_dir": {"type": "path", "default": "/var/log/ovirt-hosted-engine-setup"},
            "setup_timeout": {"type": "int", "default": 3600},
            "health_timeout": {"type": "int", "default": 600},
            "journal": {"type": "path", "default": DEFAULT_PATH},
            "phase": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    execute(module, work)


if __name__ == "__main__":
    main()
