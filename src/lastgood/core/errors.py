"""Every way in which lastgood says no, each with its sentence, its hint and its exit code.

LastgoodError
    CommandLineWrong           2  the request itself makes no sense
    Unknown                    5  nothing has that name
        UnknownApplication
        UnknownVersion
        AmbiguousVersion
        NoLastGood
        NoPrevious
        NoVersionByFeature
        UnknownOperation
        UnknownFeature
        AmbiguousImage
        UnknownPod
        NothingToUndo
    Refused                    3  a rule or a person says no
        Blocked
        RevertConflict
        NeedsConfirmation
        ReasonMissing
    BranchMoved                4  the same application changed meanwhile
    NotHealthyInTime           6  pushed, but the target is not healthy
    PushUnknown                7  nobody knows whether the push arrived
    AnswerLost                 7  the server was asked, and nobody knows what it did
    (all others)               1
        GitFailed
            RemoteUnreachable
            HeadMoved
            PushRefused
            ObjectTooLarge
            ObjectMissing
            RepoUnsupported
            HistoryTruncated
        ConfigWrong
        RenderFailed
        NoRenderer
        TargetFailed
            TargetRefused
        MalformedResource
        RegistryFailed
            ImageMissing
        ForgeFailed
        PullRequestRefused
        StoreFailed
            StoreUnavailable
            StoreFull
            StoreNewer
        ServerUnreachable
        NeedsServer
        NotAllowed
        SettingsWrong
        AlreadyThere

Adapters translate their library's errors into these, chained with `from`. Facts are attributes and
JSON fields; nothing here prints, and no message carries a secret: whoever raises has redacted it.
"""

import re
from typing import Any, ClassVar


