"""KMS keys of one's own: who uses an encrypted resource needs permissions for its key. ministack never asks for them.

- A table: whoever reads or writes it needs `kms:Decrypt` for the table's key ("DynamoDB encryption at rest usage
  notes"). The error is DynamoDB's own, as aws/aws-cdk issue 10010 reports it.
- A bucket: `kms:GenerateDataKey` to put an object, `kms:Decrypt` to get one ("Using server-side encryption with AWS KMS
  keys"). The bucket's present key counts for every object.
- A topic: a publisher needs both ("Managing Amazon SNS encryption keys and costs", with the error). A queue: a sender
  needs both, a receiver `kms:Decrypt` ("Amazon SQS Key management"). For what SNS delivers to a queue, the key's policy
  must allow SNS both; the policy of `aws/sqs` doesn't, and can't be changed (the same page).
- A log group: the key's policy must allow CloudWatch Logs ("Encrypt log data in CloudWatch Logs using AWS KMS").
- A function's variables: who lacks `kms:Decrypt` sees the configuration without them ("Securing Lambda environment
  variables"). The function itself needs no permission: Lambda has a grant.

SNS and SQS use a data key for up to 5 minutes, DynamoDB a table key. Here, each call asks for the key. AWS's own keys
(`alias/aws/…`) need no permission.
"""

import json
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import dynamodb, kms, lambda_svc, s3, sns, sqs
from ministack.services.cloudformation import provisioners

from patches import access

DECRYPT, GENERATE = "kms:Decrypt", "kms:GenerateDataKey"

TABLE_ACTIONS = ["BatchGetItem", "DeleteItem", "GetItem", "GetRecords", "PutItem", "Query", "Scan", "UpdateItem"]
OPERATIONS = {
    **{f"dynamodb:{action}": [DECRYPT] for action in TABLE_ACTIONS},
    "s3:GetObject": [DECRYPT],
    "s3:PutObject": [GENERATE],
    "sns:Publish": [GENERATE, DECRYPT],
    "sqs:ReceiveMessage": [DECRYPT],
    "sqs:SendMessage": [GENERATE, DECRYPT],
}

# What each service calls a refused key (its API reference).
ERRORS = {"dynamodb": "AccessDeniedException", "s3": "AccessDenied", "sns": "KMSAccessDenied", "sqs": "KmsAccessDenied"}
BAD_REQUESTS = {"AccessDeniedException", "KMSAccessDenied", "KmsAccessDenied"}

LOGS_ACTIONS = ["kms:Encrypt", DECRYPT, "kms:ReEncryptFrom", "kms:ReEncryptTo", GENERATE, "kms:DescribeKey"]


def install() -> None:
    iam_actions.access_denied_response = as_bad_request(iam_actions.access_denied_response)
    lambda_svc._get_function_config = hide_variables(lambda_svc._get_function_config)
    after("AWS::SNS::Topic", keep_topic_key)
    after("AWS::Lambda::Function", keep_function_key)
    after("AWS::S3::Bucket", keep_bucket_encryption)
    after("AWS::Logs::LogGroup", check_log_key)


def after(kind: str, apply: Callable[[str, dict[str, Any]], None]) -> None:
    """Calls `apply` with each resource of a kind that CloudFormation made or updated, and its properties."""
    handler = provisioners._RESOURCE_HANDLERS[kind]

    def wrap(original: Any, of: int) -> Any:
        def handle(*arguments: Any, **more: Any) -> Any:
            name, attributes = original(*arguments, **more)
            apply(name, arguments[of])
            return name, attributes

        return handle

    handler["create"] = wrap(handler["create"], of=1)
    handler["update"] = wrap(handler["update"], of=2)


def keep_topic_key(arn: str, properties: dict[str, Any]) -> None:
    if key := properties.get("KmsMasterKeyId"):
        sns._topics[arn]["attributes"]["KmsMasterKeyId"] = key
    else:
        sns._topics[arn]["attributes"].pop("KmsMasterKeyId", None)


def keep_function_key(name: str, properties: dict[str, Any]) -> None:
    lambda_svc._functions[name]["config"]["KMSKeyArn"] = properties.get("KmsKeyArn", "")


