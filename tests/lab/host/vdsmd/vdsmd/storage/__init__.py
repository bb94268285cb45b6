# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Storage as VDSM lays it out on file domains. What the disk says is the truth; nothing of it is kept in memory."""
