"""What belongs to the operator: flags, then the environment (`LASTGOOD_*`), then `lastgood.toml`.

Only reads and checks; opens nothing. The writers of a config repo can name what stands here, never define it.
"""

import os
import re
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from lastgood.core.duration import parse_duration
from lastgood.core.errors import SettingsWrong
from lastgood.core.image_name import DOCKER_HUB, is_registry_host
from lastgood.forge.rules import ForgeRule, is_token
from lastgood.forge.rules import why_no_address as why_no_forge
from lastgood.registry.rules import OTHER_NAMES_OF_DOCKER_HUB, RegistryRule, why_no_address
from lastgood.render.tools import Boundary, ToolSettings

FILE = "lastgood.toml"
PREFIX = "LASTGOOD_"
# Names that the command line reads itself: they are no settings of the server.
CLIENT_VARIABLES = ("LASTGOOD_SERVER", "LASTGOOD_TOKEN")
_NAME = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"


def _seconds(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    seconds = parse_duration(value)
    if seconds is None:
        raise ValueError("is no duration; write it as `90s`, `10m` or `2h`")
    return seconds


Seconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0, le=30 * 86_400)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class RepoSettings(_Part):
    """A config repo that the agent follows, on one branch."""

    name: str = Field(pattern=_NAME, description="the repo's name here; applications and commands use it")
    url: str = Field(min_length=1, description="a URL or a path, as `git fetch` takes it")
    branch: str = Field(default="main", min_length=1, description="the branch that is followed")

    @field_validator("url", "branch")
    @classmethod
    def _no_option(cls, value: str) -> str:
        if value.startswith(("-", "ext::")):
            raise ValueError("may not begin with `-` or `ext::`")
        return value


class DestinationSettings(_Part):
    """A place where applications run, and who may use it."""

    type: Literal["process", "kubernetes"] = Field(description="the way of running things: `process` or `kubernetes`")
    run_as: str | None = Field(
        default=None, description="processes: the account that the repos' commands run as (needs root)"
    )
    run_as_agent: bool = Field(
        default=False, description="processes: true: the repos' commands may run as the account of lastgood itself"
    )
    kubeconfig: str | None = Field(
        default=None, description="Kubernetes: the file that says how to reach the cluster; left out: KUBECONFIG's"
    )
    context: str | None = Field(default=None, description="Kubernetes: the context of that file; left out: its own")
    in_cluster: bool = Field(
        default=False, description="Kubernetes: true: the cluster that lastgood itself runs in, with its account"
    )
    namespace: str = Field(
        default="lastgood", pattern=_NAME, description="Kubernetes: the namespace of lastgood's own objects"
    )
    act_as: str | None = Field(
        default=None,
        min_length=1,
        description="Kubernetes: the user to act as for an application (`system:serviceaccount:{namespace}:deployer`), "
        "so that the cluster's own rules limit what a repo can do; left out: lastgood's own",
    )
    conflicts: Literal["take-over", "stop"] = Field(
        default="take-over", description="Kubernetes: what becomes of fields that another manager has"
    )
    may_delete: tuple[
        Literal["Namespace", "CustomResourceDefinition", "PersistentVolume", "PersistentVolumeClaim"], ...
    ] = Field(default=(), description="Kubernetes: kinds that take more with them, and may be deleted all the same")
    repos: tuple[str, ...] | None = Field(default=None, description="names of repos that may use it; left out: all")
    paths: tuple[str, ...] | None = Field(
        default=None, description="patterns of paths that may use it (`apps/*/staging`); left out: all"
    )

    @model_validator(mode="after")
    def _says_who_runs(self) -> Self:
        others = _OF_CLUSTERS if self.type == "process" else _OF_PROCESSES
        strange = sorted(self.model_fields_set & others)
        if strange:
            raise ValueError(f"has `{strange[0]}`, which means nothing for the type {self.type}")
        if self.type == "process" and (self.run_as is None) is not self.run_as_agent:
            raise ValueError(
                'says not as whom commands of the repo run; give either `run_as = "account"` or `run_as_agent = true`'
            )
        if self.in_cluster and (self.kubeconfig is not None or self.context is not None):
            raise ValueError("has both `in_cluster` and a kubeconfig; keep one")
        return self

    def refuses(self, repo: str, path: str) -> str | None:
        """Say in a sentence why an application may not use it; None where it may."""
        if self.repos is not None and repo not in self.repos:
            return f"the server's settings do not let the repo {repo} use it"
        if self.paths is not None and not any(_matches(path, pattern) for pattern in self.paths):
            return f"the server's settings do not let the path {path or '.'} use it"
        return None


