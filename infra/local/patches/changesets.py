"""Change sets that restore what was changed outside CloudFormation.

"Using drift-aware change sets" (CloudFormation User Guide): with the deployment mode REVERT_DRIFT, a change set brings
drifted resources in line with the template. Any other update leaves a resource alone if its template didn't change.
ministack ignores the mode. Here such a change set applies each resource of RESTORED again, without looking for drift,
because ministack can't detect a role's policies.
"""

from contextvars import ContextVar
from typing import Any

from ministack.services.cloudformation import changesets, handlers, stacks
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

Change = dict[str, Any]
Parameters = dict[str, Any]

RESTORED = ("AWS::IAM::Role", "AWS::Lambda::Function", "AWS::SNS::TopicPolicy")

# Whether the change set that is being created or executed reverts drift. Tasks inherit it.
REVERTS: ContextVar[bool] = ContextVar("REVERTS", default=False)


def install() -> None:
    actions = handlers._ACTION_HANDLERS
    actions["CreateChangeSet"] = create(actions["CreateChangeSet"])
    actions["ExecuteChangeSet"] = execute(actions["ExecuteChangeSet"])
    changesets._diff_resources = every_restored_resource(changesets._diff_resources)
    stacks._update_resource = also_if_unchanged(stacks._update_resource)


def create(original: Any) -> Any:
    def create_change_set(params: Parameters) -> Any:
        reverts = value(params, "DeploymentMode") == "REVERT_DRIFT"
        answer = within(reverts, original, params)
        if change_set := find(params):
            change_set["_reverts"] = reverts
        return answer

    return create_change_set


def execute(original: Any) -> Any:
    def execute_change_set(params: Parameters) -> Any:
        return within(bool((find(params) or {}).get("_reverts")), original, params)

    return execute_change_set


def within(reverts: bool, call: Any, params: Parameters) -> Any:
    token = REVERTS.set(reverts)
    try:
        return call(params)
    finally:
        REVERTS.reset(token)


def find(params: Parameters) -> dict[str, Any] | None:
    return changesets._find_change_set(value(params, "ChangeSetName"), value(params, "StackName"))[1]


def value(params: Parameters, name: str) -> str:
    return changesets._p(params, name)


def every_restored_resource(original: Any) -> Any:
    def diff(old: dict[str, Any], new: dict[str, Any], resources: Any = None, *more: Any) -> list[Change]:
        changes = original(old, new, resources, *more)
        if not REVERTS.get():
            return changes
        named = {change["ResourceChange"]["LogicalResourceId"] for change in changes}
        return changes + [
            modified(name, record)
            for name, record in (resources or {}).items()
            if name not in named and record["ResourceType"] in RESTORED
        ]

    return diff


def modified(name: str, record: dict[str, Any]) -> Change:
    change = {key: record[key] for key in ("PhysicalResourceId", "ResourceType")}
    change |= {"Action": "Modify", "LogicalResourceId": name, "Replacement": "False", "Details": []}
    return {"ResourceChange": {**change, "Scope": ["Properties"]}}


def also_if_unchanged(original: Any) -> Any:
    def update(kind: str, physical: str, old: Any, new: Any, stack: str, logical: Any = None, attrs: Any = None) -> Any:
        if old == new and kind in RESTORED and REVERTS.get():
            handler = _RESOURCE_HANDLERS[kind]
            name = (logical,) if handler.get("update_with_logical_id") else ()
            return handler["update"](physical, old, new, stack, *name)
        return original(kind, physical, old, new, stack, logical, attrs)

    return update