class LastgoodError(Exception):
    """Something that lastgood could not or would not do.

    template, hint_template: formatted with the facts; a raiser may give `message` or `hint` instead.
    facts: JSON values, read as attributes (`error.facts["found"]`).
    """

    exit_code: ClassVar[int] = 1
    template: ClassVar[str] = "lastgood could not do that"
    hint_template: ClassVar[str] = ""

    def __init__(
        self, message: str | None = None, *, hint: str | None = None, app: str | None = None, **facts: Any
    ) -> None:
        self.app = app
        self.facts: dict[str, Any] = facts
        words = {"app": app, **facts}
        self.message = message if message is not None else self.template.format_map(words)
        self.hint = hint if hint is not None else self.hint_template.format_map(words)
        super().__init__(self.message)

    @property
    def code(self) -> str:
        """The error's name for scripts: the class's name in kebab-case."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()

    def as_json(self) -> dict[str, Any]:
        """Return the one JSON shape of an error: {"error": {code, message, app, hint, facts}}."""
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "app": self.app,
                "hint": self.hint or None,
                "facts": self.facts,
            }
        }


class CommandLineWrong(LastgoodError):
    """The request itself makes no sense: options that contradict each other, a date nobody can read."""

    exit_code = 2
    template = "the command line is wrong"


class Unknown(LastgoodError):
    """Nothing has that name."""

    exit_code = 5
    template = "there is no {name}"


class UnknownApplication(Unknown):
    """No application of that name; facts: name, nearest (list of names)."""

    template = "there is no application {name}"
    hint_template = "see `lastgood apps`"


class UnknownVersion(Unknown):
    """No version answers to that text; facts: version."""

    template = "{app} has no version {version}"
    hint_template = "see `lastgood timeline {app}`"


class AmbiguousVersion(Unknown):
    """Several commits start with that prefix; facts: version, candidates (list of sentences)."""

    template = "{version} is ambiguous in {app}"
    hint_template = "give one more character"


class NoLastGood(Unknown):
    """No version is known to be good."""

    template = "no last good version of {app} is known"
    hint_template = "`--previous` goes back to the version before this one"


class NoPrevious(Unknown):
    """No version came before this one."""

    template = "{app} has no previous version"
    hint_template = "see `lastgood timeline {app}`"


class NoVersionByFeature(Unknown):
    """No good version is known to have a feature, or to be without it; facts: feature, contains, passed_over.

    passed_over: {"commit", "reason"} of good versions, newest first, with their 7 digits.
    """

    hint_template = "see `lastgood timeline {app}`; `--to VERSION` goes to a version of your choice"


class UnknownOperation(Unknown):
    """No operation has that id; facts: operation."""

    template = "there is no operation {operation}"


class UnknownFeature(Unknown):
    """Nothing in a source repo has that name; facts: feature, repo (null for an image), nearest."""

    template = "there is no {feature} in {repo}"
    hint_template = "a feature is PR-481, an issue like #12 or ABC-12 of a configured project, a commit, or words"


class AmbiguousImage(Unknown):
    """Several images end in that name; facts: image, candidates (list of names)."""

    template = "several images are called {image}"
    hint_template = "give the whole name of one: {candidates}"


class UnknownPod(Unknown):
    """No pod of that name belongs to the application; facts: pod."""

    template = "{app} has no pod {pod}"
    hint_template = "its services name its pods; a pod that was replaced is gone"


class NothingToUndo(Unknown):
    """No operation of lastgood is found for that application."""

    template = "there is no operation of {app} to undo"
    hint_template = "`lastgood rollback {app} --previous` goes back to the version before this one"


class Refused(LastgoodError):
    """A rule or a person says no; nothing was changed."""

    exit_code = 3


class Blocked(Refused):
    """Checks block the plan; facts: checks (list of names). The plan itself is printed with it.

    exit_code is 4 if `stale-plan` is among them.
    """

    template = "{app}: blocked by {blocking}"
    hint_template = "nothing was changed; override by name with `--despite CHECK`"


class RevertConflict(Refused):
    """The commits cannot be undone one by one; facts: commit, paths."""

    template = "{app}: undoing {commit} conflicts in {conflicts}"
    hint_template = "nothing was changed; `--mode restore` never conflicts"


class NeedsConfirmation(Refused):
    """There is nobody to ask: no terminal, no `--yes`."""

    template = "this would have to ask, and there is no terminal"
    hint_template = "nothing was changed; give `--yes` to go ahead"


class ReasonMissing(Refused):
    """The policy of an application asks for a reason, and none was given."""

    template = "{app} asks for a reason (`policy: {{reason: required}}`)"
    hint_template = "nothing was changed; give `--reason TEXT`"


class BranchMoved(LastgoodError):
    """Somebody changed the same application while the plan was made; nothing was pushed.

    facts: branch, planned_on, found.
    """

    exit_code = 4
    template = "{app} changed on {branch} while the plan was made: {planned_on:.7} became {found:.7}"
    hint_template = "nothing was pushed; see `lastgood diff {app} {planned_on:.7} {found:.7}`, then plan again"


class NotHealthyInTime(LastgoodError):
    """The commit is pushed, but the target did not become healthy in time; facts: commit, health."""

    exit_code = 6
    template = "{app}: {commit:.7} is pushed, but the target is {health}"
    hint_template = "see `lastgood status {app}`"


class PushUnknown(LastgoodError):
    """No clear answer came from the remote; facts: commit, branch."""

    exit_code = 7
    template = "it is not known whether {commit:.7} reached {branch}"
    hint_template = "the same command finishes it"


class AnswerLost(LastgoodError):
    """The server got the request and gave no answer: it may have done it, or may do it still; facts: server, reason."""

    exit_code = 7
    template = "{server} was asked and gave no answer, so it may have been done all the same: {reason}"
    hint_template = (
        "see `lastgood timeline` before you ask again; once the server is back, the same command finishes it"
    )


class GitFailed(LastgoodError):
    """Git answered with an error that has no name of its own; facts: command (without secrets)."""

    template = "git could not do that"


class RemoteUnreachable(GitFailed):
    """The remote gave no answer or refused to talk; facts: remote (URL without credentials)."""

    template = "{remote} cannot be reached"
    hint_template = "nothing was changed; check the network and the credentials, then try again"


class HeadMoved(GitFailed):
    """The remote's branch is not where it was planned to be; facts: branch, expected, found (or null)."""

    template = "{branch} moved from {expected:.7}"


class PushRefused(GitFailed):
    """The server refuses the push by a rule of its own; facts: branch, remote_message."""

    template = "the server refuses the push to {branch}: {remote_message}"
    hint_template = "nothing was changed; ask who protects the branch"


