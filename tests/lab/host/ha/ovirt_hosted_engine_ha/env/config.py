# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All configuration of the HA services by type: local file, archive on shared storage, ha.conf (host contract 1, 2)."""

import logging
import os
from collections.abc import Callable

from ..lib import heconflib
from . import config_constants as const
from . import config_file, config_ini, constants

_log = logging.getLogger(__name__)


def _write_cache(path: str, text: str) -> None:
    """Write a cache file; root leaves it to the owner of the directory, whose services use it too."""
    with open(path, "w", encoding="utf-8") as stream:
        if os.geteuid() == 0:
            directory = os.stat(os.path.dirname(path))
            os.fchown(stream.fileno(), directory.st_uid, directory.st_gid)
        stream.write(text)


#: Returns the path of the configuration volume.
VolumePath = Callable[[], str]


class Config:
    """Values of hosted-engine.conf, ha.conf and of the archive.

    Every value is a text, or None where the key is missing. ``volume_path`` is asked only when the archive is needed;
    by default vdsm prepares the image of the local hosted-engine.conf.
    """

    def __init__(self, volume_path: VolumePath | None = None) -> None:
        self._local = config_file.load(constants.ENGINE_SETUP_CONF_FILE)
        self._volume_path = volume_path or self._prepared_volume

    @staticmethod
    def static_files_exist() -> bool:
        """Tell whether this host counts as deployed (vdsm's capability hostedEngineDeployed)."""
        return os.path.exists(constants.ENGINE_SETUP_CONF_FILE)

    def get(self, key: str) -> str | None:
        """Return a value of the local hosted-engine.conf."""
        return self._local.get(key)

    def required(self, key: str) -> str:
        """Return a value of hosted-engine.conf; raises ValueError if it is missing, empty or the word None."""
        value = self._local.get(key)
        if value in (None, "", "None"):
            raise ValueError(f"'{key} can't be '{value}'")
        return str(value)

    def host_id(self) -> int | None:
        """Return the host id; None if missing or empty. Raises ValueError if it is no number."""
        text = self._local.get(const.HOST_ID)
        return int(text) if text else None

    def is_configured(self) -> bool | int | None:
        """Return a true value if agent and clients may work: a host id, and ``configured`` absent or just ``True``."""
        host_id = self.host_id()
        if not host_id:
            return host_id
        return self._local.get(const.CONFIGURED, "True") == "True"

    def is_up_to_date(self) -> bool:
        """Tell whether the file needs no upgrade: only a blank ``spUUID`` counts (host contract 1.1, 6.1)."""
        return self._local.get(const.SP_UUID) == constants.BLANK_UUID

    # -- ha.conf -------------------------------------------------------------------------------------------------------

    def ha_values(self) -> dict[str, str]:
        """Return ha.conf as it is now."""
        return config_file.load(constants.HA_AGENT_CONF_FILE)

    def set_ha_value(self, key: str, value: str) -> None:
        """Change one flag of ha.conf."""
        config_file.save(constants.HA_AGENT_CONF_FILE, {**self.ha_values(), key: value})

    # -- archive -------------------------------------------------------------------------------------------------------

    def _prepared_volume(self) -> str:
        from ..lib import image  # here, because it needs vdsm, which most readers do not

        return image.get_volume_path(
            self.required(const.SD_UUID), self.required(const.CONF_IMAGE_UUID), self.required(const.CONF_VOLUME_UUID)
        )

    def archive_member(self, name: str, cache: str | None = None) -> str | None:
        """Return a member of a valid archive and keep it in a cache file; None if it cannot be had or is empty."""
        volume = self._volume_path()
        if not heconflib.validate_conf_image(volume):
            _log.error("Configuration image %s is not valid", volume)
            return None
        text = heconflib.extract_conf_file(volume, name)
        if not text:
            return None
        if cache is not None:
            _write_cache(cache, text)
        return text

    def shared_values(self) -> dict[str, str]:
        """Return hosted-engine.conf of the archive."""
        text = self.archive_member("hosted-engine.conf", constants.SHARED_CONF_CACHE_FILE)
        return config_file.parse(text) if text else {}

    def broker_values(self) -> dict[str, str]:
        """Return broker.conf of the archive, keys dotted; the cached copy if the archive cannot be read."""
        text = self.archive_member("broker.conf", constants.BROKER_CONF_CACHE_FILE)
        return config_ini.parse(text) if text else {}

    # -- get and set by type (host contract 2.5) -----------------------------------------------------------------------

    def all_keys(self) -> dict[str, list[str]]:
        """Return the keys each type knows."""
        return {
            const.HE_LOCAL: list(const.HE_KEYS),
            const.BROKER: list(const.BROKER_KEYS),
            const.HE_SHARED: list(const.HE_KEYS),
            const.HA: list(const.HA_KEYS),
        }

    def _type_of(self, key: str, wanted: str | None) -> str:
        found = [name for name, keys in self.all_keys().items() if key in keys and wanted in (None, name)]
        if not found:
            raise KeyError(f"Configuration key not found: key={key}")
        if len(found) > 1:
            raise ValueError(f"Duplicate key {key}, please specify the key type. Available types are: {found}")
        return found[0]

    def get_shared(self, key: str, config_type: str | None) -> tuple[str | None, str]:
        """Return value and type of a key.

        Raises KeyError for an unknown key, ValueError for one that several types have.
        """
        found = self._type_of(key, config_type)
        readers: dict[str, Callable[[], dict[str, str]]] = {
            const.HE_LOCAL: lambda: config_file.load(constants.ENGINE_SETUP_CONF_FILE),
            const.BROKER: self.broker_values,
            const.HE_SHARED: self.shared_values,
            const.HA: self.ha_values,
        }
        return readers[found]().get(key), found

    def set_shared(self, key: str, value: str, config_type: str | None) -> None:
        """Change a key; raises as get_shared, and RuntimeError if the archive cannot take it."""
        found = self._type_of(key, config_type)
        if found == const.HE_LOCAL:
            values = config_file.load(constants.ENGINE_SETUP_CONF_FILE)
            config_file.save(constants.ENGINE_SETUP_CONF_FILE, {**values, key: value})
        elif found == const.HA:
            self.set_ha_value(key, value)
        else:
            member = "broker.conf" if found == const.BROKER else "hosted-engine.conf"
            text = self.archive_member(member)
            if text is None:
                raise RuntimeError(f"'{member}' cannot be read from the configuration archive")
            change = config_ini.set_value if found == const.BROKER else config_file.set_line
            heconflib.add_file_to_conf_archive(self._volume_path(), member, change(text, key, value))
