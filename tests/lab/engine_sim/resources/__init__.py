"""The declared resources. Importing the package declares the whole schema."""

from . import root

__all__ = ["root"]
