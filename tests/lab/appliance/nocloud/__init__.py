"""Stands in for cloud-init in the fast appliance."""
