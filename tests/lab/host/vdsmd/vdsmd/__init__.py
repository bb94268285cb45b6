# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lab host's VDSM: speaks the wire protocol of oVirt's host agent.

One program, two ways of working. As a plain process it keeps a *model* of several hosts, for tests in seconds. On a lab
host its back ends are real: storage is mounted, virtual machines are libvirt domains, bridges are made in the kernel.
"""

__version__ = "4.50.5.1"
