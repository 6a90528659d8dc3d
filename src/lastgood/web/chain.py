"""How a feature came to an application, as the page of features shows it: one step after the other. Pure."""

import datetime as dt

from lastgood.core.chain import Chain, ChainConfig, ChainDeployment, ChainImage
from lastgood.core.value import Value


class Step(Value, frozen=True, kw_only=True):
    """A step of the way. word: where nothing is there, "Not known", "Not there yet" or "It never came", and why.

    Else one of text, code (a commit) and image. url: its page elsewhere; here: its page of ours. took_s: from at on.
    """

    name: str
    word: str = ""
    why: str = ""
    text: str = ""
    url: str | None = None
    here: str = ""
    code: str = ""
    image: ChainImage | None = None
    about: str = ""
    at: dt.datetime | None = None
    took_s: float | None = None


def steps(chain: Chain, base: str) -> tuple[Step, ...]:
    """Return the steps in order. base: where the pages of the application are."""
    found = [_issue(chain), _pull(chain), _source(chain), _build(chain), *_images(chain)]
    found += [_config(chain, chain.config, base, "Config commit"), _deployment(chain, chain.deployment, base)]
    if chain.left_config is not None or chain.left is not None or "left" in chain.unknown:
        found += [_config(chain, chain.left_config, base, "Left with commit"), _left(chain, base)]
    return tuple(one for one in found if one is not None)


def _missing(chain: Chain, part: str, name: str) -> Step:
    why = chain.unknown.get(part)
    if why is None and chain.taken_out is not None:
        return Step(name=name, word="It never came", why=f"{chain.taken_out[:7]} took it out in the source repo")
    return Step(name=name, word="Not there yet" if why is None else "Not known", why=why or "")


def _issue(chain: Chain) -> Step | None:
    one = chain.feature
    if one is None or one.kind != "issue":
        return None
    return Step(name="Issue", text=one.id, url=one.url)


def _pull(chain: Chain) -> Step:
    one = chain.pull_request
    if one is None:
        why = chain.unknown.get("pull_request")
        return Step(name="Pull request", word="Not known" if why else "None is known", why=why or "")
    people = ", ".join(person.name for person in one.authors[:3])
    return Step(name="Pull request", text=one.id, url=one.url, about=f"{one.title}, by {people}")


def _source(chain: Chain) -> Step:
    one = chain.source
    if one is None:
        return _missing(chain, "source", "Source")
    name = "Merged" if chain.pull_request is not None else "Source"
    return Step(name=name, code=one.commit, url=one.url, about=f"{one.repo}, {one.author.name}", at=one.committed_at)


def _build(chain: Chain) -> Step | None:
    if chain.build is not None:
        return Step(name="Build", text="the build's page", url=chain.build)
    return _missing(chain, "build", "Build") if "build" in chain.unknown and chain.config is not None else None


def _images(chain: Chain) -> list[Step]:
    if not chain.images:
        return [_missing(chain, "images", "Image")]
    return [
        Step(
            name="Base" if one.base else "Image",
            image=one,
            about=_made_of(one),
        )
        for one in chain.images
    ]


def _made_of(one: ChainImage) -> str:
    said = "at" if one.base else "built from"
    return f"{said} {one.revision[:7]}" if one.revision else f"{said} a revision that is not known"


def _config(chain: Chain, one: ChainConfig | None, base: str, name: str) -> Step | None:
    if one is None:
        return _missing(chain, "config", name) if name == "Config commit" else None
    about = f"{one.repo} {one.path}: {one.subject}"
    return Step(name=name, code=one.commit, here=f"{base}/records/{one.commit}", about=about, at=one.committed_at)


def _deployment(chain: Chain, run: ChainDeployment | None, base: str) -> Step:
    return _run(run, base, "Deployment") if run is not None else _missing(chain, "deployment", "Deployment")


def _left(chain: Chain, base: str) -> Step:
    name = "Left with deployment"
    return _run(chain.left, base, name) if chain.left is not None else _missing(chain, "left", name)


def _run(run: ChainDeployment, base: str, name: str) -> Step:
    word = run.outcome if run.trigger == "commit" else f"{run.outcome}, {run.trigger}"
    return Step(
        name=name,
        text=f"n{run.number}",
        here=f"{base}/records/n{run.number}",
        about=f"{word}: {run.reason}" if run.reason else word,
        at=run.started_at,
        took_s=(run.finished_at - run.started_at).total_seconds() if run.finished_at is not None else None,
    )
