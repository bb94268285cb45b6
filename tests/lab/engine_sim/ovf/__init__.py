# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an engine writes about its machines: libvirt XML, OVF, and the tar of an OVF_STORE (fixture engine/ovf-store).

Built from plain descriptions (`Vm`, `Disk`, `Nic`; `vm_from_rows` makes them of database rows); neither libvirt nor a
host is needed.

    store_tar({vm.id: build_ovf(vm)}, [domain_id], when=time.time())
"""

from __future__ import annotations

from .domain import engine_xml
from .envelope import build_ovf
from .model import Cluster, Devices, Disk, Nic, Vm
from .rows import vm_from_rows
from .store import store_tar

__all__ = ["Cluster", "Devices", "Disk", "Nic", "Vm", "build_ovf", "engine_xml", "store_tar", "vm_from_rows"]
