# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The engine as this collection sees it: one session, its objects, and the waits between their states."""
