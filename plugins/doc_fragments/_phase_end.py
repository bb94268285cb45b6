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
  made_with:
    description:
      - Settings that the deployment is made with, see the filter P(node0.hosted_engine.complete_settings#filter).
      - The journal keeps them under C(state.settings). A later run takes from there what its settings leave open, and
        sees what has been changed since.
    type: dict
"""
