# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""broker.conf: sections, with keys addressed as ``section.key`` (host contract 2.3, 2.5)."""

import configparser
from io import StringIO


def parse(text: str) -> dict[str, str]:
    """Return all values under their dotted names; raises configparser.Error."""
    parser = configparser.ConfigParser()
    parser.read_string(text)
    return {f"{section}.{key}": value for section in parser.sections() for key, value in parser.items(section)}


def set_value(text: str, dotted: str, value: str) -> str:
    """Return the text with one value changed; comments are lost.

    Raises ValueError for a ``%`` that is no interpolation.
    """
    parser = configparser.ConfigParser()
    parser.read_string(text)
    section, _dot, key = dotted.partition(".")
    if not parser.has_section(section):
        parser.add_section(section)
    parser.set(section, key, value)
    stream = StringIO()
    parser.write(stream)
    return stream.getvalue()
