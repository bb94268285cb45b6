# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""/srv/lab of the hosts: package repository, appliance images and the table of NFS exports."""

import os
import re
import shutil
from pathlib import Path
from typing import Any

from driver import given
from driver.paths import LabPaths, cache
from driver.plan import Plan
from driver.state import write_json

IN_HOST = Path("/srv/lab")
PROFILES = ("faithful", "fast")
FORMATS = ("qcow2", "ova")
GIVEN = Path("appliance") / "given"
EXPORTS = ("he", "data", "small", "readonly", "denied", "v3only")


def exports_table(plan: Plan) -> dict[str, Any]:
    """What /sbin/mount.nfs of the hosts obeys; a test may edit the file while the lab runs (see README)."""
    versions = ["3", "4.0", "4.1", "4.2"]

    def export(name: str, access: str = "rw", accepted: list[str] = versions) -> dict[str, object]:
        return {"path": f"/srv/exports/{name}", "access": access, "versions": accepted}

    return {
        "servers": {plan.nfs_fqdn: "up", plan.gateway: "up"},
        "give_up_seconds": 6,
        "exports": {
            "/exports/he": export("he"),
            "/exports/data": export("data"),
            "/exports/readonly": export("readonly", access="ro"),
            "/exports/denied": export("denied", access="denied"),
            "/exports/v3only": export("v3only", accepted=["3"]),
            "/exports/small": export("small"),
        },
    }


def link(source: Path, target: Path) -> None:
    """A hard link, or a copy where source and target lie on different file systems."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)


def fill(plan: Plan, paths: LabPaths, repository: Path, appliance: Path | None) -> None:
    """Lay out the share of a lab; also that of a running one, whose hosts see the change."""
    for part in ("repo", "appliance"):
        shutil.rmtree(paths.share / part, ignore_errors=True)
        (paths.share / part).mkdir(parents=True)
    for path in repository.iterdir():
        link(path, paths.share / "repo" / path.name)
    for profile in PROFILES:
        for suffix in FORMATS:
            image = cache() / "appliance" / f"{profile}.{suffix}"
            if image.exists():
                link(image, paths.share / "appliance" / image.name)
    if appliance is not None:
        for suffix, image in given.both_formats(appliance).items():
            link(image, paths.share / GIVEN / f"{_stem(appliance)}.{suffix}")
    write_json(paths.share / "exports.json", exports_table(plan))


def _stem(image: Path) -> str:
    """Its name on the hosts: clients put it into command lines."""
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", image.stem)


def appliance_in_host(paths: LabPaths, chosen: str | None) -> dict[str, str | None]:
    """Paths as a host sees them: of the chosen image, else of the faithful profile, else of the fast one."""
    if chosen:
        return {suffix: str(IN_HOST / GIVEN / f"{_stem(Path(chosen))}.{suffix}") for suffix in FORMATS}
    found: dict[str, str | None] = {}
    for suffix in FORMATS:
        names = [f"{profile}.{suffix}" for profile in PROFILES]
        present = [name for name in names if (paths.share / "appliance" / name).exists()]
        found[suffix] = str(IN_HOST / "appliance" / present[0]) if present else None
    return found
