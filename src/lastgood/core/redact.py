"""Take secrets out of text and plain values before anybody sees them: logs, last words, diffs, errors, events.

Rather too much than too little. Works on text alone; knows no place where secrets are kept.
"""

import re
from typing import Any

REDACTED = "[redacted]"
_MAX_DEPTH = 64

_SECRET = re.compile(
    r"pass[_-]?word|passwd|passphrase|pwd|secret|token|api[_.-]?key|access[_.-]?key|private[_.-]?key"
    r"|encryption[_.-]?key|signing[_.-]?key|auth[_.-]?key|credential|authorization|cookie|signature|session[_-]?id|dsn",
    re.IGNORECASE,
)
# `secretName`, `tokenPath` and their like say where a secret is, and not what it is.
_WHERE = re.compile(r"(?:name|ref|path|file|dir|type|ttl|count|length|policy)s?$|expir\w*$", re.IGNORECASE)

# Every expression below looks ahead by a bounded amount, or consumes what it looked at: a stranger's log costs
# time in proportion to its length.
_PEM = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----.*?(?:-----END [A-Z0-9 ]{0,60}-----|\Z)", re.DOTALL
)
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----")
_BASE64_LINE = re.compile(r"\s*[A-Za-z0-9+/=]{4,}\s*")
_URL = re.compile(r"(?<=://)[^\s/\"'<>]*@")
_USER = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,20}://)[^/\s'\"@]*(?:@[^/\s'\"@]*)*@")
_WORD = re.compile(r"[^\s'\"]++")
_NAMED = re.compile(
    r"(?P<key>(?<![A-Za-z0-9_.-])[A-Za-z0-9_.-]{1,200}+)\\?[\"']?[^\S\n]{0,10}(?P<sign>=|:(?!//))[^\S\n]{0,10}(?=\S)"
)
_QUOTED = re.compile(r"\\\"(?:[^\\\n]|\\(?!\"))*+\\\"|\"(?:[^\"\\\n]|\\.)*+\"|'[^'\n]*+'")
_BLOCK = re.compile(r"[|>][-+0-9]{0,3}[^\S\n]*\n(?:[^\S\n]+[^\n]*+(?:\n|\Z))+")
_TO_BLANK = re.compile(r"\S+")
_TO_LINE_END = re.compile(r"[^\n]+")
_OPTION = re.compile(r"(?P<key>(?<![\w-])--?[A-Za-z][A-Za-z0-9_-]{0,60})(?P<between>[^\S\n]{1,10})(?P<value>[^\s-]\S*)")
_SCHEME = re.compile(
    r"\b(bearer|basic|token|negotiate)[^\S\n]{1,10}(?=\S{0,300}?[0-9._=+/-])[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE
)
_SHAPES = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}|sk-[\w-]{20,}"
    r"|sk_live_\w{10,}|npm_[A-Za-z0-9]{20,}|pypi-[\w-]{20,}|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{30,}|hv[sb]\.[\w-]{20,}"
    r"|eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*)"
)


# Names and commits, most of what is logged: no expression below can find anything in them.
_HARMLESS = re.compile(r"[A-Za-z0-9_.-]{0,14}|[0-9a-f]{40}")


def is_secret_name(name: str) -> bool:
    """Say whether a key, variable or header of that name is likely to hold a secret."""
    return _SECRET.search(name) is not None and _WHERE.search(name) is None


def redact(text: str) -> str:
    """Return text without secrets: keys in PEM, passwords in URLs, bearer headers, `password=...`, known token shapes.

    What stood there becomes `[redacted]`. Redacting twice changes nothing more.
    """
    if _HARMLESS.fullmatch(text):
        return text
    text = _without_key_tail(_PEM.sub(REDACTED, text))
    text = _URL.sub(f"{REDACTED}@", text)
    text = _SCHEME.sub(lambda found: f"{found[1]} {REDACTED}", text)
    text = _SHAPES.sub(REDACTED, text)
    return _OPTION.sub(_hide, _in_lines(text))


def without_credentials(text: str) -> str:
    """Return text whose URLs are what people call the place: nothing before the @, no query.

    For addresses of repositories, which are shown often: a mark in each would say nothing.
    """
    return _WORD.sub(_without_query, _USER.sub(r"\g<scheme>", text))


def _without_query(found: re.Match[str]) -> str:
    url, _, _ = found[0].partition("?")
    return url if "://" in url else found[0]


def redact_plain(value: Any) -> Any:
    """Return plain JSON without secrets: what stands under a secret's name, `NAME=secret` items, and `redact` of text.

    The `data` and `stringData` of a Kubernetes Secret go whole, under whatever names. Keys stay.
    """
    return _plain(value, _MAX_DEPTH)


def _plain(value: Any, depth: int) -> Any:
    if depth == 0:
        return REDACTED
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, (list, tuple)):
        return [_plain(one, depth - 1) for one in value]
    if not isinstance(value, dict):
        return value
    hidden = {"data", "stringData"} if value.get("kind") == "Secret" else set()
    # {name: DB_PASSWORD, value: ...} is how Kubernetes writes a variable.
    if isinstance(value.get("name"), str) and is_secret_name(value["name"]):
        hidden.add("value")
    return {
        key: _hidden(one) if key in hidden or _hides(key, one) else _plain(one, depth - 1) for key, one in value.items()
    }


def _hides(key: Any, value: Any) -> bool:
    # `tokens: 3` and `secrets: {...}` are no secrets: only text is hidden by its name, alone or in a list.
    return isinstance(key, str) and is_secret_name(key) and isinstance(value, (str, list))


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return dict.fromkeys(value, REDACTED)
    if isinstance(value, list):
        return [REDACTED for _ in value]
    return REDACTED


def _without_key_tail(text: str) -> str:
    """Hide the end of a private key whose beginning was cut off, as the last words of a log may have it."""
    if _PEM_END.search(text) is None:
        return text
    kept: list[str] = []
    for line in text.split("\n"):
        if _PEM_END.search(line) is None:
            kept.append(line)
            continue
        while kept and _BASE64_LINE.fullmatch(kept[-1]):
            kept.pop()
        kept.append(REDACTED)
    return "\n".join(kept)


def _in_lines(text: str) -> str:
    """Hide the values of secret names, going from name to name: a harmless value may hold the next name."""
    parts: list[str] = []
    at = 0
    for found in _NAMED.finditer(text):
        if found.start() < at or not is_secret_name(found["key"]):
            continue
        # After `=` a value ends at a blank (`a=1 b=2`); after `:` it may hold blanks and ends with its line.
        bare = _TO_BLANK if found["sign"] == "=" else _TO_LINE_END
        value = next(one for form in (_QUOTED, _BLOCK, bare) if (one := form.match(text, found.end())))
        parts += [text[at : found.end()], _shown(value[0]), "\n" if value[0].endswith("\n") else ""]
        at = value.end()
    return "".join(parts) + text[at:]


def _hide(found: re.Match[str]) -> str:
    if not is_secret_name(found["key"]):
        return found[0]
    return found["key"] + found["between"] + _shown(found["value"])


def _shown(value: str) -> str:
    quote = next((one for one in ('\\"', '"', "'") if value.startswith(one) and value.endswith(one)), "")
    return f"{quote}{REDACTED}{quote}"
