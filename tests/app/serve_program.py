"""Run a server, or the parts of one that are named, as a program of its own: without the command line."""

import asyncio
import sys
from pathlib import Path

from lastgood.app.serve import serve
from lastgood.app.settings import read_settings

parts = sys.argv[2:] or ["agent", "web"]
asyncio.run(serve(read_settings(Path(sys.argv[1])), agent="agent" in parts, web="web" in parts))
