"""CloudFormation: properties of the template that ministack accepts and doesn't apply.

- "AWS::DynamoDB::Table": TimeToLiveSpecification, PointInTimeRecoverySpecification and SSESpecification. `wab doctor`
  looks at what they do.
- "AWS::ApiGatewayV2::Api": the attribute ApiEndpoint is an address under which the API answers. ministack's is a
  subdomain of localhost, which not every resolver knows.

Expired items are kept. ministack deletes them within a minute, DynamoDB within a few days ("Using time to live (TTL) in
DynamoDB"), which is longer than a local stack lives.
"""

import os
from typing import Any

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import apigateway, dynamodb
from ministack.services.cloudformation import provisioners

Resource = tuple[str, dict[str, Any]]


class Kept(AccountRegionScopedDict):
    """The TTL settings of tables, of which the thread that deletes expired items sees none."""

    def all_items(self) -> list[Any]:
        return []


def install() -> None:
    dynamodb._ttl_settings = Kept()
    table = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
    table["create"] = with_table_properties(table["create"], of=1)
    table["update"] = with_table_properties(table["update"], of=2)
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


def with_reachable_endpoint(original: Any) -> Any:
    def create(*arguments: Any) -> Resource:
        api_id, attributes = original(*arguments)
        endpoint = f"{os.environ['AWS_ENDPOINT_URL']}/_aws/execute-api/{api_id}/$default"
        apigateway._apis[api_id]["apiEndpoint"] = endpoint
        return api_id, {**attributes, "ApiEndpoint": endpoint}

    return create
