"""The lab's engine appliance: a bootable Debian image that carries the engine simulator and the engine's commands."""
