"""`make cluster`: start a control plane, say its KUBECONFIG, stay until Ctrl-C.

With words behind it, they are a command that the KUBECONFIG is added to: run it instead of waiting.
"""

import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from cluster.control_plane import ControlPlane
from cluster.programs import KUBERNETES, programs

ENDS = (signal.SIGINT, signal.SIGTERM)


def _end(*_signal: object) -> None:
    for name in ENDS:
        signal.signal(name, signal.SIG_IGN)  # a second one would break off the ending, and parts would stay
    sys.exit(0)


def main(command: list[str]) -> int:
    found = programs()
    for name in ENDS:
        # A command gets the Ctrl-C of the terminal itself, and its end is ours.
        signal.signal(name, (lambda *_: None) if command else _end)
    with ControlPlane(found, survives_interrupt=bool(command)) as plane:
        if command:
            return subprocess.run([*command, str(plane.kubeconfig)], check=False).returncode
        said = f"Kubernetes {KUBERNETES} runs until Ctrl-C. In another terminal:\n"
        sys.stdout.write(f"{said}\n    export KUBECONFIG={plane.kubeconfig}\n")
        sys.stdout.flush()
        while True:
            signal.pause()


sys.exit(main(sys.argv[1:]))
