"""What SNS posts to an HTTPS endpoint, signed by a key that was made for the test (infra/local/contracts)."""

import json
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path

from wab_events import Mo
from wab_events.https import Confirm, Endpoint, Post, Posted, Rejected, Unsubscribed

GOLDEN = Path(__file__).resolve().parents[3] / "shared" / "events" / "golden" / "sns"
CERTIFICATE = (GOLDEN / "certificate.pem").read_text()
NOTIFICATION = (GOLDEN / "notification.json").read_text()
CONFIRMATION = (GOLDEN / "subscription-confirmation.json").read_text()
TOPIC = "arn:aws:sns:us-east-1:123456789012:wab-MoTopic"
SENT = datetime(2026, 11, 23, 9, 15, 2, 500_000, tzinfo=timezone.utc)

# Of another key: `openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=sns.amazonaws.com`, and its key thrown away.
OTHER = (GOLDEN / "other-certificate.pem").read_text()


def take(body: str, now: datetime = SENT, certificate: str = CERTIFICATE) -> Post:
    return Endpoint([TOPIC], certificate=lambda _: certificate).take(body, now)


def change(message: str, field: str, value: object) -> str:
    """The message with this field changed, or without it."""
    members = json.loads(message) | {field: value}
    return json.dumps({key: value for key, value in members.items() if value is not None})


class HttpsTest(unittest.TestCase):
    def rejects(self, reason: str, body: str, now: datetime = SENT, certificate: str = CERTIFICATE) -> None:
        with self.assertRaisesRegex(Rejected, reason, msg=body):
            take(body, now, certificate)

    def test_signed_messages_are_taken(self) -> None:
        post = take(NOTIFICATION)
        assert isinstance(post, Posted) and isinstance(post.delivery, Mo)
        self.assertEqual(post.delivery.event.id, "b48e0ae6ab12d6a90aab59f0ecf2e500")
        confirm = take(CONFIRMATION)
        assert isinstance(confirm, Confirm)
        self.assertIn("ConfirmSubscription", confirm.subscribe_url)
        self.assertEqual(take((GOLDEN / "unsubscribe-confirmation.json").read_text()), Unsubscribed())
        self.assertIsInstance(take(change(NOTIFICATION, "UnsubscribeURL", None)), Posted)

    def test_changed_message_is_rejected(self) -> None:
        for message, field, value in [
            (NOTIFICATION, "Message", "{}"),
            (NOTIFICATION, "Message", "\ud800"),
            (NOTIFICATION, "MessageId", "1"),
            (NOTIFICATION, "Subject", "added"),
            (NOTIFICATION, "Timestamp", "2026-11-23T09:15:02.501Z"),
            (NOTIFICATION, "Type", "UnsubscribeConfirmation"),
            (NOTIFICATION, "Signature", "c2lnbmF0dXJl"),
            (NOTIFICATION, "Signature", "%"),
            (CONFIRMATION, "Token", None),
            (CONFIRMATION, "SubscribeURL", "https://sns.us-east-1.amazonaws.com/?Action=Publish"),
        ]:
            self.rejects("signature is wrong", change(message, field, value))

    def test_foreign_certificate_is_never_fetched(self) -> None:
        def fetch(url: str) -> str:
            raise AssertionError(f"{url} was fetched")

        name = "SimpleNotificationService-0123456789abcdef.pem"
        for url in [
            f"http://sns.us-east-1.amazonaws.com/{name}",
            f"https://sns.eu-west-1.amazonaws.com/{name}",
            f"https://sns.us-east-1.amazonaws.com.example.com/{name}",
            f"https://sns.us-east-1.amazonaws.com@example.com/{name}",
            f"https://sns.us-east-1.amazonaws.com:8443/{name}",
            f"https://sns.us-east-1.amazonaws.com/../{name}",
            f"https://sns.us-east-1.amazonaws.com/{name}\n",
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-x.pem?Action=Publish&.pem",
        ]:
            with self.assertRaisesRegex(Rejected, "not one of SNS", msg=url):
                Endpoint([TOPIC], certificate=fetch).take(change(NOTIFICATION, "SigningCertURL", url), SENT)
        self.rejects("not one of SNS", change(CONFIRMATION, "SubscribeURL", "https://example.com/"))

    def test_what_is_not_of_the_topic_or_old_is_rejected(self) -> None:
        self.rejects("another topic", change(NOTIFICATION, "TopicArn", f"{TOPIC}2"))
        self.rejects("version", change(NOTIFICATION, "SignatureVersion", "1"))
        wrong = [change(NOTIFICATION, "Type", "Other"), change(NOTIFICATION, "Message", 1)]
        for body in ["", "{}", "[]", "null", "1", "[" * 100_000, *wrong]:
            self.rejects("not a message of SNS", body)
        take(NOTIFICATION, SENT + timedelta(hours=1))
        take(NOTIFICATION, SENT - timedelta(minutes=5))
        instant = timedelta(milliseconds=1)
        self.rejects("outside the window", NOTIFICATION, SENT + timedelta(hours=1) + instant)
        self.rejects("outside the window", NOTIFICATION, SENT - timedelta(minutes=5) - instant)
        self.rejects("outside the window", change(NOTIFICATION, "Timestamp", "someday"))

    def test_certificate_must_be_readable_and_the_right_one(self) -> None:
        self.rejects("not readable", NOTIFICATION, certificate="")
        self.rejects("signature is wrong", NOTIFICATION, certificate=OTHER)


if __name__ == "__main__":
    unittest.main()
