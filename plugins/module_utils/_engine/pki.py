# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the engine publishes about its keys (engine contract 3)."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import problems
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError

_PATH = "/services/pki-resource?resource=engine-certificate&format=OPENSSH-PUBKEY"
_KINDS = ("ssh-rsa", "ssh-ed25519", "ecdsa-sha2-")


def engine_public_key(session: Session) -> str:
    """Return the key with which the engine logs in to hosts, one line of C(authorized_keys), over verified TLS.

    Raises:
        HostedEngineError: the engine cannot be reached, or what it sent is not a key.
    """
    url = session.access.base + _PATH
    # No proxy leads to the engine, see the session.
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=session.access.ca_file)),
    )
    session.count()
    try:
        with opener.open(url, timeout=session.access.timeout) as answer:
            line = str(answer.read(65536), "ascii", "replace").strip()
    except urllib.error.HTTPError as error:
        raise HostedEngineError(problems.NOT_READY, observed=f"{url}: HTTP status {error.code}") from error
    except OSError as error:
        untrusted = isinstance(getattr(error, "reason", None), ssl.SSLCertVerificationError)
        problem = problems.CERTIFICATE if untrusted else problems.UNREACHABLE
        raise HostedEngineError(problem, observed=f"{url}: {error}") from error
    if "\n" in line or not line.startswith(_KINDS):
        raise HostedEngineError(problems.NOT_READY, expected="one public key", observed=f"{url}: {line[:200]!r}")
    return line
