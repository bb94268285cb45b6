# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the options with which the last step of a phase notes that the phase is done."""

from __future__ import annotations


class ModuleDocFragment:
    """Options shared by every module that can be the last step of a phase."""

    DOCUMENTATION = r"""
options:
  ends_phase:
    description:
      - Whether O(phase) is done when this step is; the journal then says so.
      - The journal is returned as C(journal), with at least C(state), C(phases) and C(made).
    type: bool
    default: false
  digest:
    description: Digest of the settings, which the journal keeps with the end of the phase.
    type: str
    default: ""
"""
