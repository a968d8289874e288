"""What ansible-test takes for get-pip.py: the pip that comes with Python, brought to the version asked for."""

from __future__ import annotations

import subprocess
import sys

# In a process of its own, for ensurepip turns pip's configuration off, and with it a mirror or certificate of the site.
subprocess.check_call([sys.executable, "-m", "ensurepip"])
# It brings setuptools along, which ansible-test neither expects nor removes whole.
subprocess.check_call([sys.executable, "-m", "pip", "uninstall", "--quiet", "--yes", "setuptools"])
arguments = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", *arguments]))
