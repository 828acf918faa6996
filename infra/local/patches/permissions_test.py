"""Calls need the permissions that AWS documents, and each that was used is recorded."""

import json
import time
import unittest
from typing import Any
from unittest import mock

from ministack.core import iam_evaluator
from ministack.services import iam, lambda_svc, s3, sqs

from patches import access, permissions

ROLE = "arn:aws:iam::000000000000:role/wab-recover"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:spill"
GROUP = "/aws/lambda/wab/recover"
CONFIG = {"FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:wab-recover", "Role": ROLE}


def allow(*actions: str, resource: str = "*") -> None:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    iam._roles["wab-recover"] = {"Arn": ROLE, "InlinePolicies": {"own": json.dumps({"Statement": [statement]})}}


class Permissions(unittest.TestCase):
    def setUp(self) -> None:
        for stored in (iam._roles, sqs._queues):
            stored._data.clear()
        access.USED.clear()
        permissions.STREAMS.clear()

    def test_role_reads_its_queue_with_each_permission(self) -> None:
        allow(*permissions.READ_QUEUE, resource=QUEUE)
        self.assertIsNone(permissions.missing(ROLE, QUEUE))
        self.assertEqual(
            set(access.USED), {(ROLE, action, QUEUE) for action in ("sqs:ReceiveMessage", "sqs:GetQueueAttributes")}
        )
        allow("sqs:ReceiveMessage")
        self.assertEqual(permissions.missing(ROLE, QUEUE), "sqs:GetQueueAttributes")

    def test_unreadable_source_is_a_problem_of_the_mapping(self) -> None:
        mapping: dict[str, Any] = {"UUID": "one", "EventSourceArn": QUEUE}
        allow("sqs:GetQueueAttributes")
        with mock.patch.object(permissions, "mappings", lambda: [(mapping, ROLE)]):
            self.assertEqual(permissions.pause_unreadable(lambda: "polled")(), "polled")
        self.assertTrue(mapping["LastProcessingResult"].startswith("PROBLEM:"))
        self.assertIn("sqs:ReceiveMessage", mapping["LastProcessingResult"])
        self.assertGreater(lambda_svc._esm_backoff_until.pop("one"), time.time())

    def test_message_is_deleted_only_with_permission(self) -> None:
        sqs._act_create_queue({"QueueName": "spill"}, None)
        url = next(iter(sqs._queues))
        deleted: list[str] = []
        delete = permissions.delete_if_allowed(lambda url, _handles: deleted.append(url))
        run = permissions.remember_role(lambda *_: delete(url, {"handle"}))
        allow("sqs:ReceiveMessage")
        run({}, {"config": CONFIG})
        self.assertEqual(deleted, [])
        allow("sqs:DeleteMessage")
        run({}, {"config": CONFIG})
        self.assertEqual(deleted, [url])
        delete(url, set())  # by a pipe, whose role isn't checked
        self.assertEqual(deleted, [url, url])

    def test_log_needs_a_stream_and_then_lines(self) -> None:
        log = f"arn:aws:logs:us-east-1:000000000000:log-group:{GROUP}:*"
        allow("logs:PutLogEvents", resource=log)
        self.assertFalse(permissions.may_log(CONFIG, GROUP, "stream"))
        allow("logs:CreateLogStream", "logs:PutLogEvents", resource=log)
        self.assertTrue(permissions.may_log(CONFIG, GROUP, "stream"))
        allow("logs:PutLogEvents", resource=log)
        self.assertTrue(permissions.may_log(CONFIG, GROUP, "stream"))
        self.assertFalse(permissions.may_log(CONFIG, GROUP, "another"))

    def test_missing_object_needs_the_permission_to_list(self) -> None:
        asked: list[tuple[str, str]] = []

        def enforce(_key: str, action: str, _service: str, _region: str, resource: str, _context: Any = None) -> Any:
            asked.append((action, resource))
            return "denied" if action == "s3:ListBucket" else None

        caller = {"userArn": "arn:aws:sts::000000000000:assumed-role/wab-fanout/session"}
        s3._buckets["events"] = {"objects": {"there": {}}}
        self.addCleanup(s3._buckets.pop, "events")
        with mock.patch.object(iam_evaluator, "resolve_caller_identity", lambda _key: caller):
            check = permissions.enforce_more(enforce)
            there, gone = "arn:aws:s3:::events/there", "arn:aws:s3:::events/gone"
            self.assertIsNone(check("ASIA", "s3:GetObject", "s3", "us-east-1", there))
            self.assertEqual(check("ASIA", "s3:GetObject", "s3", "us-east-1", gone), "denied")
            self.assertEqual(check("ASIA", "s3:PutObject", "s3", "us-east-1", gone), None)
        self.assertEqual(asked.count(("s3:ListBucket", "arn:aws:s3:::events")), 1)
        fanout = "arn:aws:iam::000000000000:role/wab-fanout"
        self.assertIn((fanout, "s3:GetObject", there), access.USED)

    def test_administrator_needs_no_permission(self) -> None:
        check = permissions.enforce_more(lambda *_: None)
        self.assertIsNone(check("test", "s3:GetObject", "s3", "us-east-1", "arn:aws:s3:::events/gone"))
        self.assertEqual(access.USED, {})
