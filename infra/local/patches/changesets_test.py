"""Only a change set in the mode REVERT_DRIFT applies unchanged resources again."""

import unittest
from unittest import mock

from ministack.services.cloudformation import changesets as ministack

from patches import changesets

TEMPLATE = {"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {}}}}
RESOURCES = {"Role": {"PhysicalResourceId": "r", "ResourceType": "AWS::IAM::Role"}}


class Drift(unittest.TestCase):
    def check(self, mode: str, changed: list[str]) -> None:
        diff = changesets.every_restored_resource(ministack._diff_resources)
        handler = {"update": lambda *_arguments: "updated"}
        update = changesets.also_if_unchanged(lambda *_arguments: "left alone")
        stored = {"ChangeSetName": "c"}
        with (
            mock.patch.dict(ministack.__dict__, _find_change_set=lambda *_names: ("id", stored)),
            mock.patch.dict(changesets._RESOURCE_HANDLERS, {"AWS::IAM::Role": handler}),
        ):
            params = {"DeploymentMode": [mode], "ChangeSetName": ["c"], "StackName": ["s"]}
            changes = changesets.create(lambda _params: diff(TEMPLATE, TEMPLATE, RESOURCES))(params)
            done = changesets.execute(lambda _params: update("AWS::IAM::Role", "r", {}, {}, "s"))(params)
        self.assertEqual([change["ResourceChange"]["LogicalResourceId"] for change in changes], changed)
        self.assertEqual(done, "updated" if changed else "left alone")

    def test_unchanged_resource_is_left_alone(self) -> None:
        self.check("STANDARD", [])

    def test_reverting_drift_applies_an_unchanged_resource(self) -> None:
        self.check("REVERT_DRIFT", ["Role"])


if __name__ == "__main__":
    unittest.main()