_OF_PROCESSES = {"run_as", "run_as_agent"}
_OF_CLUSTERS = {"kubeconfig", "context", "in_cluster", "namespace", "act_as", "conflicts", "may_delete"}


def _matches(path: str, pattern: str) -> bool:
    # `*` stays within one folder: `apps/*/staging` must not let `apps/web/production/staging` in.
    parts, patterns = path.split("/"), pattern.strip("/").split("/")
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))


class SourceSettings(_Part):
    """Source repos that releases may be made from."""

    url: str = Field(
        min_length=1, description="a source repo's URL or path, or the beginning of several, ending in `/`"
    )

    def allows(self, url: str) -> bool:
        """Say whether it covers a URL: the same one, or one below it."""
        return url == self.url or (self.url.endswith("/") and url.startswith(self.url) and ".." not in url.split("/"))


class RegistrySettings(_Part):
    """A registry that may be asked what images say of themselves."""

    host: str = Field(min_length=1, description="the registry's host as images name it; `docker.io` for Docker Hub")
    url: str = Field(
        default="",
        description="where it answers, if not at `https://HOST`; `http://` sends everything in the clear, credentials "
        "included",
    )
    docker_config: Path | None = Field(
        default=None,
        description="a file in the form of Docker's `config.json` with credentials for it; left out: asked as a "
        "stranger",
    )

    @field_validator("host")
    @classmethod
    def _is_host(cls, value: str) -> str:
        if not is_registry_host(value):
            raise ValueError("is no host; write it as images do, such as `ghcr.io` or `localhost:5000`")
        if value.lower() in OTHER_NAMES_OF_DOCKER_HUB:
            raise ValueError(f"is Docker Hub; write it as `{DOCKER_HUB}`")
        return value.lower()

    @field_validator("url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        wrong = why_no_address(value) if value else None
        if wrong is not None:
            raise ValueError(wrong)
        return value

    def as_rule(self) -> RegistryRule:
        """Return it as the registries' reader takes it."""
        return RegistryRule(host=self.host, url=self.url, docker_config=self.docker_config)


class _AskedSettings(_Part):
    """What is asked with a token."""

    url: str = Field(min_length=1, description="its address on the web")
    token: SecretStr | None = Field(
        default=None, description="a token that may read there; left out, with `token_file`: asked as a stranger"
    )
    token_file: Path | None = Field(default=None, description="instead: a file that holds the token and nothing else")

    @field_validator("url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        wrong = why_no_forge(value)
        if wrong is not None:
            raise ValueError(wrong)
        return value.rstrip("/")

    @field_validator("token")
    @classmethod
    def _is_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not is_token(value.get_secret_value()):
            raise ValueError("is no token: one word of ASCII")
        return value

    @model_validator(mode="after")
    def _has_one_token(self) -> Self:
        if self.token is not None and self.token_file is not None:
            raise ValueError("has a token in two places; give `token` or `token_file`")
        return self

    def _token(self) -> str:
        return self.token.get_secret_value() if self.token is not None else ""


class ForgeSettings(_AskedSettings):
    """A forge that may be asked for titles, labels and authors of pull requests and issues, and for builds.

    With a token, pull requests of the config repos there can be opened, too.
    """

    url: str = Field(
        min_length=1,
        description="the forge's address on the web, as the source repos' addresses begin; `http://` sends everything "
        "in the clear, the token included",
    )
    token: SecretStr | None = Field(
        default=None,
        description="a token that may read there, and that may write pull requests of the config repos if any are to "
        "be opened; left out, with `token_file`: asked as a stranger, and none is opened",
    )
    kind: Literal["github", "gitlab", "gitea", "bitbucket", "azure"] = Field(
        description="what it is: `github` (also Enterprise), `gitlab`, `gitea` (also Forgejo), `bitbucket` (Cloud), "
        "`azure` (Azure DevOps)"
    )

    def as_rule(self) -> ForgeRule:
        """Return it as the forges' reader takes it."""
        return ForgeRule(url=self.url, kind=self.kind, token=self._token(), token_file=self.token_file)


class TrackerSettings(_AskedSettings):
    """A Jira that may be asked for titles and labels of its issues."""

    url: str = Field(
        min_length=1, description="the address of a Jira, as `issues: {jira: URL}` in lastgood.yaml gives it"
    )
    user: str = Field(
        default="",
        description="the account that the token belongs to (Jira Cloud); left out: the token says that itself",
    )
    projects: tuple[str, ...] | None = Field(
        default=None, description="the projects whose issues are asked about; left out: all that the token may read"
    )

    @field_validator("user")
    @classmethod
    def _is_user(cls, value: str) -> str:
        if ":" in value or not value.isprintable():
            raise ValueError("is no account: it holds a colon or what cannot be printed")
        return value

    def as_rule(self) -> ForgeRule:
        """Return it as the trackers' reader takes it."""
        return ForgeRule(
            url=self.url,
            kind="jira",
            user=self.user,
            token=self._token(),
            token_file=self.token_file,
            projects=self.projects,
        )


class PollSettings(_Part):
    """How often the remotes are asked."""

    every: Seconds = Field(default=30.0, description="time between two looks at a repo, give or take a fifth")


class LimitSettings(_Part):
    """What the writers of config repos may not go beyond."""

    prune: bool = Field(default=True, description="false: nothing that left Git is ever deleted by a deployment")
    self_heal: bool = Field(default=True, description="false: drift is shown, never healed")
    lost_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="a change that loses more than this share of a repo's applications (and more than one) asks first",
    )
    progress: Seconds = Field(default=300.0, description="a deployment that is not Healthy after this time has failed")


class PersonSettings(_Part):
    """Somebody who may sign in."""

    name: str = Field(min_length=1, description="the name that commits and records show")
    email: str = Field(min_length=3, description="the address that commits show")
    token_sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the person's token, 64 hex digits: the token is not kept"
    )


