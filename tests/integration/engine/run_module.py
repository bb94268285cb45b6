"""Run one module of the collection: its name is the argument, its arguments come as JSON on standard input."""

from __future__ import annotations

import importlib
import json
import sys

from ansible.module_utils import basic

basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": json.load(sys.stdin)}).encode()
basic._ANSIBLE_PROFILE = "legacy"
importlib.import_module(f"ansible_collections.node0.hosted_engine.plugins.modules.{sys.argv[1]}").main()
