# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything a lab needs before it starts: the layers of a host and the package repository."""

from pathlib import Path

from driver import appliance_package, sdk
from driver.debs import deb_of
from driver.errors import LabError
from driver.layer import host_layers
from driver.manifest import load
from driver.paths import CHECKOUT, HOST_SOURCES, cache
from driver.repository import repository_of

_MANIFESTS = HOST_SOURCES / "packages"


def build_packages() -> list[Path]:
    """All packages of the lab; raises LabError naming every manifest that cannot be built."""
    debs, problems = [sdk.sdk_deb()], []
    for path in sorted(_MANIFESTS.glob("*/package.toml")):
        if path.parent.name == sdk.NAME:
            continue
        try:
            debs.append(deb_of(load(path, CHECKOUT), cache() / "packages"))
        except LabError as error:
            problems.append(str(error))
    if problems:
        raise LabError("packages that cannot be built: " + "; ".join(problems))
    return debs


def build_parts(appliance: str | None = None) -> tuple[list[Path], Path]:
    """(layers of a host, package repository), from the cache where nothing has changed.

    ``appliance`` is the profile whose OVA the repository offers as ``ovirt-engine-appliance``; None offers none.
    """
    debs = build_packages()
    packaged = [appliance_package.appliance_deb(appliance)] if appliance else []
    return host_layers([debs[0]]), repository_of([*debs, *packaged])
