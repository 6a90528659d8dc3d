"""The demo's source repo: a small shop of three services, with the history that a real team would leave.

Knows text and dates only; `repos.py` turns it into Git objects.
"""

import dataclasses
import datetime as dt

NOAH = "Noah Adeyemi <noah@shop.example>"
LENA = "Lena Fischer <lena@shop.example>"
INES = "Ines Okafor <ines@shop.example>"
TOMASZ = "Tomasz Wrona <tomasz@shop.example>"
PRIYA = "Priya Raman <priya@shop.example>"

SERVICES = ("web", "cart", "payments")
ENVIRONMENTS = ("staging", "production")

_SERVICE = '''"""{name}: {what}"""

import http.server
import json
import os

FEATURES = {features}
NEEDS = {needs}


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        missing = [name for name in NEEDS if name not in os.environ]
        if self.path == "/ready" and missing:
            print(f"config error: {{missing[0]}} is not set", flush=True)
            self.answer(503, {{"ready": False, "missing": missing}})
        else:
            self.answer(200, {{"service": "{name}", "ready": True, "features": FEATURES}})

    def answer(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    allow_reuse_address = True


print("{name} listens", flush=True)
Server(("127.0.0.1", int(os.environ["PORT"])), Answers).serve_forever()
'''

_WHAT = {
    "web": "the pages that customers see.",
    "cart": "what is in the basket, and what it costs.",
    "payments": "asks the card gateway for money.",
}


@dataclasses.dataclass(frozen=True)
class SourceCommit:
    """One commit of the source repo.

    name: how the demo speaks of it; parents: names, first parent first.
    features: service -> the features that it has from here on; needs: service -> environment variables it wants.
    """

    name: str
    parents: tuple[str, ...]
    author: str
    age: dt.timedelta
    message: str
    features: dict[str, tuple[str, ...]]
    needs: dict[str, tuple[str, ...]]


def service_source(name: str, features: tuple[str, ...], needs: tuple[str, ...]) -> str:
    """Write a service's program: a few lines of standard-library HTTP server."""
    return _SERVICE.format(name=name, what=_WHAT[name], features=list(features), needs=list(needs))


class _History:
    """Collects commits; what a commit does not mention stays as its first parent has it."""

    def __init__(self) -> None:
        self.commits: dict[str, SourceCommit] = {}

    def add(
        self,
        name: str,
        parents: tuple[str, ...],
        author: str,
        days: float,
        message: str,
        *,
        features: dict[str, tuple[str, ...]] | None = None,
        needs: dict[str, tuple[str, ...]] | None = None,
    ) -> None:
        before = self.commits[parents[-1]] if parents else None
        first = self.commits[parents[0]] if parents else None
        self.commits[name] = SourceCommit(
            name=name,
            parents=parents,
            author=author,
            age=dt.timedelta(days=days),
            message=message,
            features={**(first.features if first else {}), **(before.features if before else {}), **(features or {})},
            needs={**(first.needs if first else {}), **(before.needs if before else {}), **(needs or {})},
        )


def source_history() -> list[SourceCommit]:
    """Return the shop's commits, parents first: merges, squash merges, a revert, a bad one and its mending."""
    h = _History()
    h.add(
        "start", (), PRIYA, 20, "Start the shop: web, cart and payments answer",
        features={"web": ("catalogue",), "cart": ("basket",), "payments": ("cards",)},
        needs={"web": (), "cart": (), "payments": ()},
    )  # fmt: skip
    h.add(
        "delivery-date", ("start",), NOAH, 18, "Show the delivery date in the basket\n\nFixes SHOP-101",
        features={"cart": ("basket", "delivery date")},
    )  # fmt: skip
    h.add(
        "merge-11", ("start", "delivery-date"), PRIYA, 17.5,
        "Merge pull request #11 from noah/delivery-date\n\nShow the delivery date in the basket",
    )  # fmt: skip
    h.add(
        "vat-rounding", ("merge-11",), LENA, 16, "Round VAT for each line, not for the sum",
        features={"cart": ("basket", "delivery date", "VAT for each line")},
    )  # fmt: skip
    h.add(
        "vat-test", ("vat-rounding",), LENA, 15.8, "Show the VAT rate beside each line\n\nSHOP-104",
        features={"cart": ("basket", "delivery date", "VAT for each line", "VAT rate shown")},
    )  # fmt: skip
    h.add("merge-12", ("merge-11", "vat-test"), INES, 15, "Merge pull request #12 from lena/vat\n\nVAT for each line")
    h.add(
        "gift", ("merge-12",), INES, 12,
        "feat(web): gift message on checkout (#13)\n\nFixes SHOP-107\n\nCo-authored-by: " + NOAH,
        features={"web": ("catalogue", "gift message")},
    )  # fmt: skip
    h.add(
        "wishlist", ("gift",), TOMASZ, 10, "Wishlist button on product pages\n\nSHOP-110",
        features={"web": ("catalogue", "gift message", "wishlist")},
    )  # fmt: skip
    h.add("merge-14", ("gift", "wishlist"), PRIYA, 9.5, "Merge pull request #14 from tomasz/wishlist\n\nWishlist")
    h.add(
        "retry", ("merge-14",), INES, 8,
        "fix(payments): retry card authorisation when the gateway times out (#15)\n\nFixes SHOP-112",
        features={"payments": ("cards", "retry")},
    )  # fmt: skip
    h.add(
        "no-wishlist", ("retry",), TOMASZ, 6,
        'Revert "Wishlist button on product pages"\n\nThe button hides the price on small screens.',
        features={"web": ("catalogue", "gift message")},
    )  # fmt: skip
    h.add(
        "search", ("no-wishlist",), NOAH, 5, "Search while typing\n\nSHOP-115",
        features={"web": ("catalogue", "gift message", "search")},
    )  # fmt: skip
    h.add("merge-16", ("no-wishlist", "search"), LENA, 4, "Merge pull request #16 from noah/search\n\nSearch")
    h.add(
        "rates", ("merge-16",), INES, 1,
        "feat(web): prices in the customer's currency (#17)\n\nFixes SHOP-118",
        features={"web": ("catalogue", "gift message", "search", "currencies")},
        needs={"web": ("RATES_URL",)},
    )  # fmt: skip
    h.add(
        "rates-mended", ("rates",), NOAH, 0.1,
        "fix(web): yesterday's rates where the rates service is not configured (#18)\n\nFixes SHOP-119",
        needs={"web": ()},
    )  # fmt: skip
    return list(h.commits.values())
