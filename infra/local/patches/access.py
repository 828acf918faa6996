"""Who may call what, and from where.

ministack checks permissions that don't exist, such as sns:PublishBatch, where AWS checks sns:Publish. It receives every
request over plain HTTP, so policies that require TLS, as the template's do, would deny them all. If Docker's bridge
exists, it also listens there, for the containers of `sam local`.
"""

import contextvars
import os
from typing import Any

import hypercorn.asyncio
from ministack import app
from ministack.core import iam_actions, iam_evaluator, router


def install(docker_bridge: str | None) -> None:
    authorize_batches_as_single_calls()
    count_loopback_as_tls()
    if docker_bridge:
        listen_for_containers(docker_bridge)


def authorize_batches_as_single_calls() -> None:
    extract = iam_actions.extract_iam_action

    def of_single_call(service: str, *request: Any, **more: Any) -> str | None:
        action = extract(service, *request, **more)
        return action.removesuffix("Batch") if action and service in ("sns", "sqs") else action

    iam_actions.extract_iam_action = of_single_call


def count_loopback_as_tls() -> None:
    """Treats requests over the loopback interface as encrypted."""
    pin = iam_evaluator.pin_request_origin
    iam_evaluator._request_origin = contextvars.ContextVar("request_origin", default=("127.0.0.1", True))
    app.pin_request_origin = lambda source_ip, _secure: pin(source_ip, True)


def listen_for_containers(address: str) -> None:
    """Also listens on Docker's bridge, for functions that `sam local` runs in containers."""
    serve = hypercorn.asyncio.serve

    def serve_both(application: Any, config: Any) -> Any:
        config.bind = [*config.bind, f"{address}:{os.environ['GATEWAY_PORT']}"]
        return serve(guarded(application, address), config)

    hypercorn.asyncio.serve = serve_both


def guarded(application: Any, address: str) -> Any:
    """Requires requests at `address` to be signed with an access key that IAM has issued.

    Every container on this machine can reach Docker's bridge, and the administrator's key is public.
    """

    def is_issued(scope: Any) -> bool:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        found = iam_evaluator.resolve_credential(router.extract_access_key_id(headers))
        # Paths that start with an underscore are the emulator's own, not those of a service.
        return getattr(found, "principal_type", None) == "User" and not scope["path"].startswith("/_")

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        from_container = (scope.get("server") or ("",))[0] == address
        if not from_container or (scope["type"] == "http" and is_issued(scope)):
            await application(scope, receive, send)
        elif scope["type"] == "http":
            await send({"type": "http.response.start", "status": 403, "headers": []})
            await send({"type": "http.response.body"})

    return serve
