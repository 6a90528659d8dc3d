"""Write a manifest as YAML which every reader takes for that manifest: those of YAML 1.1, of 1.2, and `kubectl`'s own.

Pure. Heavy to import (YAML): only where something is shown.
"""

from typing import Any

import yaml

from lastgood.core.kube_scalar import plain_scalar

# Wider than any line: text is broken where it breaks itself, and nowhere else.
_WIDTH = 1_000_000


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the library's signature
        """Write everything out: a comparison of lines has no use for anchors."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if not text.replace("\n", "").isprintable():
        # Tabs, and what old YAML takes for the end of a line, stand as escapes.
        style = '"'
    elif "\n" in text:
        # Where a block cannot hold the text (blanks before an end of line), the library quotes it after all.
        style = "|"
    elif not isinstance(plain_scalar(text), str) or text == "<<":
        # `y`, `0o17` and `1e3` are text for this library and none for others.
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def manifest_text(manifest: Any, *, sort_keys: bool = False) -> str:
    """Return plain JSON values as one YAML document, ending with a line; text of several lines as a block."""
    text: str = yaml.dump(
        manifest, Dumper=_Dumper, sort_keys=sort_keys, allow_unicode=True, width=_WIDTH, default_flow_style=False
    )
    return text
