# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tasks of host-deploy, one module per role or group of roles of the engine's playbook, in its order."""
