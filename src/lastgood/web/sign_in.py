"""Sign in with a token, switch the theme, and the pages that say no."""

from dataclasses import dataclass
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from lastgood.core.errors import LastgoodError, Unknown
from lastgood.web.access import Doorkeeper
from lastgood.web.api import http_status, json_error
from lastgood.web.guard import Asgi, Scope, session_cookie
from lastgood.web.pages import THEME_COOKIE, Page, Pages
from lastgood.web.routes import Routes

UNAUTHORIZED = 401


@dataclass(frozen=True, kw_only=True)
class SignInPage(Page):
    """The context of sign-in.html. back: where the person wanted to go."""

    message: str
    back: str


@dataclass(frozen=True, kw_only=True)
class ErrorPage(Page):
    """The context of error.html: the same parts that the command line and the API give."""

    message: str
    hint: str
    tone: str
    back: str


def local_path(text: str) -> str:
    """Return a path on this server, whatever the text says: never another site."""
    if not text.startswith("/") or text[1:2] in {"/", "\\"} or any(ord(sign) <= 32 for sign in text):  # noqa: PLR2004 - the space
        return "/applications"
    return quote(text, safe="/?&=@:~%+,;-_.!*'()")


def error_answer(pages: Pages, request: Request, error: LastgoodError, status: int | None = None) -> Response:
    """Say an error in the form that fits who asked: JSON for the API, a page for people."""
    status = status or http_status(error)
    if request.url.path.startswith("/api/"):
        return json_error(error, status)
    frame = pages.frame(request)
    if status == UNAUTHORIZED:
        back = frame.path if request.method == "GET" and request.url.path != "/sign-in" else "/applications"
        first_visit = request.url.path == "/" and not request.url.query
        message = "" if first_visit else error.message
        context = SignInPage(frame=frame, title="Sign in", message=message, back=local_path(back))
        return pages.answer("sign-in.html", context, status=status)
    page = ErrorPage(
        frame=frame,
        title="That is not there" if isinstance(error, Unknown) else "That did not work",
        message=error.message,
        hint=error.hint,
        tone="t-part" if isinstance(error, Unknown) else "t-bad",
        back="",
    )
    return pages.answer("error.html", page, status=status)


def refusal(pages: Pages, scope: Scope, status: int, error: LastgoodError) -> Asgi:
    """Make the answer of the guard's refusal."""
    return error_answer(pages, Request(scope), error, status)


def sign_in_routes(doorkeeper: Doorkeeper, pages: Pages) -> Routes:
    """Serve the sign-in form and the theme link."""
    routes = Routes()

    @routes.get("/sign-in")
    async def ask(request: Request) -> Response:
        back = local_path(request.query_params.get("back", "/applications"))
        page = SignInPage(frame=pages.frame(request), title="Sign in", message="", back=back)
        return pages.answer("sign-in.html", page)

    @routes.post("/sign-in")
    async def enter(request: Request) -> Response:
        form = dict(request.scope["form"])
        back = local_path(form.get("back", "/applications"))
        cookie = doorkeeper.open_session(form.get("token", "").strip(), pages.now())
        if cookie is None:
            message = "this token is nobody's"
            page = SignInPage(frame=pages.frame(request), title="Sign in", message=message, back=back)
            return pages.answer("sign-in.html", page, status=UNAUTHORIZED)
        headers = {"set-cookie": session_cookie(cookie, secure=doorkeeper.access.secure_cookie)}
        return RedirectResponse(back, status_code=303, headers=headers)

    @routes.get("/theme/{name}")
    async def theme(request: Request, name: str) -> Response:
        answer = RedirectResponse(local_path(request.query_params.get("back", "/applications")), status_code=303)
        if name in {"light", "dark"}:
            answer.set_cookie(THEME_COOKIE, name, max_age=365 * 86400, httponly=True, samesite="lax")
        return answer

    return routes
