"""ministack has what the patches replace without reading it: a new version can't leave a patch without effect."""

import unittest

from ministack.services import cloudwatch, cloudwatch_logs, dynamodb, lambda_svc, sns


class Ministack(unittest.TestCase):
    def test_replaced_names_exist(self) -> None:
        for module, names in {
            cloudwatch: ("TWO_WEEKS_SECONDS", "_dims_from_list", "_evaluate_alarm"),
            dynamodb: ("_ttl_settings",),
            cloudwatch_logs: ("_filter_log_events",),
            lambda_svc: ("_emit_lambda_logs", "_emit_lambda_metrics"),
            sns: ("_deliver_to_http", "_deliver_to_lambda", "_send_subscription_confirmation"),
        }.items():
            for name in names:
                self.assertTrue(hasattr(module, name), f"{module.__name__}.{name}")
