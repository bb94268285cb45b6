# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Networks of a host: a model, or the kernel's real links, addresses, routes and rules."""
