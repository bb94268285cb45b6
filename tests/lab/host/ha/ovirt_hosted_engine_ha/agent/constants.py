# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Constants of the agent that clients import."""

#: Version of the HA package; a deployment writes it into the member ``version`` of the configuration archive.
PACKAGE_VERSION = "2.5.3"

PACKAGE_NAME = "ovirt-hosted-engine-ha"

#: Versions of the metadata line this agent writes and reads (host contract 3.2).
METADATA_FEATURE_VERSION = 1
METADATA_PARSE_VERSION = 1

#: A live remote host this many points better moves the engine VM (host contract 6.1).
RESTART_THRESHOLD_SCORE = 800

ENGINE_RETRY_EXPIRATION_SECS = 600
ENGINE_RETRY_MAX = 3

#: Seconds of history over which the CPU load is averaged, and which the state machine keeps.
HISTORY_SECS = 900

#: Defaults of the section [score] of agent.conf (host contract 6.1).
SCORE_DEFAULTS: dict[str, float] = {
    "base-score": 3400,
    "network-score-penalty": 1600,
    "mgmt-bridge-score-penalty": 600,
    "free-memory-score-penalty": 400,
    "cpu-load-score-penalty": 1000,
    "engine-retry-score-penalty": 50,
    "cpu-load-penalty-min": 0.4,
    "cpu-load-penalty-max": 0.9,
    "not-uptodate-config-penalty": 1000,
}

#: Keys of [score] that may have a fraction.
SCORE_FLOATS = ("cpu-load-penalty-min", "cpu-load-penalty-max")
