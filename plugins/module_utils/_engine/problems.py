# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can go wrong on the way to the engine; problems of a single object are declared beside it."""

from __future__ import annotations

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import declare

LOGIN_REFUSED = declare(
    "engine.login_refused",
    "The engine refused the login",
    "Check the user name with its profile (admin@internal, or admin@ovirt@internalsso with Keycloak) and the password.",
)
FORBIDDEN = declare(
    "engine.forbidden",
    "The engine does not let this user do it",
    "Use the engine's administrator, or give the user the role that the operation needs.",
)
UNREACHABLE = declare(
    "engine.unreachable",
    "The engine cannot be reached",
    "Check the engine's name, the address that it resolves to on the host, the route and the firewall.",
    retryable=True,
)
TIMEOUT = declare(
    "engine.timeout",
    "The engine did not answer in time",
    "Look at the load of the engine's machine and run the same playbook again: it looks at what was done first.",
    retryable=True,
)
CERTIFICATE = declare(
    "engine.certificate",
    "The engine's certificate is not to be trusted",
    "Check that the name belongs to this engine and that the CA file is the CA of this very engine.",
)
NOT_READY = declare(
    "engine.not_ready",
    "The engine does not serve its API yet",
    "Look at /var/log/ovirt-engine/engine.log and server.log on the engine's machine.",
    retryable=True,
)
NOT_FOUND = declare(
    "engine.not_found",
    "The engine does not know an object that should exist",
    "Look at the engine's events for who removed it.",
)
REFUSED = declare(
    "engine.refused",
    "The engine refused an operation",
    "Remove the reason that the engine gives and run the same playbook again.",
)
FAILED = declare(
    "engine.failed",
    "The engine failed while it carried out an operation",
    "Look at /var/log/ovirt-engine/engine.log on the engine's machine around the time of the failure.",
)
TOO_OLD = declare(
    "engine.too_old",
    "The engine is older than this collection supports",
    "Deploy with a newer appliance.",
)
