"""Callers are who AWS takes them for, and containers don't get the administrator's rights."""

import asyncio
import unittest
from typing import Any
from unittest import mock

from patches import access


class Containers(unittest.TestCase):
    BRIDGE = "172.17.0.1"

    def setUp(self) -> None:
        known = {"AKIAISSUED": "User", "test": "Root"}
        keys = mock.patch.object(
            access.iam_evaluator, "resolve_credential", lambda key: mock.Mock(principal_type=known.get(key))
        )
        keys.start()
        self.addCleanup(keys.stop)

    def check(self, server: str, key: str | None, path: str, *, served: bool) -> None:
        answers: list[Any] = []

        async def application(*_: Any) -> None:
            answers.append("served")

        async def send(message: dict[str, Any]) -> None:
            answers.append(message.get("status"))

        authorization = f"AWS4-HMAC-SHA256 Credential={key}/20261124/us-east-1/sqs/aws4_request"
        headers = [(b"Authorization", authorization.encode())] if key else []
        scope = {"type": "http", "server": (server, 4566), "path": path, "headers": headers}
        asyncio.run(access.guarded(application, self.BRIDGE)(scope, None, send))
        self.assertEqual(answers[0], "served" if served else 403)

    def test_containers_need_an_issued_key(self) -> None:
        self.check(self.BRIDGE, "AKIAISSUED", "/", served=True)
        for key in (None, "test", "AKIAUNKNOWN"):
            self.check(self.BRIDGE, key, "/", served=False)

    def test_containers_cannot_reach_emulator_pages(self) -> None:
        self.check(self.BRIDGE, "AKIAISSUED", "/_ministack/reset", served=False)

    def test_loopback_requests_need_no_key(self) -> None:
        self.check("127.0.0.1", None, "/_ministack/health", served=True)


class Callers(unittest.TestCase):
    ACCOUNT = "arn:aws:iam::000000000000"

    def test_principal_is_the_role_and_not_its_session(self) -> None:
        for caller, principal in (
            ("arn:aws:sts::000000000000:assumed-role/wab-mo/wab-mo", f"{self.ACCOUNT}:role/wab-mo"),
            (f"{self.ACCOUNT}:user/sam-local/wab-mo/sam-local-1", f"{self.ACCOUNT}:role/wab-mo"),
            (f"{self.ACCOUNT}:user/ana", f"{self.ACCOUNT}:user/ana"),
        ):
            self.assertEqual(access.principal(caller), principal)
