# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`python3 -m vdsmd`."""

import sys

from .cli import main

sys.exit(main())
