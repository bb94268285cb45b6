"""What the two kinds of appliance are made of.

`faithful` boots like the real appliance: udev, dbus, logind, NetworkManager and the real cloud-init.
`fast` has none of these; a small NoCloud reader and a small network script stand in for them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SUITE = "bookworm"
"""The Debian release inside the appliance (its Python must be the one the simulator is written for: 3.11)."""

LABEL = "he-root"
"""File system label by which the initrd finds the root disk, whatever its place on the PCI bus."""

COMMON_PACKAGES = (
    "systemd",
    "systemd-sysv",
    "mount",
    "passwd",
    "procps",
    "kmod",
    "iproute2",
    "tzdata",
    "e2fsprogs",
    "util-linux-extra",
    "openssh-server",
    "openssh-client",
    "openssl",
    "ca-certificates",
    "xz-utils",
    "busybox-static",
    "sqlite3",
    "python3",
    "python3-yaml",
    "python3-lxml",
    "python3-bottle",
    "python3-cheroot",
)

KERNEL_MODULES = (
    "virtio_pci",
    "virtio_blk",
    "virtio_net",
    "virtio_scsi",
    "virtio_balloon",
    "virtio_console",
    "virtio-rng",
    "ata_piix",
    "ahci",
    "sr_mod",
    "isofs",
    "ext4",
    "crc32c_generic",
    "vfat",
    "nls_iso8859-1",
    "nls_ascii",
    "nls_cp437",
    "nls_utf8",
    "button",
    "evdev",
    "autofs4",
    "overlay",
    "fuse",
    "loop",
    "configfs",
    "efivarfs",
    "dm-mod",
    "nf_tables",
    "nft_ct",
    "nft_reject_inet",
    "nfnetlink",
)
"""Modules kept (with what they need); the rest of the kernel's 100 MB would only be copied about."""

CMDLINE = (
    "root=LABEL={label} rw console=tty0 console=ttyS0 net.ifnames=0 "
    "mitigations=off nokaslr quiet audit=0 apparmor=0 selinux=0 "
    "cryptomgr.notests random.trust_cpu=on no_timer_check systemd.show_status=0"
)


@dataclass(frozen=True)
class Profile:
    """One kind of appliance.

    `packages` are Debian package names, `kernel` is the package that depends on the kernel's, `masked` are
    systemd units linked to /dev/null in the image.
    """

    name: str
    packages: tuple[str, ...]
    masked: tuple[str, ...]
    kernel: str = "linux-image-cloud-amd64"
    cmdline: str = CMDLINE.format(label=LABEL)
    modules: tuple[str, ...] = field(default=KERNEL_MODULES)


_NEVER_NEEDED = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "fstrim.timer",
    "e2scrub_reap.service",
    "systemd-pstore.service",
    "systemd-hwdb-update.service",
    "modprobe@drm.service",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "dev-hugepages.mount",
    "dev-mqueue.mount",
    "getty@tty1.service",
    "getty-static.service",
    "systemd-ask-password-wall.path",
    "systemd-ask-password-console.path",
)

FAST = Profile(
    name="fast",
    packages=COMMON_PACKAGES,
    masked=(
        *_NEVER_NEEDED,
        "systemd-networkd.service",
        "systemd-networkd.socket",
        "systemd-logind.service",
        "dbus.socket",
        "dbus.service",
        "systemd-update-utmp.service",
        "systemd-update-utmp-runlevel.service",
        "systemd-random-seed.service",
        "systemd-sysctl.service",
        "systemd-modules-load.service",
        "kmod-static-nodes.service",
        "systemd-user-sessions.service",
        "systemd-journal-flush.service",
        "systemd-machine-id-commit.service",
        "systemd-sysusers.service",
        "systemd-tmpfiles-setup-dev.service",
        "systemd-update-done.service",
        "modprobe@configfs.service",
        "modprobe@efi_pstore.service",
        "modprobe@fuse.service",
        "modprobe@dm_mod.service",
        "modprobe@loop.service",
        "sys-kernel-config.mount",
        "sys-fs-fuse-connections.mount",
        "systemd-remount-fs.service",
        "initrd-cleanup.service",
        "proc-sys-fs-binfmt_misc.automount",
        "systemd-boot-system-token.service",
        "systemd-tmpfiles-clean.timer",
        "serial-getty@ttyS0.service",
    ),
)

FAITHFUL = Profile(
    name="faithful",
    # rpm and dnf with nothing installed by them, and a release file to match (rootfs/faithful): deployments ask them.
    packages=(*COMMON_PACKAGES, "udev", "dbus", "cloud-init", "network-manager", "dnf", "python3-rpm", "rpm"),
    kernel="linux-image-amd64",  # other than the cloud kernel it sees a SATA CD-ROM, virt-install's choice for q35
    masked=(
        *_NEVER_NEEDED,
        "systemd-networkd.service",
        "systemd-networkd.socket",
        "systemd-timesyncd.service",
        "systemd-binfmt.service",
        "proc-sys-fs-binfmt_misc.automount",
        "proc-sys-fs-binfmt_misc.mount",
        "cloud-init-hotplugd.socket",
        "modprobe@dm_mod.service",
        "modprobe@loop.service",
        "modprobe@fuse.service",
        "modprobe@efi_pstore.service",
        "ModemManager.service",
        "wpa_supplicant.service",
        "NetworkManager-dispatcher.service",
        "user@.service",
    ),
)

PROFILES = {profile.name: profile for profile in (FAST, FAITHFUL)}
