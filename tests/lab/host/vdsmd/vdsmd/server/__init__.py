# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The listening side: one port per host; TLS and protocol are recognised from the first bytes, as VDSM does."""
