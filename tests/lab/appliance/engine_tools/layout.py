"""Where the engine keeps its things; all below one root, so that tests run the commands on a directory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """Paths of an engine installation below `root`."""

    root: Path = Path("/")

    @classmethod
    def installed(cls) -> Layout:
        """The machine's own; ENGINE_TOOLS_ROOT moves it (for tests)."""
        return cls(Path(os.environ.get("ENGINE_TOOLS_ROOT", "/")))

    @property
    def database(self) -> Path:
        return self.root / "var/lib/ovirt-engine/engine.db"

    @property
    def simulator_config(self) -> Path:
        return self.root / "etc/ovirt-engine/engine-sim.toml"

    @property
    def pki(self) -> Path:
        return self.root / "etc/pki/ovirt-engine"

    @property
    def config(self) -> Path:
        return self.root / "etc/ovirt-engine"

    @property
    def option_types(self) -> Path:
        return self.config / "engine-config/engine-config.properties"

    @property
    def setup_conf(self) -> Path:
        return self.root / "etc/ovirt-engine-setup.conf"

    @property
    def post_conf(self) -> Path:
        return self.root / "etc/ovirt-engine-setup.conf.d/20-setup-ovirt-post.conf"

    @property
    def log_dir(self) -> Path:
        return self.root / "var/log/ovirt-engine"

    @property
    def answers_dir(self) -> Path:
        return self.root / "var/lib/ovirt-engine/setup/answers"

    def shown(self, path: Path) -> str:
        """`path` as the commands print it: without the root."""
        return "/" + str(path.relative_to(self.root))
