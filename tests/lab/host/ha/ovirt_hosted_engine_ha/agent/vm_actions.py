# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the agent does to the engine VM: all of it through the command line (host contract 6.2)."""

import logging
import subprocess

from ..env import constants

_log = logging.getLogger(__name__)


class CommandLineVm:
    """Starts and stops the VM with ``hosted-engine``."""

    @staticmethod
    def _run(option: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [constants.HOSTED_ENGINE_BINARY, option],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        _log.info("hosted-engine %s: rc %d, stdout %r, stderr %r", option, done.returncode, done.stdout, done.stderr)
        return done

    def start(self) -> bool:
        """Start the VM; one that runs already is as good."""
        done = self._run("--vm-start")
        return done.returncode == 0 or done.stdout.startswith("VM exists and its status is")

    def stop(self, force: bool) -> bool:
        """Shut down or power off; a VM that is gone was meant to be as good, but is told on stderr (known fault)."""
        done = self._run("--vm-poweroff" if force else "--vm-shutdown")
        return done.returncode == 0 or done.stdout.startswith("Virtual machine does not exist")