class ObjectTooLarge(GitFailed):
    """A Git object is over the limit; facts: path, size_bytes, limit_bytes."""

    template = "{path} has {size_bytes} bytes; the limit is {limit_bytes}"


class ObjectMissing(GitFailed):
    """A Git object is not here (shallow, partial or damaged); facts: object."""

    template = "Git object {object} is not here"


class RepoUnsupported(GitFailed):
    """A kind of repository that lastgood does not read, e.g. SHA-256; facts: reason."""

    template = "this repository cannot be used: {reason}"


class HistoryTruncated(GitFailed):
    """The question needs history that a shallow clone does not have."""

    template = "the history of this shallow clone does not reach that far"
    hint_template = "`git fetch --unshallow` brings the rest"


class ConfigWrong(LastgoodError):
    """`lastgood.yaml` or a file of an application cannot be read; facts: file, line (or null), reason."""

    template = "{file}: {reason}"


class RenderFailed(LastgoodError):
    """The application's content cannot be rendered; facts: file (or null), reason."""

    template = "{app} does not render: {reason}"


class NoRenderer(LastgoodError):
    """Nothing here renders applications of that kind; facts: kind."""

    template = "{app} is of the kind {kind}, which is not rendered here"


class TargetFailed(LastgoodError):
    """The target did not do what was asked; facts: destination, reason."""

    template = "{app} on {destination}: {reason}"


class TargetRefused(TargetFailed):
    """The target cannot run such a version, however often it is tried; facts: destination, reason."""


class MalformedResource(LastgoodError):
    """A live object holds something else than its kind allows; facts: kind, name, field, reason."""

    template = "the {kind} {name} cannot be judged: {reason}"


class RegistryFailed(LastgoodError):
    """A registry does not tell about an image; facts: registry, image, reason."""

    template = "{registry} does not tell about the image {image}: {reason}"


class ImageMissing(RegistryFailed):
    """A registry has no such image, or does not show it to us; facts: registry, image."""

    template = "{registry} has no image {image}, or does not show it to lastgood"
    hint_template = "check its name; a private image needs `docker_config` under [[registries]] in lastgood.toml"


class ForgeFailed(LastgoodError):
    """A forge or a tracker does not answer now; facts: forge (its address), reason."""

    template = "{forge} does not tell: {reason}"


class PullRequestRefused(LastgoodError):
    """A forge does not let lastgood open a pull request; facts: forge (its address), source (the branch), reason."""

    template = "{forge} opens no pull request for {source}: {reason}"
    hint_template = "nothing is deployed; the commit is on {source}; see what the forge's token may do, then try again"


class StoreFailed(LastgoodError):
    """The records cannot be read or written; facts: reason."""

    template = "the records cannot be written: {reason}"


class StoreUnavailable(StoreFailed):
    """The database is locked or does not answer."""

    hint_template = "nothing was started; what was recorded is safe"


class StoreFull(StoreFailed):
    """The disk of the database is full."""

    template = "the records cannot be written: the disk is full"
    hint_template = "nothing was started; what was recorded is safe; free some space"


class StoreNewer(StoreFailed):
    """The database was written by a newer lastgood; facts: found, known."""

    template = "the records were written by a newer lastgood (schema {found}; this one knows {known})"
    hint_template = "nothing was changed; start the newer version"


class ServerUnreachable(LastgoodError):
    """The lastgood server gives no answer; facts: server, reason."""

    template = "{server} does not answer: {reason}"
    hint_template = "nothing is known to have changed; check the address, and that `lastgood serve` runs"


class NeedsServer(LastgoodError):
    """The command works only against a server."""

    template = "{command} needs a running lastgood server"
    hint_template = "give `--server URL`, or start `lastgood serve` here"


class NotAllowed(LastgoodError):
    """The person, or the policy, may not do that; facts: action."""

    template = "{action} is not allowed"


class SettingsWrong(LastgoodError):
    """`lastgood.toml`, the environment or a flag is wrong; facts: setting, reason."""

    template = "{setting}: {reason}"


class AlreadyThere(LastgoodError):
    """`lastgood init` would overwrite a file that somebody wrote; facts: file."""

    template = "{file} is already there"
    hint_template = "nothing was changed; `--force` writes it anew"
