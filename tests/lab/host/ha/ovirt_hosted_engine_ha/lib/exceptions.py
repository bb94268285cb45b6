# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Errors of the HA services."""


class MetadataError(Exception):
    """A slot of he_metadata cannot be used."""


class MalformedMetadataError(MetadataError):
    """The slot is damaged, or older than this reader understands."""


class FatalMetadataError(Exception):
    """The slot was written by a newer agent: not caught by the client (host contract 3.2)."""


class MetadataTooNewError(FatalMetadataError):
    """What the agent makes of FatalMetadataError."""


class RequestError(Exception):
    """A request could not be carried out by the broker or the storage."""


class BrokerConnectionError(Exception):
    """Nobody listens on the broker's socket."""


class BrokerInitializationError(Exception):
    """The broker cannot start with this configuration or storage."""


class ServiceNotUpError(Exception):
    """A service the agent needs is not running; the text is its name."""


class HostIdLockedError(Exception):
    """The host id cannot be locked in the lockspace."""


class DisconnectionError(Exception):
    """The storage of the hosted engine is not reachable."""


class EngineVmError(Exception):
    """The engine VM could not be started or stopped."""


class DuplicateStorageConnectionException(Exception):
    """The domain is mounted under a path that this configuration would not use."""
