"""The table and the API are as the template describes them."""

import json
import os
import unittest
from typing import Any
from unittest import mock

from ministack.services import apigateway, dynamodb, iam, lambda_svc, sns
from ministack.services.cloudformation import provisioners

from patches import resources

PROPERTIES = {
    "TableName": "events",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
    "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
    "SSESpecification": {"SSEEnabled": True},
}


def described(answer: Any) -> Any:
    return json.loads(answer[2])


class Resources(unittest.TestCase):
    def test_attached_policy_is_not_deleted(self) -> None:
        arn = "arn:aws:iam::000000000000:policy/wab-ReaderPolicy"
        deleted: list[str] = []
        delete = resources.unless_attached(lambda arn, _properties: deleted.append(arn))
        iam._roles["ana"] = {"AttachedPolicies": [arn]}
        self.addCleanup(iam._roles.pop, "ana")
        with self.assertRaisesRegex(ValueError, "attached to entities"):
            delete(arn, {})
        delete(arn, {"Roles": ["ana"]})
        iam._roles["ana"]["AttachedPolicies"] = []
        delete(arn, {})
        self.assertEqual(deleted, [arn, arn])

    def test_table_has_its_properties(self) -> None:
        resources.with_table_properties(provisioners._ddb_create, of=1)("Events", PROPERTIES, "wab")
        request = {"TableName": "events"}
        self.assertEqual(
            described(dynamodb._describe_ttl(request))["TimeToLiveDescription"],
            {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"},
        )
        backups = described(dynamodb._describe_continuous_backups(request))["ContinuousBackupsDescription"]
        self.assertEqual(backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"], "ENABLED")
        self.assertEqual(dynamodb._tables["events"]["SSEDescription"]["Status"], "ENABLED")

    def test_topic_is_fifo(self) -> None:
        create = resources.with_fifo_attributes(provisioners._sns_create)
        properties = {"TopicName": "mo.fifo", "FifoTopic": "true", "FifoThroughputScope": "MessageGroup"}
        arn, _attributes = create("MoFifo", properties, "wab")
        form = {"TopicArn": [arn], "Message": ["x"], "MessageDeduplicationId": ["1"]}
        status, _headers, body = sns._publish(form)
        self.assertEqual(status, 400)
        self.assertIn(b"MessageGroupId", body)
        self.assertEqual(sns._publish(form | {"MessageGroupId": ["a"]})[0], 200)
        self.assertEqual(sns._topics[arn]["attributes"]["FifoThroughputScope"], "MessageGroup")
        arn, _attributes = create("Mo", {}, "wab")
        self.assertNotIn("FifoTopic", sns._topics[arn]["attributes"])

    def test_expired_items_are_kept(self) -> None:
        settings = resources.Kept()
        settings["events"] = {"TimeToLiveStatus": "ENABLED"}
        self.assertEqual((list(settings.all_items()), settings["events"]["TimeToLiveStatus"]), ([], "ENABLED"))

    def test_reserved_concurrency_is_applied_and_limited(self) -> None:
        name = "wab-Mo"
        functions = {name: {"concurrency": None}}

        def handler(*_: Any) -> resources.Resource:
            return name, {}

        with mock.patch.object(lambda_svc, "_functions", functions):
            create = resources.with_reserved_concurrency(handler, of=1)
            update = resources.with_reserved_concurrency(handler, of=2)
            with self.assertRaisesRegex(ValueError, "below its minimum value of \\[100\\]"):
                create("Mo", {resources.RESERVED: "901"}, "wab")
            create("Mo", {resources.RESERVED: "900"}, "wab")
            self.assertEqual(functions[name]["concurrency"], 900)
            update(name, {resources.RESERVED: "900"}, {}, "wab")
            self.assertIsNone(functions[name]["concurrency"])

    def test_api_endpoint_answers_on_this_machine(self) -> None:
        create = resources.with_reachable_endpoint(provisioners._apigw_v2_api_create)
        with mock.patch.dict(os.environ, AWS_ENDPOINT_URL="http://localhost:1"):
            api_id, attributes = create("Api", {"ProtocolType": "HTTP"}, "wab")
        self.assertEqual(attributes["ApiEndpoint"], f"http://localhost:1/_aws/execute-api/{api_id}/$default")
        self.assertEqual(apigateway._apis[api_id]["apiEndpoint"], attributes["ApiEndpoint"])
