# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""VDSM's wire protocol: STOMP 1.2 frames that carry JSON-RPC 2.0, on one port with HTTP.

`stomp` holds the frames (no input or output), `client` the client, `errors` what can go wrong. The package stands on
the standard library alone and imports little, because it also runs in virtual machines without KVM.
"""
