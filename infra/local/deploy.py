"""Deploys the built template to the emulator with `sam deploy`, and writes stack.json.

This file knows the template's parameters and outputs, and nothing about the functions' code.
"""

import hashlib
import secrets
from pathlib import Path

import sam_cli
import sam_local_files
import tools
from emulator import ADMIN, REGION, client
from report import say
from state import Files, State, write_private

DEPLOY_SECONDS = 300

# The password of the events under tests/fixtures/events is public: local:local-password. It is only for local stacks.
DEMO_VERIFIER = "local:03eecb1e5d33a976de28e01c5342da4827ba1f668774bb61fcad9c6fb4dd0ab5"

# The application of callbacks to the secret path.
SECRET_PATH_USER = "legacy"


def deploy(files: Files, state: State, artefacts: str, rotating: bool, own_key: bool, more: list[str]) -> State:
    """Creates or updates the stack. `state` names the emulator, and the credentials of an earlier deployment."""
    say("deploying")
    credentials = choose_credentials(state, rotating)
    stack_name = f"wab-{files.name}"
    if own_key:
        more = [*more, f"KmsKeyArn={create_key(state['endpoint'], stack_name)}"]
    parameters = [
        f"CallbackCredentials={','.join([*verifiers(credentials), DEMO_VERIFIER])}",
        *secret_paths(credentials),
        f"Architecture={sam_cli.architecture()}",
        *more,
    ]
    sam_deploy(files.build_dir, stack_name, parameters, state["endpoint"], files.home / "deploy.log")

    outputs = stack_outputs(state["endpoint"], stack_name)
    api_url = outputs["MoUrl"].removesuffix("/mo")
    state = {
        "endpoint": state["endpoint"],
        "container_endpoint": state.get("container_endpoint"),
        "region": REGION,
        "access_key_id": ADMIN["AWS_ACCESS_KEY_ID"],
        "secret_access_key": ADMIN["AWS_SECRET_ACCESS_KEY"],
        "api_url": api_url,
        "mo_url": outputs["MoUrl"],
        "dlr_url": outputs["DlrUrl"],
        **credentials,
        "table": outputs["TableName"],
        "mo_topic_arn": outputs["MoTopicArn"],
        "dlr_topic_arn": outputs["DlrTopicArn"],
        "fifo_topic_arns": [outputs[name] for name in ("MoFifoTopicArn", "DlrFifoTopicArn") if name in outputs],
        "bucket": outputs["BucketName"],
        "spill_queue_url": outputs["SpillQueueUrl"],
        "dead_letter_queue_url": outputs["DeadLetterQueueUrl"],
        "mo_function": outputs["MoFunction"],
        "dlr_function": outputs["DlrFunction"],
        "fanout_function": outputs["FanoutFunction"],
        "recover_function": outputs["RecoverFunction"],
        "stack_name": stack_name,
        "api_id": outputs["ApiId"],
        "version": outputs.get("Version"),
        "log": str(files.log),
        "port": state["port"],
        "pid": state["pid"],
        "artefacts": artefacts,
    }
    if state["container_endpoint"]:
        sam_local_files.write(files, state)
    write_private(files.state, state)
    return state


def sam_deploy(build_dir: Path, stack_name: str, parameters: list[str], endpoint: str, log: Path) -> None:
    """Deploys what `sam build` has written to `build_dir`."""
    command = [
        "deploy",
        "--template-file", str(build_dir / "template.yaml"),
        "--stack-name", stack_name,
        "--region", REGION,
        "--capabilities", "CAPABILITY_IAM",
        "--resolve-s3",
        "--no-confirm-changeset",
        "--no-fail-on-empty-changeset",
        "--no-progressbar",
        "--parameter-overrides", *parameters,
    ]  # fmt: skip
    variables = {
        "AWS_ENDPOINT_URL": endpoint,
        "SAM_CLI_POLL_DELAY": "0.5",  # seconds between polls; the emulator has no rate limit
    }
    sam_cli.run(command, log, DEPLOY_SECONDS, variables)


def create_key(endpoint: str, stack_name: str) -> str:
    """A KMS key with the policy that docs/security.md describes. Returns its ARN."""
    section = (tools.ROOT / "docs/security.md").read_text().partition("\n## A key of your own\n")[2]
    policy = section.partition("```json\n")[2].partition("```")[0]
    account = client("sts", endpoint).get_caller_identity()["Account"]
    for placeholder, value in {"STACK": stack_name, "REGION": REGION, "ACCOUNT": account}.items():
        policy = policy.replace(placeholder, value)
    return client("kms", endpoint).create_key(Policy=policy)["KeyMetadata"]["Arn"]


def choose_credentials(state: State, rotating: bool) -> dict[str, str]:
    """The gateway's credentials as stack.json has them: two while a password is being replaced, otherwise one.

    With two, there is also a secret path, for the tests.
    """
    # A password may contain the character that ends a user name.
    fresh = {"": secrets.token_urlsafe(32), "second_": f"{secrets.token_urlsafe(16)}:{secrets.token_urlsafe(16)}"}
    credentials = {}
    for prefix, user in {"": "gateway", "second_": "gateway-next"}.items():
        if rotating or not prefix:
            credentials[f"{prefix}username"] = user
            credentials[f"{prefix}password"] = state.get(f"{prefix}password", fresh[prefix])
    if rotating:
        credentials["secret_path"] = state.get("secret_path", secrets.token_urlsafe(32))
    return credentials


def verifiers(credentials: dict[str, str]) -> list[str]:
    """What the template is given in place of the passwords: each user name with the password's digest."""
    return [
        f"{credentials[f'{prefix}username']}:{hashlib.sha256(credentials[f'{prefix}password'].encode()).hexdigest()}"
        for prefix in ("", "second_")
        if f"{prefix}username" in credentials
    ]


def secret_paths(credentials: dict[str, str]) -> list[str]:
    """The template's parameter for the secret path of these credentials, if they have one."""
    if "secret_path" not in credentials:
        return []
    return [f"SecretPaths={SECRET_PATH_USER}:{hashlib.sha256(credentials['secret_path'].encode()).hexdigest()}"]


def stack_outputs(endpoint: str, stack_name: str) -> dict[str, str]:
    found = client("cloudformation", endpoint).describe_stacks(StackName=stack_name)["Stacks"][0]["Outputs"]
    return {output["OutputKey"]: output["OutputValue"] for output in found}