class SignInSettings(_Part):
    """Who may use the dashboard and the API besides the holder of the server's own token."""

    people: tuple[PersonSettings, ...] = Field(default=(), description="the people, each with the hash of a token")


class WebSettings(_Part):
    """Where the dashboard and the API listen."""

    host: str = Field(default="127.0.0.1", description="the address; any but this machine's own demands `web.sign_in`")
    port: int = Field(default=8484, ge=0, le=65_535, description="the port; 0: any free one")
    allowed_hosts: tuple[str, ...] = Field(default=(), description="names that browsers may use for this server")
    sign_in: SignInSettings = Field(default=SignInSettings(), description="who may sign in")


class RenderSettings(_Part):
    """The programs that render charts and kustomizations, and how they are kept in."""

    kustomize: str = Field(default="kustomize", min_length=1, description="the program Kustomize: a name or a path")
    helm: str = Field(default="helm", min_length=1, description="the program Helm: a name or a path")
    remote_bases: bool = Field(
        default=False, description="true: kustomizations may take from other repos and addresses, over the network"
    )
    without: tuple[Boundary, ...] = Field(
        default=(),
        description="boundaries that this machine cannot draw around a renderer, accepted as missing: `files`, "
        "`network`, `limits`",
    )
    time: Seconds = Field(default=30.0, description="a render that takes longer is ended")
    memory_mb: int = Field(default=1024, ge=64, le=1_000_000, description="a renderer that needs more is ended")

    def as_tools(self) -> ToolSettings:
        """Return them as the renderers take them."""
        return ToolSettings(
            kustomize=self.kustomize,
            helm=self.helm,
            remote_bases=self.remote_bases,
            without=self.without,
            time_s=self.time,
            memory_bytes=self.memory_mb * 2**20,
        )


