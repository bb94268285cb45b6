# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the driver says when it cannot go on."""


class LabError(Exception):
    """The lab cannot do what was asked; the text says what was expected and what was seen."""
