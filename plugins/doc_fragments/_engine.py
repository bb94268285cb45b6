# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the options with which a module reaches the engine."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of every module that talks to the engine, and those of modules that hand one session on."""

    DOCUMENTATION = r"""
options:
  engine_fqdn:
    description: Fully qualified name of the engine; its certificate must carry it.
    type: str
    required: true
  engine_user:
    description: User with its profile, C(admin@internal) or, with Keycloak, C(admin@ovirt@internalsso).
    type: str
    required: true
  engine_password:
    description: Password of that user.
    type: str
    required: true
  request_timeout:
    description: Seconds that one exchange with the engine may take.
    type: int
    default: 60
requirements:
  - ovirt-engine-sdk-python >= 4.4 on the managed host
"""

    SESSION = r"""
options:
  engine_ca_file:
    description: Certificate of the engine's CA on the managed host. TLS is always verified.
    type: path
    required: true
  session_file:
    description:
      - File on the managed host, mode 0600, that hands the session's token from module to module.
      - It is made at the first login and removed when the session is ended.
    type: path
"""