class HealthSettings(_Part):
    """A rule of the operator's for the health of a Kubernetes kind: CEL, in the form of Flux's `healthCheckExprs`."""

    api_version: str = Field(
        min_length=1,
        validation_alias=AliasChoices("api_version", "apiVersion"),
        description="the `apiVersion` of the objects that the rule is for",
    )
    kind: str = Field(min_length=1, description="their kind")
    current: str = Field(min_length=1, description="CEL: the object is Healthy")
    in_progress: str = Field(
        default="",
        validation_alias=AliasChoices("in_progress", "inProgress"),
        description="CEL: the object is Progressing; asked first",
    )
    failed: str = Field(default="", description="CEL: the object is Degraded; asked before `current`")

    @field_validator("api_version")
    @classmethod
    def _is_api_version(cls, value: str) -> str:
        if not re.fullmatch(r"([a-z0-9][a-z0-9.-]*/)?[a-z][a-z0-9]*", value):
            raise ValueError("is no apiVersion; write it as the objects do, such as `example.com/v1`")
        return value

    @field_validator("kind")
    @classmethod
    def _is_one_kind(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", value):
            raise ValueError("is no kind; a rule is for one kind, such as `Widget`")
        return value


class LogSettings(_Part):
    """What is logged, to stderr."""

    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="the least level shown")
    format: Literal["auto", "text", "json"] = Field(default="auto", description="auto: text on a terminal, else JSON")


