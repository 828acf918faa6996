"""What SNS posts has a signature that the Python package in clients/ accepts."""

import asyncio
import json
import sys
import unittest
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ministack.services import sns

from patches import signatures

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "clients" / "python" / "src"))
from wab_events.https import Confirm, Endpoint, Posted, Rejected

TOPIC = "arn:aws:sns:us-east-1:000000000000:mo"


class Signatures(unittest.TestCase):
    def setUp(self) -> None:
        sns._topics._data.clear()
        sns._topics[TOPIC] = {"arn": TOPIC, "attributes": {"SignatureVersion": "2"}, "subscriptions": []}
        self.endpoint = Endpoint([TOPIC], certificate=self.fetch)

    def fetch(self, url: str) -> str:
        """Requests the certificate at the emulator."""
        answers: list[dict[str, Any]] = []

        async def send(answer: dict[str, Any]) -> None:
            answers.append(answer)

        scope = {"type": "http", "path": urlsplit(url).path}
        asyncio.run(signatures.with_certificate(None)(scope, None, send))
        return answers[1]["body"].decode()

    def envelope(self, subject: str = "", raw: bool = False) -> str:
        build = signatures.with_signature(sns._build_envelope)
        return build(TOPIC, "id", "pēhea 😀", subject, {"kind": {"DataType": "String", "StringValue": "mo"}}, raw)

    def test_notification_is_accepted(self) -> None:
        for subject in ("", "subject"):
            self.assertIsInstance(self.endpoint.take(self.envelope(subject)), Posted)

    def test_confirmation_is_accepted(self) -> None:
        post = self.endpoint.take(json.dumps(signatures.confirmation(TOPIC, "token")))
        assert isinstance(post, Confirm)
        self.assertEqual(
            post.subscribe_url,
            f"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=token",
        )

    def test_changed_message_is_rejected(self) -> None:
        with self.assertRaisesRegex(Rejected, "signature is wrong"):
            self.endpoint.take(json.dumps(json.loads(self.envelope()) | {"Message": "other"}))

    def test_topic_without_the_attribute_signs_with_version_1(self) -> None:
        del sns._topics[TOPIC]["attributes"]["SignatureVersion"]
        with self.assertRaisesRegex(Rejected, "version is not 2"):
            self.endpoint.take(self.envelope())

    def test_raw_message_has_no_envelope(self) -> None:
        self.assertEqual(self.envelope(raw=True), "pēhea 😀")

    def test_template_sets_the_version(self) -> None:
        def original(_logical_id: str, _properties: dict[str, Any], _stack_name: str) -> Any:
            return TOPIC, {}

        for properties, version in ({"SignatureVersion": 2}, "2"), ({}, "1"):
            signatures.with_version(original, of=1)("Mo", properties, "stack")
            self.assertEqual(sns._topics[TOPIC]["attributes"]["SignatureVersion"], version)
