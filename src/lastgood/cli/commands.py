"""Every command: its name, its module and function, and its line in the help. A new command is a line here.

Knows no command itself: modules are imported when their command is called, so that the others cost nothing.
"""

from typing import NamedTuple


class CommandLine(NamedTuple):
    """Where a command is, and what it does in a few words (imperative, no full stop)."""

    module: str
    function: str
    summary: str


COMMANDS: dict[str, CommandLine] = {
    "init": CommandLine("init", "init", "Find a repo's applications and write its lastgood.yaml"),
    "apps": CommandLine("apps", "apps", "List the applications, one line each"),
    "status": CommandLine("status", "status", "Show one application in full, or all of them"),
    "timeline": CommandLine("timeline", "timeline", "Show history, newest first, of one application or of everything"),
    "show": CommandLine("show", "show", "Show one record: people, images, resources, health"),
    "diff": CommandLine("diff", "diff", "Show what differs between two versions, secrets redacted"),
    "render": CommandLine("render", "render", "Print a version's resources as YAML documents"),
    "features": CommandLine("features", "features", "Show what entered and left between two versions"),
    "where": CommandLine("where", "where", "Say which applications contain a pull request, an issue or a commit"),
    "compare": CommandLine("compare", "compare", "Show which features one environment has that another does not"),
    "metrics": CommandLine("metrics", "metrics", "Show the figures of delivery (DORA)"),
    "plan": CommandLine("rollback", "plan", "Say what `rollback` with the same options would do"),
    "rollback": CommandLine("rollback", "rollback", "Go back to another version, by one Git commit"),
    "undo": CommandLine("undo", "undo", "Take back the last operation"),
    "hold": CommandLine("hold", "hold", "Keep a version from being released again"),
    "unhold": CommandLine("hold", "unhold", "Let a held version go"),
    "pause": CommandLine("pause", "pause", "Stop deployments of an application, an environment, a repo or everything"),
    "resume": CommandLine("pause", "resume", "Let deployments go on"),
    "retry": CommandLine("retry", "retry", "Try the failed, refused or stopped deployment again"),
    "sync": CommandLine("sync", "sync", "Look now instead of at the next poll"),
    "forget": CommandLine("forget", "forget", "Stop following an application that was removed from Git"),
    "health": CommandLine("health", "health", "Tell the health of Kubernetes objects in a file"),
    "checks": CommandLine("checks", "checks", "List every check with its name and what it asks"),
    "serve": CommandLine("serve", "serve", "Run agent and dashboard in one process"),
    "agent": CommandLine("serve", "agent", "Run the agent alone"),
    "web": CommandLine("serve", "web", "Run the dashboard alone"),
    "doctor": CommandLine(
        "doctor", "doctor", "Say what is installed, reachable and allowed, and what to do where it is not"
    ),
    "demo": CommandLine("demo", "demo", "Tell the whole story on this machine"),
}