class Settings(BaseSettings):
    """All settings of a server. Paths are absolute: those in the file count from the file's folder."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )
    data: Path = Field(default=Path("data"), description="the folder of the records, mirrors, releases and processes")
    repos: tuple[RepoSettings, ...] = Field(default=(), description="the config repos that are followed")
    destinations: dict[str, DestinationSettings] = Field(default={}, description="where applications may run, by name")
    sources: tuple[SourceSettings, ...] = Field(default=(), description="source repos that releases may be made from")
    registries: tuple[RegistrySettings, ...] = Field(
        default=(), description="registries that may be asked from which revision an image was built"
    )
    forges: tuple[ForgeSettings, ...] = Field(
        default=(), description="forges that may be asked about pull requests, issues and builds"
    )
    trackers: tuple[TrackerSettings, ...] = Field(default=(), description="Jiras that may be asked about their issues")
    poll: PollSettings = Field(default=PollSettings(), description="how often remotes are asked")
    limits: LimitSettings = Field(default=LimitSettings(), description="upper limits on the repos' policies")
    health: tuple[HealthSettings, ...] = Field(default=(), description="rules for the health of Kubernetes kinds")
    web: WebSettings = Field(default=WebSettings(), description="where dashboard and API listen")
    render: RenderSettings = Field(default=RenderSettings(), description="how charts and kustomizations are rendered")
    log: LogSettings = Field(default=LogSettings(), description="what is logged")

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        names = [repo.name for repo in self.repos]
        if len(set(names)) != len(names):
            raise ValueError("two repos have the same name; names are unique on a server")
        hosts = [registry.host for registry in self.registries]
        if len(set(hosts)) != len(hosts):
            raise ValueError("two items of `registries` are for the same host")
        asked = [one.url.lower() for one in (*self.forges, *self.trackers)]
        if len(set(asked)) != len(asked):
            raise ValueError("two items of `forges` and `trackers` have the same url")
        judged = [(rule.api_version, rule.kind) for rule in self.health]
        if len(set(judged)) != len(judged):
            raise ValueError("two rules under `health` are for the same apiVersion and kind")
        for name, destination in self.destinations.items():
            for repo in destination.repos or ():
                if repo not in names:
                    raise ValueError(f"the destination {name} names the repo {repo}, which is not among `repos`")
        return self

    def allows_source(self, url: str) -> bool:
        """Say whether releases may be made from a source repo."""
        return any(source.allows(url) for source in self.sources)


def read_settings(file: Path | None = None, **flags: Any) -> Settings:
    """Read the settings: flags (nested dicts; None is left out) over the environment over the file.

    file: None: `lastgood.toml` in the present folder, if it is there. A named file must be there.
    Paths (`data`, `./` and `../` in a repo's url) count from the file's folder.
    Raises SettingsWrong naming the setting, what is wrong with it, and where it stands.
    """
    path = file if file is not None else Path(FILE)
    if file is not None and not file.is_file():
        raise SettingsWrong(setting=str(file), reason="there is no such file", hint="see docs/reference/settings.md")
    _refuse_unknown_variables()

    class FromFile(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            _ = dotenv_settings, file_secret_settings
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, path)

    try:
        found = FromFile(**_given(flags))
    except ValidationError as wrong:
        raise _settings_wrong(wrong, path) from wrong
    except SettingsError as wrong:
        raise SettingsWrong(setting="environment", reason=str(wrong), hint="write lists and tables as JSON") from wrong
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise SettingsWrong(setting=str(path), reason=f"is not TOML: {wrong}", hint="mend the line named") from wrong
    except OSError as wrong:
        raise SettingsWrong(setting=str(path), reason=f"cannot be read: {wrong.strerror}") from wrong
    folder = path.resolve().parent
    return found.model_copy(
        update={
            "data": folder / found.data.expanduser(),
            "repos": tuple(_placed(repo, folder) for repo in found.repos),
            "sources": tuple(_placed(source, folder) for source in found.sources),
            "registries": tuple(_with_docker_config(one, folder) for one in found.registries),
            "forges": tuple(_with_token_file(one, folder) for one in found.forges),
            "trackers": tuple(_with_token_file(one, folder) for one in found.trackers),
            "destinations": {name: _with_kubeconfig(one, folder) for name, one in found.destinations.items()},
        }
    )


def read_render_settings() -> ToolSettings:
    """Read what the environment alone says of rendering: for a person's clone. Raises SettingsWrong."""
    return _from_environment().render.as_tools()


def read_forges() -> tuple[ForgeSettings, ...]:
    """Read which forges the environment alone names (LASTGOOD_FORGES): for a person's clone. Raises SettingsWrong.

    The path of a `token_file` counts from the present folder.
    """
    return tuple(_with_token_file(one, Path.cwd()) for one in _from_environment().forges)


def _from_environment() -> Settings:
    _refuse_unknown_variables()
    try:
        return Settings()
    except ValidationError as wrong:
        raise _settings_wrong(wrong, None) from wrong
    except SettingsError as wrong:
        raise SettingsWrong(setting="environment", reason=str(wrong), hint="write lists and tables as JSON") from wrong


_Placed = TypeVar("_Placed", RepoSettings, SourceSettings)


def _placed(part: _Placed, folder: Path) -> _Placed:
    if not part.url.startswith(("./", "../")):
        return part
    slash = "/" if part.url.endswith("/") else ""
    return part.model_copy(update={"url": f"{(folder / part.url).resolve()}{slash}"})


def _with_kubeconfig(destination: DestinationSettings, folder: Path) -> DestinationSettings:
    if destination.kubeconfig is None:
        return destination
    return destination.model_copy(update={"kubeconfig": str(folder / Path(destination.kubeconfig).expanduser())})


def _with_docker_config(registry: RegistrySettings, folder: Path) -> RegistrySettings:
    if registry.docker_config is None:
        return registry
    return registry.model_copy(update={"docker_config": folder / registry.docker_config.expanduser()})


_Asked = TypeVar("_Asked", ForgeSettings, TrackerSettings)


def _with_token_file(asked: _Asked, folder: Path) -> _Asked:
    if asked.token_file is None:
        return asked
    return asked.model_copy(update={"token_file": folder / asked.token_file.expanduser()})


def _given(flags: dict[str, Any]) -> dict[str, Any]:
    """Leave out what was not said, so that it hides neither environment nor file."""
    kept = {name: _given(value) if isinstance(value, dict) else value for name, value in flags.items()}
    return {name: value for name, value in kept.items() if value is not None and value != {}}


def _refuse_unknown_variables() -> None:
    for variable in sorted(os.environ):
        if not variable.startswith(PREFIX) or variable in CLIENT_VARIABLES:
            continue
        if variable.removeprefix(PREFIX).split("__")[0].lower() not in Settings.model_fields:
            known = ", ".join(f"{PREFIX}{name.upper()}" for name in Settings.model_fields)
            raise SettingsWrong(
                setting=variable, reason="there is no such setting", hint=f"the environment may set {known}"
            )


def _settings_wrong(wrong: ValidationError, file: Path | None) -> SettingsWrong:
    """Name the first wrong setting as its writer spells it. The value is not repeated: it may be a secret.

    file: None where the environment alone counts.
    """
    first = wrong.errors(include_url=False, include_input=False, include_context=False)[0]
    setting = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    reason = {"extra_forbidden": "there is no such setting", "missing": "is not set"}.get(
        first["type"], first["msg"].removeprefix("Value error, ")
    )
    place = f"{file}, or where the environment or a flag sets it"
    if file is None:
        place = f"the variable {PREFIX}{str(first['loc'][0]).upper()}" if first["loc"] else "the environment"
    return SettingsWrong(setting=setting or str(file or "environment"), reason=reason, hint=f"mend it in {place}")