def keep_bucket_encryption(bucket: str, properties: dict[str, Any]) -> None:
    rules = properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
    if not rules:
        return
    default = rules[0]["ServerSideEncryptionByDefault"]
    members = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in default.items())
    rule = f"<Rule><ApplyServerSideEncryptionByDefault>{members}</ApplyServerSideEncryptionByDefault></Rule>"
    body = f"<ServerSideEncryptionConfiguration>{rule}</ServerSideEncryptionConfiguration>"
    status, _, answer = s3._put_bucket_encryption(bucket, body.encode())
    if status >= 300:
        raise ValueError(answer.decode())


def check_log_key(name: str, properties: dict[str, Any]) -> None:
    key = properties.get("KmsKeyId")
    service = f"logs.{get_region()}.amazonaws.com"
    arn = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{name}"
    context = {"kms:encryptioncontext:aws:logs:arn": arn}
    if key and not all(service_may(service, action, key, context) for action in LOGS_ACTIONS):
        raise ValueError(f"The specified KMS key does not exist or is not allowed to be used with LogGroup '{arn}'")


def own(key: str | None) -> str | None:
    """The ARN of the key, unless it is AWS's."""
    return key if key and ":key/" in key else None


def key_of(service: str, resource_arn: str) -> str | None:
    """The customer-managed key of a table, an object's bucket, a topic or a queue."""
    if service == "dynamodb":
        name = resource_arn.partition(":table/")[2].partition("/")[0]
        return own(((dynamodb._tables.get(name) or {}).get("SSEDescription") or {}).get("KMSMasterKeyArn"))
    if service == "s3":
        bucket = resource_arn.removeprefix("arn:aws:s3:::").partition("/")[0]
        return own(s3._bucket_default_sse_headers(bucket).get("x-amz-server-side-encryption-aws-kms-key-id"))
    if service == "sns":
        return own((sns._topics.get(resource_arn) or {"attributes": {}})["attributes"].get("KmsMasterKeyId"))
    queue = sqs._queue_by_arn(resource_arn)
    return own(queue["attributes"].get("KmsMasterKeyId")) if queue else None


def needed(action: str, resource_arn: str) -> list[tuple[str, str]]:
    """What a call needs in addition: operations of KMS, each with the key."""
    if action not in OPERATIONS:
        return []
    key = key_of(action.partition(":")[0], resource_arn)
    return [(operation, key) for operation in OPERATIONS[action]] if key else []


def denial(action: str, operation: str, key: str, caller: str) -> iam_evaluator.AuthError:
    """The answer to a caller who may not use the key."""
    service = action.partition(":")[0]
    message = f"User: {caller} is not authorized to perform: {operation} on resource: {key}"
    if service == "dynamodb":
        message = f"KMS key access denied error: {message}"
    return iam_evaluator.AuthError(ERRORS[service], message)


def as_bad_request(original: Any) -> Any:
    """These errors have the status 400; ministack's denials have 403."""

    def respond(*arguments: Any, error_code: str = "", **more: Any) -> Any:
        status, headers, body = original(*arguments, error_code=error_code, **more)
        return 400 if error_code in BAD_REQUESTS else status, headers, body

    return respond


def service_may(service: str, action: str, key: str, context: dict[str, str]) -> bool:
    """Whether the policy of a key allows an AWS service. `context` has the condition keys, in lower case."""
    if not (policy := kms.key_policy_for_arn(key)):
        return False
    request = iam_evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=key,
        region=get_region(),
        service_context=context,
    )
    return iam_evaluator.evaluate_resource_policy(policy[0], request, service=service).decision == "Allow"


def sns_may_send(queue: dict[str, Any], topic_arn: str) -> bool:
    """Whether SNS may use the key of a queue for what a topic delivers."""
    key = queue["attributes"].get("KmsMasterKeyId")
    context = {"aws:sourcearn": topic_arn, "aws:sourceaccount": get_account_id()}
    return not key or all(service_may("sns.amazonaws.com", action, key, context) for action in (GENERATE, DECRYPT))


def hide_variables(original: Any) -> Any:
    def get(name: str, *qualifier: Any) -> Any:
        status, headers, body = original(name, *qualifier)
        configuration = json.loads(body)
        key, caller = own(configuration.get("KMSKeyArn")), iam_evaluator.caller_arn()
        if key and not access.allows(caller, DECRYPT, key):
            message = f"Lambda was unable to decrypt your environment variables: {caller} may not use {key}"
            error = {"ErrorCode": "AccessDeniedException", "Message": message}
            body = json.dumps(configuration | {"Environment": {"Error": error}}).encode()
        return status, headers, body

    return get
