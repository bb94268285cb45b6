# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the option that names the journal."""

from __future__ import annotations


class ModuleDocFragment:
    """Option C(journal), shared by every module that makes something on the host."""

    DOCUMENTATION = r"""
options:
  journal:
    description:
      - Path of the journal, the file on the managed host that lists what was made.
      - The module writes down what it makes before and after making it.
    type: path
    default: /var/lib/ovirt-hosted-engine-setup/node0-journal.json
  phase:
    description: Phase of the deployment that is noted with what the module makes.
    type: str
    default: ""
"""
