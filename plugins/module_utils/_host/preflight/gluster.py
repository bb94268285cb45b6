# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Gluster storage: the volume, its replicas, and the options that a storage domain needs."""

from __future__ import annotations

import shutil
from xml.etree import ElementTree

from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.registry import (
    Context,
    Finding,
    Result,
    check,
)
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import run

_PATH = "he_storage_domain_path"
_REPLICAS = (1, 3)
_STARTED = "1"
# What the product's documentation demands of a volume with VMs; the first value is Gluster's own default.
_OPTIONS = {
    "storage.owner-uid": ("36",),
    "storage.owner-gid": ("36",),
    "network.remote-dio": ("off", "disable"),
    "performance.strict-o-direct": ("on", "enable"),
}
_SECONDS = 8.0


@check(
    "storage.gluster",
    block=(".tools", ".silent", ".volume", ".stopped", ".replica", ".owner"),
    warn=(".options",),
    when=lambda context: context.settings.storage_type == "glusterfs" and bool(context.settings.storage_address),
)
def volume(context: Context) -> Result:
    """The Gluster volume is started, has one or three replicas, and the options of a storage domain."""
    settings = context.settings
    name = settings.storage_path.strip("/")
    where = f"volume {name} at {settings.storage_address}"
    if not shutil.which("gluster"):
        yield Finding("storage.gluster.tools", "the command gluster", "not there", "Install glusterfs-cli.")
        return
    words = ["gluster", "--mode=script", f"--remote-host={settings.storage_address}", "--xml", "volume", "info", name]
    done = run(words, timeout=_SECONDS, check=False)
    try:
        root = ElementTree.fromstring(done.stdout)
    except ElementTree.ParseError:
        said = (done.stdout or done.stderr).strip() or f"gluster ended with {done.rc}"
        resolution = "Start glusterd there, open port 24007/tcp, or correct he_storage_domain_addr."
        yield Finding("storage.gluster.silent", where, said, resolution, "he_storage_domain_addr")
        return
    found = next((one for one in root.iter("volume") if one.findtext("name") == name), None)
    if found is None:
        said = root.findtext("opErrstr") or "no such volume"
        yield Finding(
            "storage.gluster.volume", where, said, "Correct he_storage_domain_path, or make the volume.", _PATH
        )
        return
    if found.findtext("status") != _STARTED:
        resolution = f"gluster volume start {name}"
        yield Finding(
            "storage.gluster.stopped", f"{where} to be started", str(found.findtext("statusStr")), resolution, _PATH
        )
    replicas = int(found.findtext("replicaCount") or 1)
    if replicas not in _REPLICAS:
        resolution = "Use a volume with replica 3 (an arbiter counts), or replica 1 where another layer keeps the data."
        yield Finding("storage.gluster.replica", "replica 1 or 3", str(replicas), resolution, _PATH)
    options = {str(one.findtext("name")): str(one.findtext("value")) for one in found.iter("option")}
    wrong = {key: options.get(key, "not set") for key, wanted in _OPTIONS.items() if options.get(key) not in wanted}
    resolution = f"gluster volume set {name} group virt; and storage.owner-uid 36, storage.owner-gid 36."
    for kind, keys in (
        ("owner", [key for key in wrong if "owner" in key]),
        ("options", [key for key in wrong if "owner" not in key]),
    ):
        if keys:
            expected = ", ".join(f"{key} {_OPTIONS[key][0]}" for key in keys)
            seen = ", ".join(f"{key} {wrong[key]}" for key in keys)
            yield Finding(f"storage.gluster.{kind}", expected, seen, resolution, _PATH)
    yield f"{where}: {found.findtext('typeStr')}, replica {replicas}"
