#!/usr/bin/python3 -ISs
import sys

sys.path.insert(0, "/usr/share/ovirt-engine-sim")
from engine_tools.psql.main import main

sys.exit(main())
