"""Commands: parse, call, print."""


def main() -> None:
    """Run the program `lastgood` and leave with its exit code."""
    import sys  # noqa: PLC0415 - `import lastgood.cli` stays free

    from lastgood.cli.program import run  # noqa: PLC0415 - `import lastgood.cli` stays free

    sys.exit(run(sys.argv[1:]))
