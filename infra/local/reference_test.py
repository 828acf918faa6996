"""The filter policies of docs/reference.md, applied to its examples as the emulator applies them."""

import json
import unittest

from ministack.services import sns

from contracts import reference


class Policies(unittest.TestCase):
    def test_each_policy_selects_the_examples_of_its_section_only(self) -> None:
        page = reference.page()
        for policy in page.policies:
            expected = [example for example in page.examples if example.path[: len(policy.path)] == policy.path]
            with self.subTest(policy=policy.policy):
                self.assertNotEqual(expected, [])
                self.assertEqual([example for example in page.examples if selects(policy, example)], expected)


def selects(policy: reference.Policy, example: reference.Example) -> bool:
    """Whether a subscription to the policy's topic gets the event."""
    subscription = {"attributes": {"FilterPolicy": json.dumps(policy.policy), "FilterPolicyScope": policy.scope}}
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in example.attributes.items()}
    matches = sns._matches_filter_policy(subscription, attributes, json.dumps(example.event))
    return example.path[0] == policy.path[0] and matches


if __name__ == "__main__":
    unittest.main()
