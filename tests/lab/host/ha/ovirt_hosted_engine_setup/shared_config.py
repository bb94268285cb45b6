# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What get and set of the shared configuration have in common (host contract 2.5)."""

import argparse
import sys

from ovirt_hosted_engine_ha.env.config import Config


def parser(program: str, *positional: str) -> argparse.ArgumentParser:
    """Return a command line with these positional arguments, in this order, and the type."""
    result = argparse.ArgumentParser(prog=program)
    for name in positional:
        result.add_argument(name)
    result.add_argument("--type")
    return result


def complain(config: Config, error: Exception) -> int:
    """Print an error, for an unknown key with all keys there are; return 1."""
    if not isinstance(error, KeyError):
        print(error, file=sys.stderr)
        return 1
    print(f"{error.args[0]}\nAvailable keys:", file=sys.stderr)
    for kind, keys in config.all_keys().items():
        print(f"{kind} : {keys}", file=sys.stderr)
    return 1
