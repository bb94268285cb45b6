# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lab stand-in for the package of the same name: the high-availability services of a hosted engine.

Written for this repository against the host contract (chapters 1 to 9); no upstream code. It keeps the interfaces that
clients use: module names, file formats, command line, RPC methods, and the known faults that a deployment must survive.
"""
