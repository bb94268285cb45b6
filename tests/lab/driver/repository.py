# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The apt repository that the hosts use: hard links to packages, and an index."""

import hashlib
import shutil
from pathlib import Path

from driver.paths import cache
from driver.registry import locked
from driver.run import run
from driver.share import link


def deb_name(deb: Path) -> str:
    """File name without the digest that the store adds."""
    return f"{deb.name.removesuffix('.deb').rpartition('.')[0]}.deb"


def repository_of(debs: list[Path]) -> Path:
    """Directory of the repository that holds just these packages."""
    store = cache() / "repo"
    digest = hashlib.sha256("\n".join(sorted(deb.name for deb in debs)).encode()).hexdigest()[:16]
    with locked(store / "lock"):
        repository = store / digest
        if not repository.is_dir():
            draft = store / f".{digest}"
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            for deb in debs:
                link(deb, draft / deb_name(deb))
            (draft / "Packages").write_text(run(["apt-ftparchive", "packages", "."], cwd=draft), encoding="utf-8")
            release = ["apt-ftparchive", "-o", "APT::FTPArchive::Release::Label=node0-lab", "release", "."]
            (draft / "Release").write_text(run(release, cwd=draft), encoding="utf-8")
            draft.rename(repository)
        return repository
