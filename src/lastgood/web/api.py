"""The REST API: the port Lastgood over HTTP, with the field names that scripts rely on.

Every route stands in ROUTES below the list, from which the OpenAPI document is made as well. Bodies are the
values of `core/`, as JSON; unknown fields are ignored. Errors are `{"error": {code, message, app, hint, facts}}`.

    method path (under /api/v1)                 asks with              answers with
    GET    /version                             -                      Running {version}
    GET    /apps                                -                      list[ApplicationView]
    GET    /apps/{name}                         -                      StatusView
    GET    /timeline                            TimelineQuery (query)  list[TimelineEntry]
    GET    /apps/{name}/timeline                TimelineQuery (query)  list[TimelineEntry]
    GET    /apps/{name}/versions/{version}      -                      TimelineEntry
    GET    /apps/{name}/diff?from=V[&to=V]      -                      DiffView
    POST   /plans                               RollbackRequest        Plan
    POST   /rollbacks                           RollbackOrder          Plan
    POST   /undo/plans                          UndoRequest            Plan
    POST   /undo                                UndoOrder              Plan
    POST   /holds[?dry_run=true]                HoldRequest            HoldResult
    POST   /unholds[?dry_run=true]              HoldRequest            HoldResult
    POST   /pauses                              PauseRequest           list[Pause]
    POST   /resumes                             PauseRequest           list[Pause]
    POST   /retries[?dry_run=true]              PressRequest           PressResult
    POST   /sync                                SyncOrder {app|null}   Looked {repos}
    POST   /repos/{name}/refresh                -                      Looked {repos}
    POST   /forgets[?dry_run=true]              ForgetOrder            ForgetResult
    GET    /operations/{id}                     -                      Operation
    POST   /waits                               WaitOrder              WaitResult
    GET    /checks                              -                      list[CheckDefinition]
    GET    /events[?after=ID]                   Last-Event-ID          text/event-stream, data: Event
    GET    /openapi.json                        -                      this API, OpenAPI 3.1

Orders: RollbackOrder {request: RollbackRequest, planned: Plan|null}; UndoOrder {request: UndoRequest, planned:
Plan|null}; ForgetOrder {app, prune}; WaitOrder {plan: Plan, timeout_s}: the server waits 60 s at most, so ask
again until your own time is over; an outcome that is null or in-progress is not an end.

TimelineQuery in a query string: environment, since, until (ISO 8601 with an offset), outcome, author, search,
feature, image, trigger, held (true or false), limit (1 to 1000; 50 if not given), before.

`{version}` is any VERSION of the command line, percent-encoded; it may hold slashes.

Who asks: `Authorization: Bearer TOKEN`. A named person is always the author; `by` of a request counts only
with the server's own token, whose holder runs the server.

HTTP status by error: exit code 2 -> 422 (a body that cannot be read: 400; too large: 413), 3 -> 409, 4 -> 409,
5 -> 404, 6 -> 504, 7 -> 202 (the push may have arrived: ask again), not-allowed -> 403, not signed in -> 401,
store-unavailable, store-full, remote-unreachable -> 503, all others -> 500.

Not offered: `render`, which shows Secrets as they are.
"""
