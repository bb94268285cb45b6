# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The declared resources. Importing the package declares the whole schema."""

from . import root

__all__ = ["root"]
