# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How fit a host is to run the engine VM, in points (host contract 6.1)."""

import configparser
from collections.abc import Mapping, Sequence

from ..env import constants as env_constants
from . import constants

ScoreConfig = Mapping[str, float]


def load_config(path: str = env_constants.AGENT_CONF_FILE) -> dict[str, float]:
    """Return the weights: the defaults, changed by the section [score] of agent.conf.

    An unknown key is kept and used by nobody. Raises ValueError for a value that is no number of its kind, and
    configparser.Error for a file without sections.
    """
    config = dict(constants.SCORE_DEFAULTS)
    parser = configparser.ConfigParser()
    parser.read(path)
    if parser.has_section("score"):
        for key, text in parser.items("score"):
            config[key] = float(text) if key in constants.SCORE_FLOATS else int(text)
    return config


def load_factor(history: Sequence[tuple[float, float | None]]) -> float:
    """Average a history of CPU loads, newest first, over the last 15 minutes by the trapezoid rule.

    Pairs with an unknown load do not count; without any usable pair the result is 0.
    """
    if not history:
        return 0.0
    oldest = history[0][0] - constants.HISTORY_SECS
    area = seconds = 0.0
    points = [point for point in history if point[0] >= oldest]
    for (newer, load_a), (older, load_b) in zip(points, points[1:], strict=False):
        if load_a is None or load_b is None:
            continue
        area += (load_a + load_b) / 2 * (newer - older)
        seconds += newer - older
    return area / seconds if seconds else 0.0


def _cpu_penalty(load: float, config: ScoreConfig) -> int:
    low, high = config["cpu-load-penalty-min"], config["cpu-load-penalty-max"]
    if high <= low:
        return int(config["cpu-load-score-penalty"]) if load >= high else 0
    share = min(1.0, max(0.0, (load - low) / (high - low)))
    return int(share * config["cpu-load-score-penalty"])


def score(
    config: ScoreConfig,
    *,
    network: float | None,
    cpu_load: float,
    memory_free: float | None,
    memory_needed: int,
    bridge_up: bool | None,
    conf_up_to_date: bool,
    retries: int,
    memory_counts: bool,
) -> int:
    """Return the points of a host that may run the engine VM.

    ``network`` is the share of successful tests, memory is MiB, ``retries`` the failed starts. ``memory_counts`` is
    false in states that already hold the VM.
    """
    if retries > constants.ENGINE_RETRY_MAX:
        return 0
    points = int(config["base-score"])
    points -= int((1 - (network or 0.0)) * config["network-score-penalty"])
    if not bridge_up:
        points -= int(config["mgmt-bridge-score-penalty"])
    if memory_counts and (memory_free or 0.0) < memory_needed:
        points -= int(config["free-memory-score-penalty"])
    if not conf_up_to_date:
        points -= int(config["not-uptodate-config-penalty"])
    points -= _cpu_penalty(cpu_load, config)
    points -= int(retries * config["engine-retry-score-penalty"])
    return max(0, points)
