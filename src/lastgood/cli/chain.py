"""How a feature came to an application, as `lastgood where -v` prints it."""

import datetime as dt

from lastgood.cli.shared import MAX_SUBJECT, heading, indented, reference
from lastgood.cli.text import Style, clean, cut, facts, lasted, moment
from lastgood.core.chain import Chain, ChainConfig, ChainDeployment
from lastgood.core.feature import Feature
from lastgood.core.feature_views import WhereEntry

_LABELS = 5


def chain_text(entry: WhereEntry, at: dt.datetime, style: Style) -> str:
    """Lay out the chain of one application, a part a line; "" where it has none, or nothing is known at all."""
    chain = entry.chain
    if chain is None or not (entry.contains or chain.source or chain.images):
        return ""
    parts = [
        ("pull request", _feature(chain.pull_request, chain, "pull_request", none="none is known"), True),
        (
            "merged" if chain.pull_request else "source",
            _source(chain, at),
            True,
        ),
        ("build", clean(chain.build) if chain.build else _missing(chain, "build"), bool(chain.config)),
        ("image", _images(chain), True),
        ("config commit", _config(chain.config, at) if chain.config else _missing(chain, "config"), True),
        ("deployment", _deployment(chain.deployment, at) or _missing(chain, "deployment"), True),
        ("left", _left(chain, at), bool(chain.left_config or chain.left or "left" in chain.unknown)),
        ("held", "the version with which it came is on hold", chain.held),
    ]
    if chain.feature is not None and chain.feature.kind == "issue":
        parts.insert(0, ("issue", _feature(chain.feature, chain, "feature", none=""), True))
    told = facts([(name, text) for name, text, shown in parts if shown], style)
    came = "came" if chain.config is not None or entry.contains else "comes"
    return f"{heading(f'how it {came} to {clean(entry.app)}', style)}\n{indented(told)}"


def _missing(chain: Chain, part: str) -> str:
    why = chain.unknown.get(part)
    if why is not None:
        return f"unknown: {clean(why)}"
    return f"never: {chain.taken_out[:7]} took it out in the source repo" if chain.taken_out else "not there yet"


def _feature(feature: Feature | None, chain: Chain, part: str, *, none: str) -> str:
    if feature is None:
        return _missing(chain, part) if part in chain.unknown else none
    people = ", ".join(clean(one.name) for one in feature.authors[:3])
    page = f"\n{clean(feature.url)}" if feature.url else ""
    return f"{clean(feature.id)}  {cut(clean(feature.title), MAX_SUBJECT)}{labels_text(feature)}, by {people}{page}"


def labels_text(feature: Feature) -> str:
    """Return a feature's labels as they stand after its title; "" for none."""
    named = ", ".join(map(clean, feature.labels[:_LABELS]))
    return f" [{named}{' and more' if len(feature.labels) > _LABELS else ''}]" if named else ""


def _source(chain: Chain, at: dt.datetime) -> str:
    source = chain.source
    if source is None:
        return _missing(chain, "source")
    title = cut(clean(source.title), MAX_SUBJECT)
    return f"{source.commit[:7]}  {title}\n{clean(source.repo)}, {moment(source.committed_at, at)}"


def _images(chain: Chain) -> str:
    if not chain.images:
        return _missing(chain, "images")
    lines = []
    for one in chain.images:
        said = "at" if one.base else "built from"
        made = f"{said} {one.revision[:7]}" if one.revision else f"{said} an unknown revision"
        lines.append(f"{clean(one.name)}  {reference(one.reference)}  {made}")
    return "\n".join(lines)


def _config(config: ChainConfig, at: dt.datetime) -> str:
    subject = cut(clean(config.subject), MAX_SUBJECT)
    about = f"{clean(config.repo)} {clean(config.path)}, {clean(config.author.name)}"
    return f"{config.commit[:7]}  {subject}\n{about}, {moment(config.committed_at, at)}"


def _deployment(run: ChainDeployment | None, at: dt.datetime) -> str:
    if run is None:
        return ""
    took = f", took {lasted((run.finished_at - run.started_at).total_seconds())}" if run.finished_at else ""
    asked = f"  {run.trigger}" if run.trigger != "commit" else ""
    return f"n{run.number}  {run.outcome}{asked}  {moment(run.started_at, at)}{took}"


def _left(chain: Chain, at: dt.datetime) -> str:
    lines = [_deployment(chain.left, at) or _missing(chain, "left")]
    if chain.left_config is not None:
        lines.append(f"{chain.left_config.commit[:7]}  {cut(clean(chain.left_config.subject), MAX_SUBJECT)}")
    if chain.left is not None and chain.left.reason:
        lines.append(clean(" ".join(chain.left.reason.split())))
    return "\n".join(lines)
