# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ovirt-engine-appliance: the OVA and the file that tells where it is (host contract 2, ``*-appliance.conf``).

Only made when asked for: it is as large as the image.
"""

import hashlib
import time
from pathlib import Path

from driver.debs import deb_of
from driver.errors import LabError
from driver.manifest import Manifest
from driver.paths import cache

NAME = "ovirt-engine-appliance"
VERSION = "4.5"
CONF = "/etc/ovirt-hosted-engine/10-appliance.conf"


def conf_text(version: str, path: str, sha1sum: str) -> str:
    """The package's file: key=value, no section."""
    return f"description=The oVirt Engine Appliance image (OVA)\nversion={version}\npath={path}\nsha1sum={sha1sum}\n"


def appliance_deb(profile: str) -> Path:
    """The package of a profile's OVA, which must have been built before."""
    image = cache() / "appliance" / f"{profile}.ova"
    if not image.is_file():
        raise LabError(f"there is no appliance {image}: build it first")
    with image.open("rb") as stream:
        sha1sum = hashlib.file_digest(stream, "sha1").hexdigest()
    version = f"{VERSION}-{time.strftime('%Y%m%d%H%M%S', time.gmtime(image.stat().st_mtime))}"
    target = f"/usr/share/{NAME}/{NAME}-{version}.ova"
    conf = cache() / "packages" / f"{profile}-appliance.conf"
    conf.parent.mkdir(parents=True, exist_ok=True)
    conf.write_text(conf_text(version, target, sha1sum), encoding="ascii")
    manifest = Manifest(
        name=NAME,
        version=version,
        description="The oVirt Engine Appliance image (OVA)",
        files={CONF: conf, target: image},
    )
    return deb_of(manifest, cache() / "packages", compression="none")
