"""`make cluster`: start a control plane, say its KUBECONFIG, stay until Ctrl-C."""

import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from cluster.control_plane import ControlPlane
from cluster.programs import KUBERNETES, programs


def main() -> None:
    found = programs()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: sys.exit(0))
    with ControlPlane(found) as plane:
        said = f"Kubernetes {KUBERNETES} runs until Ctrl-C. In another terminal:\n"
        sys.stdout.write(f"{said}\n    export KUBECONFIG={plane.kubeconfig}\n")
        sys.stdout.flush()
        while True:
            signal.pause()


main()
