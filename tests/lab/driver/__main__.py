# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Command line of the lab driver; see tests/lab/README.md."""

import sys

from driver.cli import main

sys.exit(main(sys.argv[1:]))
