"""Who may call what, and from where.

- ministack checks permissions that don't exist, such as sns:PublishBatch, where AWS checks sns:Publish; others, such as
  lambda:PutFunctionConcurrency to read a function's concurrency; or none, for Lambda's account settings and for
  CloudWatch's newer protocol (Smithy RPC v2 CBOR), in which the path names the action.
- `aws:PrincipalArn` is the role, not its session ("AWS global condition context keys").
- The resource of a log group's actions has more parts than its name ("Overview of managing access permissions to your
  CloudWatch Logs resources").
- ministack receives every request over plain HTTP, so policies that require TLS, as the template's do, would deny them
  all.
- The local administrator is never denied. On AWS, a policy of a resource can deny an administrator.
- If Docker's bridge exists, the emulator also listens there, for the containers of `sam local`.
"""

import contextvars
import os
from typing import Any

import hypercorn.asyncio
from ministack import app
from ministack.core import iam_actions, iam_evaluator, router
from ministack.core.responses import get_region
from ministack.services import sns, sqs

# The permissions that were used: principal, action, resource.
USED: dict[tuple[str, str, str], None] = {}


def install(docker_bridge: str | None) -> None:
    name_actions()
    name_roles_and_log_groups()
    count_loopback_as_tls()
    let_administrator_pass()
    if docker_bridge:
        listen_for_containers(docker_bridge)


def name_actions() -> None:
    extract = iam_actions.extract_iam_action

    def action_of(service: str, method: str, path: str, *request: Any, **more: Any) -> str | None:
        action = extract(service, method, path, *request, **more)
        if service == "monitoring" and "/operation/" in path:
            return f"cloudwatch:{path.rpartition('/')[2]}"
        if service == "lambda" and "/account-settings" in path:
            return "lambda:GetAccountSettings"
        if action == "lambda:PutFunctionConcurrency":
            return f"lambda:{method.capitalize()}FunctionConcurrency"
        return action.removesuffix("Batch") if action and service in ("sns", "sqs") else action

    tags = iam_actions.request_tag_context

    def tags_of(service: str, action: str, body: bytes, *request: Any) -> dict[str, Any]:
        # The same.
        return {} if service == "monitoring" else tags(service, action, body, *request)

    iam_actions.extract_iam_action = action_of
    iam_actions.request_tag_context = tags_of


def name_roles_and_log_groups() -> None:
    value, resource = iam_evaluator._resolve_condition_key, iam_actions.extract_resource_arn

    def condition_key(name: str, context: Any) -> Any:
        found = value(name, context)
        return principal(found) if name.lower() == "aws:principalarn" else found

    def resource_arn(service: str, *request: Any) -> str:
        if service == "monitoring":
            return "*"  # ministack can't read a body in CBOR there
        arn = resource(service, *request)
        return f"{arn}:log-stream:" if service == "logs" and ":log-group:" in arn else arn

    iam_evaluator._resolve_condition_key = condition_key
    iam_actions.extract_resource_arn = resource_arn


def principal(caller: str) -> str:
    """The user or the role behind a caller's ARN. The users of `sam local` stand for roles."""
    account = caller.split(":")[4]
    if ":assumed-role/" in caller:
        return f"arn:aws:iam::{account}:role/{caller.split('/')[1]}"
    if ":user/sam-local/" in caller:
        return f"arn:aws:iam::{account}:role/{caller.split('/')[2]}"
    return caller


def record(caller: str, action: str, resource: str) -> None:
    USED[principal(caller), action, resource] = None


def allows(caller: str, action: str, resource: str) -> bool:
    """Whether a user, a role or the administrator may do this. If so, it counts as used."""
    if caller.endswith(":root"):
        return True
    is_user = ":user/" in caller
    account, name = caller.split(":")[4], (caller if is_user else principal(caller)).rpartition("/")[2]
    gather = iam_evaluator._gather_user_policies if is_user else iam_evaluator._gather_role_policies
    context = iam_evaluator.EvalContext(
        principal_arn=caller if is_user else f"arn:aws:sts::{account}:assumed-role/{name}/session",
        principal_type="User" if is_user else "AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
    )
    service = action.partition(":")[0]
    result = iam_evaluator.evaluate(context, gather(name, account))
    if policy := iam_evaluator._resource_policy(service, resource):
        required = service in iam_evaluator._POLICY_REQUIRED
        result = iam_evaluator.combine_resource_policy(result, context, *policy, required=required)
    allowed = result.decision == "Allow"
    if allowed:
        record(caller, action, resource)
    return allowed


def let_administrator_pass() -> None:
    def unless_administrator(check: Any, passed: Any) -> Any:
        def checked(*arguments: Any) -> Any:
            return passed if iam_evaluator.caller_arn().endswith(":root") else check(*arguments)

        return checked

    sqs._enforce_queue_policy = unless_administrator(sqs._enforce_queue_policy, None)
    sns._enforce_topic_policy = unless_administrator(sns._enforce_topic_policy, None)


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
