"""CloudFormation: properties of the template that ministack accepts and doesn't apply.

- "AWS::DynamoDB::Table": TimeToLiveSpecification, PointInTimeRecoverySpecification and SSESpecification. `wab doctor`
  looks at what they do.
- "AWS::Lambda::Function": ReservedConcurrentExecutions. "Configuring reserved concurrency for a function" (Lambda
  Developer Guide): of an account's executions, 1000 by default, 100 stay unreserved.
- "AWS::SNS::Topic": FifoTopic, FifoThroughputScope and ContentBasedDeduplication.
- "AWS::IAM::ManagedPolicy": a policy that someone attached can't be deleted ("DeletePolicy", IAM API reference).
- "AWS::ApiGatewayV2::Api": the attribute ApiEndpoint is an address under which the API answers. ministack's is a
  subdomain of localhost, which not every resolver knows.

Expired items are kept. ministack deletes them within a minute, DynamoDB within a few days ("Using time to live (TTL) in
DynamoDB"), which is longer than a local stack lives.
"""

import os
from typing import Any

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import apigateway, dynamodb, iam, lambda_svc, sns
from ministack.services.cloudformation import provisioners

Resource = tuple[str, dict[str, Any]]

RESERVED = "ReservedConcurrentExecutions"
MAX_RESERVED = 900


class Kept(AccountRegionScopedDict):
    """The TTL settings of tables, of which the thread that deletes expired items sees none."""

    def all_items(self) -> list[Any]:
        return []


def install() -> None:
    dynamodb._ttl_settings = Kept()
    table = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
    table["create"] = with_table_properties(table["create"], of=1)
    table["update"] = with_table_properties(table["update"], of=2)
    function = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    function["create"] = with_reserved_concurrency(function["create"], of=1)
    function["update"] = with_reserved_concurrency(function["update"], of=2)
    topic = provisioners._RESOURCE_HANDLERS["AWS::SNS::Topic"]
    topic["create"] = with_fifo_attributes(topic["create"])
    policy = provisioners._RESOURCE_HANDLERS["AWS::IAM::ManagedPolicy"]
    policy["delete"] = unless_attached(policy["delete"])
    api = provisioners._RESOURCE_HANDLERS["AWS::ApiGatewayV2::Api"]
    api["create"] = with_reachable_endpoint(api["create"])


def with_table_properties(original: Any, of: int) -> Any:
    """Applies the properties, which are the handler's argument number `of`."""

    def handle(*arguments: Any, **more: Any) -> Resource:
        name, attributes = original(*arguments, **more)
        properties = arguments[of]
        if time_to_live := properties.get("TimeToLiveSpecification"):
            dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": time_to_live})
        if recovery := properties.get("PointInTimeRecoverySpecification"):
            dynamodb._update_continuous_backups({"TableName": name, "PointInTimeRecoverySpecification": recovery})
        encryption = properties.get("SSESpecification")
        if encryption and "SSEEnabled" in encryption:  # CloudFormation's name of the API's Enabled
            encryption = {**encryption, "Enabled": encryption["SSEEnabled"]}
        dynamodb._tables[name]["SSEDescription"] = dynamodb._sse_description_from_spec(encryption)
        return name, attributes

    return handle


def with_reserved_concurrency(original: Any, of: int) -> Any:
    """Applies the property, which is in the handler's argument number `of`, if the template changes it."""

    def handle(*arguments: Any, **more: Any) -> Resource:
        before = arguments[1].get(RESERVED) if of == 2 else None
        wanted = arguments[of].get(RESERVED)
        if wanted is not None and wanted != before:
            check_reserved(int(wanted) - int(before or 0))
        name, attributes = original(*arguments, **more)
        if wanted != before:
            lambda_svc._functions[name]["concurrency"] = None if wanted is None else int(wanted)
        return name, attributes

    return handle


def check_reserved(more: int) -> None:
    reserved = sum(function.get("concurrency") or 0 for function in lambda_svc._functions.values())
    if reserved + more > MAX_RESERVED:
        raise ValueError(
            f"Specified {RESERVED} for function decreases account's UnreservedConcurrentExecution below its minimum "
            "value of [100]."
        )


def with_fifo_attributes(original: Any) -> Any:
    def create(logical_id: str, properties: dict[str, Any], *arguments: Any, **more: Any) -> Resource:
        arn, attributes = original(logical_id, properties, *arguments, **more)
        topic = sns._topics[arn]
        # Values are booleans or texts in a template, and texts in SNS (API reference, CreateTopic).
        if str(properties.get("FifoTopic")).lower() == "true":
            topic |= {"dedup_cache": {}, "fifo_seq": 0}
            topic["attributes"] |= {
                "FifoTopic": "true",
                "FifoThroughputScope": properties.get("FifoThroughputScope", "Topic"),
                "ContentBasedDeduplication": str(properties.get("ContentBasedDeduplication", False)).lower(),
            }
        return arn, attributes

    return create


def unless_attached(original: Any) -> Any:
    def delete(arn: str, properties: dict[str, Any]) -> None:
        own = {name for kind in ("Users", "Roles", "Groups") for name in properties.get(kind, [])}
        for entities in (iam._users, iam._roles, iam._groups):
            for name, entity in entities.items():
                if name not in own and arn in entity.get("AttachedPolicies", []):
                    raise ValueError("Cannot delete a policy attached to entities.")
        original(arn, properties)

    return delete


def with_reachable_endpoint(original: Any) -> Any:
    def create(*arguments: Any) -> Resource:
        api_id, attributes = original(*arguments)
        endpoint = f"{os.environ['AWS_ENDPOINT_URL']}/_aws/execute-api/{api_id}/$default"
        apigateway._apis[api_id]["apiEndpoint"] = endpoint
        return api_id, {**attributes, "ApiEndpoint": endpoint}

    return create
