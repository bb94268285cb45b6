# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""NFS storage, tried out as the account that will use it. The engine's own validation stays the one that decides."""

from __future__ import annotations

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import sizes
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.registry import (
    Context,
    Finding,
    Result,
    check,
)

_EXPORT = "Export it with rw and anonuid=36,anongid=36 (or no_root_squash), owned by 36:36, mode 0755."
_ADDRESS, _PATH, _VERSION = "he_storage_domain_addr", "he_storage_domain_path", "he_nfs_version"


def _is_nfs(context: Context) -> bool:
    settings = context.settings
    return settings.storage_type == "nfs" and bool(settings.storage_address and settings.storage_path)


def _was_mounted(context: Context) -> bool:
    return _is_nfs(context) and not {"server", "mount", "error"} & set(context.storage())


@check("storage.nfs.server", block=(".unknown", ".silent"), warn=(".unread",), when=_is_nfs)
def server(context: Context) -> Result:
    """The storage server has an address and answers."""
    found, address = context.storage(), context.settings.storage_address
    if found.get("unknown"):
        resolution = "Correct he_storage_domain_addr, or the server's record in DNS."
        yield Finding("storage.nfs.server.unknown", f"an address for {address}", found["server"], resolution, _ADDRESS)
    elif found.get("silent"):
        seen = found.get("server") or found.get("error", "")
        yield Finding("storage.nfs.server.silent", f"an answer of {address}", seen, _SERVER_ADVICE, _ADDRESS)
    elif found.get("error"):
        resolution = "Try it by hand: mount -t nfs SERVER:PATH /mnt; the engine will try it too."
        yield Finding("storage.nfs.server.unread", "the storage to be tried out", found["error"], resolution, _ADDRESS)


_SERVER_ADVICE = "Start the server, open its ports 2049/tcp (and 111/tcp for NFS 3), or correct he_storage_domain_addr."
# What mount.nfs says, and which finding it is.
_MOUNT_WORDS = (
    ("access denied", "denied", _PATH, f"Allow this host in the server's export list. {_EXPORT}"),
    ("No such file", "missing", _PATH, "Correct he_storage_domain_path, or export it: showmount -e SERVER."),
    ("not a directory", "missing", _PATH, "Correct he_storage_domain_path: it must be a folder."),
    ("rotocol not supported", "version", _VERSION, "Choose a version that the server speaks with he_nfs_version."),
    ("requested NFS version", "version", _VERSION, "Choose a version that the server speaks with he_nfs_version."),
    ("incorrect mount option", "options", "he_mount_options", "Correct he_mount_options."),
    ("nvalid argument", "options", "he_mount_options", "Correct he_mount_options."),
    ("timed out", "silent", _ADDRESS, _SERVER_ADVICE),
    ("refused", "silent", _ADDRESS, _SERVER_ADVICE),
    ("No route", "silent", _ADDRESS, _SERVER_ADVICE),
    ("more than", "silent", _ADDRESS, _SERVER_ADVICE),
)


@check(
    "storage.nfs.mount",
    block=(".denied", ".missing", ".version", ".options", ".silent", ".failed"),
    when=lambda context: _is_nfs(context) and not {"server", "error"} & set(context.storage()),
)
def mount(context: Context) -> Result:
    """The export can be mounted with the wanted version and options."""
    found, settings = context.storage(), context.settings
    where = f"{settings.storage_address}:{settings.storage_path}"
    words = found.get("mount", "")
    if not words:
        yield f"{where} is mounted" + (f" with NFS {found['version']}" if found.get("version") else "")
        return
    unknown = ("", "failed", _PATH, "Try it by hand: mount -t nfs SERVER:PATH /mnt.")
    _text, name, source, resolution = next((row for row in _MOUNT_WORDS if row[0] in words), unknown)
    yield Finding(f"storage.nfs.mount.{name}", f"{where} to be mounted", words, resolution, source)


_STEPS = {
    "read": "read the folder",
    "create": "create a file",
    "write": "write",
    "lock": "lock a file",
    "direct_io": "write past the cache (O_DIRECT)",
    "rename": "rename a file",
    "remove": "remove a file",
}


@check(
    "storage.nfs.access",
    block=(".read_only", ".permission", ".full", ".lock", ".direct_io", ".failed"),
    when=_was_mounted,
)
def access(context: Context) -> Result:
    """vdsm (36:36) may create, write, lock, rename and remove there."""
    found = context.storage()
    trial = found.get("trial") or {}
    owner = f"owner {found.get('owner', 'unknown')}, mode {found.get('mode', 'unknown')}"
    if not trial:
        yield owner
        return
    name, resolution = {
        "EROFS": ("read_only", _EXPORT),
        "EACCES": ("permission", _EXPORT),
        "EPERM": ("permission", _EXPORT),
        "ENOSPC": ("full", "Free room on the server."),
        "EDQUOT": ("full", "Raise the quota on the server."),
    }.get(trial["errno"], ("failed", "See the server's log; vdsm needs all of this."))
    if name == "failed" and trial["step"] == "lock":
        name, resolution = "lock", "Let the server's lock manager run (NFS 3: rpc.statd), or use NFS 4."
    elif name == "failed" and trial["step"] == "direct_io":
        name, resolution = "direct_io", "Use storage that allows O_DIRECT; sanlock and QEMU need it."
    expected = f"36:36 to {_STEPS[trial['step']]} there"
    yield Finding(f"storage.nfs.access.{name}", expected, f"{trial['words']} ({owner})", resolution, _PATH)


@check(
    "storage.nfs.content",
    block=(".domain",),
    warn=(".not_empty",),
    when=lambda context: not context.begun("create_storage_domain") and _was_mounted(context),
)
def content(context: Context) -> Result:
    """The export holds no storage domain: the engine would import it, and take it from its data center."""
    found = context.storage()
    for domain in found.get("domains", []):
        pools = ", ".join(domain["pools"]) or "no data center"
        seen = f"{domain['id']} ({domain['name'] or 'without a name'}; {pools}; {domain['images']} disks)"
        resolution = "Name another path; or remove the domain in its engine, and then what is left in the folder."
        yield Finding("storage.nfs.content.domain", "no storage domain there", seen, resolution, _PATH)
    others = found.get("entries", [])
    if others:
        seen = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
        yield Finding("storage.nfs.content.not_empty", "an empty folder", seen, "Better name an empty folder.", _PATH)


@check("storage.nfs.space", block=(".too_small",), when=_was_mounted)
def space(context: Context) -> Result:
    """There is room for the engine's disk and what belongs to it."""
    found, disk = context.storage(), context.settings.disk_size
    if "free" not in found or not disk or context.begun("create_storage_domain"):
        return
    needed = sizes.required_space(disk)
    seen = f"{sizes.human(found['free'])} of {sizes.human(found['total'])}"
    if found["free"] < needed:
        expected = f"{sizes.human(needed)} free (disk {sizes.human(disk)}, and what the engine keeps free)"
        resolution = "Make room, name a larger export, or lower he_disk_size_GB."
        yield Finding("storage.nfs.space.too_small", expected, seen, resolution, _PATH)
    else:
        yield f"{seen} free, {sizes.human(needed)} needed"
