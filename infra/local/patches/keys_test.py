"""Whoever uses a resource with a key of one's own needs the permissions that AWS documents."""

import json
import unittest
from typing import Any
from unittest import mock

from ministack.core import iam_evaluator
from ministack.services import dynamodb, kms, s3, sns, sqs

from patches import access, keys, permissions, topics

TOPIC = "arn:aws:sns:us-east-1:000000000000:mo"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:spill"
TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/events"
USER = "arn:aws:iam::000000000000:user/ana"


def create_key(*statements: dict[str, Any]) -> str:
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return json.loads(kms._create_key({"Policy": policy})[2])["KeyMetadata"]["Arn"]


def service(name: str, *actions: str, **condition: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": name}, "Action": list(actions), "Resource": "*"}
    return statement | ({"Condition": condition} if condition else {})


class Keys(unittest.TestCase):
    def setUp(self) -> None:
        for stored in (sqs._queues, sns._topics, dynamodb._tables):
            stored._data.clear()

    def test_each_call_needs_what_its_service_documents(self) -> None:
        key = create_key()
        dynamodb._tables["events"] = {"SSEDescription": {"KMSMasterKeyArn": key}}
        sqs._act_create_queue({"QueueName": "spill", "Attributes": {"KmsMasterKeyId": key}}, None)
        sns._topics[TOPIC] = {"arn": TOPIC, "attributes": {"KmsMasterKeyId": key}, "subscriptions": []}
        s3._buckets["events"] = {"objects": {}}
        self.addCleanup(s3._buckets.pop, "events")
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
        rule = {"ServerSideEncryptionByDefault": default}
        keys.keep_bucket_encryption("events", {"BucketEncryption": {"ServerSideEncryptionConfiguration": [rule]}})
        generate, decrypt = (keys.GENERATE, key), (keys.DECRYPT, key)
        for action, resource, needed in (
            ("dynamodb:PutItem", TABLE, [decrypt]),
            ("dynamodb:Query", f"{TABLE}/index/by-source", [decrypt]),
            ("dynamodb:GetRecords", f"{TABLE}/stream/2026", [decrypt]),
            ("dynamodb:DescribeTable", TABLE, []),
            ("s3:PutObject", "arn:aws:s3:::events/a", [generate]),
            ("s3:GetObject", "arn:aws:s3:::events/a", [decrypt]),
            ("s3:GetObject", "arn:aws:s3:::others/a", []),
            ("sns:Publish", TOPIC, [generate, decrypt]),
            ("sqs:SendMessage", QUEUE, [generate, decrypt]),
            ("sqs:ReceiveMessage", QUEUE, [decrypt]),
            ("sqs:DeleteMessage", QUEUE, []),
        ):
            self.assertEqual(keys.needed(action, resource), needed, action)

    def test_keys_of_aws_need_nothing(self) -> None:
        sns._topics[TOPIC] = {"arn": TOPIC, "attributes": {"KmsMasterKeyId": "alias/aws/sns"}, "subscriptions": []}
        dynamodb._tables["events"] = {"SSEDescription": dynamodb._sse_description_from_spec({"Enabled": True})}
        self.assertEqual(keys.needed("sns:Publish", TOPIC) + keys.needed("dynamodb:PutItem", TABLE), [])

    def test_refused_key_is_the_error_of_the_service(self) -> None:
        def enforce(_key: str, action: str, *_request: Any) -> Any:
            return "denied" if action == keys.DECRYPT else None

        sns._topics[TOPIC] = {"arn": TOPIC, "attributes": {"KmsMasterKeyId": create_key()}, "subscriptions": []}
        with mock.patch.object(iam_evaluator, "resolve_caller_identity", lambda _key: {"userArn": USER}):
            refused = permissions.enforce_more(enforce)("AKIA", "sns:Publish", "sns", "us-east-1", TOPIC)
        self.assertEqual(refused.code, "KMSAccessDenied")
        answer = keys.as_bad_request(lambda *_, **more: (403, {}, more["error_code"]))
        self.assertEqual(answer(error_code="KMSAccessDenied"), (400, {}, "KMSAccessDenied"))
        self.assertEqual(answer(error_code="AccessDenied")[0], 403)

    def test_sns_sends_to_an_encrypted_queue_only_if_the_key_allows_it(self) -> None:
        allowed = ("kms:GenerateDataKey*", "kms:Decrypt")
        of_topic = {"ArnEquals": {"aws:SourceArn": TOPIC}}
        for key, accepted in (
            (None, True),
            (create_key(service("sns.amazonaws.com", *allowed)), True),
            (create_key(service("sns.amazonaws.com", *allowed, **of_topic)), True),
            (create_key(service("sns.amazonaws.com", "kms:Decrypt")), False),
            (create_key(service("logs.us-east-1.amazonaws.com", *allowed)), False),
            ("alias/aws/sqs", False),
        ):
            sqs._queues._data.clear()
            attributes = {"KmsMasterKeyId": key} if key else {}
            sqs._act_create_queue({"QueueName": "spill", "Attributes": attributes}, None)
            with mock.patch.object(sqs, "queue_policy_allows", return_value=True):
                self.assertEqual(topics.accepts(QUEUE, TOPIC), accepted, key)

    def test_log_group_needs_a_key_that_allows_logs(self) -> None:
        group = "/aws/lambda/wab/mo"
        arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{group}"
        actions = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]

        def check(pattern: str, *allowed: str) -> None:
            condition = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": pattern}}
            key = create_key(service("logs.us-east-1.amazonaws.com", *allowed, **condition))
            keys.check_log_key(group, {"KmsKeyId": key})

        check(arn, *actions)
        with self.assertRaisesRegex(ValueError, "not allowed to be used with LogGroup"):
            check(arn, *actions[1:])
        with self.assertRaisesRegex(ValueError, "not allowed to be used with LogGroup"):
            check(f"{arn}-other", *actions)
        keys.check_log_key(group, {})

    def test_variables_are_hidden_without_the_key(self) -> None:
        configuration = {"KMSKeyArn": create_key(), "Environment": {"Variables": {"A": "1"}}}
        get = keys.hide_variables(lambda _name: (200, {}, json.dumps(configuration).encode()))
        with mock.patch.object(iam_evaluator, "caller_arn", lambda: USER):
            for allowed, shown in ((True, ["Variables"]), (False, ["Error"])):
                with mock.patch.object(access, "allows", return_value=allowed):
                    self.assertEqual(list(json.loads(get("wab-mo")[2])["Environment"]), shown)
