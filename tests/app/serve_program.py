"""Run a server as a program of its own: what the command `serve` does, without the command line."""

import asyncio
import sys
from pathlib import Path

from lastgood.app.serve import serve
from lastgood.app.settings import read_settings

asyncio.run(serve(read_settings(Path(sys.argv[1]))))
