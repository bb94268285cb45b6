"""Stand in for the script with which ansible-test brings pip into its virtual environments.

The original is downloaded from a server of its own; this one uses the pip that Python itself ships.
"""

import os
import subprocess
import sys

LEFT_OUT = ("--no-setuptools", "--no-wheel")


def main():
    subprocess.check_call([sys.executable, "-m", "ensurepip", "--upgrade", "--default-pip"], stdout=subprocess.DEVNULL)
    wanted = [word for word in sys.argv[1:] if word not in LEFT_OUT]
    if wanted:
        os.execv(sys.executable, [sys.executable, "-m", "pip", "install", *wanted])


main()
