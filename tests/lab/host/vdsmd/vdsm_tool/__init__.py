# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vdsm-tool: configures what VDSM depends on, and restores networks at boot."""
