"""Deploys to AWS, for `make deploy`. Asks for the template's parameters at the first deployment only.

`sam deploy --guided` asks for NoEcho parameters every time, while plain `sam deploy` keeps the stack's values. So the
first deployment is guided and later ones aren't. Runs on the SAM CLI's Python, with its libraries.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import tomlkit
from botocore.exceptions import ClientError

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / "samconfig.toml"
BUILT = ROOT / ".aws-sam" / "build" / "template.yaml"


def settings(config: Path) -> dict[str, Any]:
    """The parameters of `sam deploy` in samconfig.toml, including the answers of an earlier guided deployment."""
    return tomlkit.parse(config.read_text()).unwrap()["default"]["deploy"]["parameters"]


def is_deployed(stack: str, region: str | None, profile: str | None) -> bool:
    client = boto3.Session(region_name=region, profile_name=profile).client("cloudformation")
    try:
        status = client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    except ClientError as error:
        if "does not exist" in str(error):
            return False
        raise
    if status == "ROLLBACK_COMPLETE":
        sys.exit(f"the first deployment of {stack} failed: see “The first deployment failed” in docs/runbook.md")
    return status != "REVIEW_IN_PROGRESS"  # its changeset was never executed


def allow_only(template: str, architecture: str) -> str:
    """Restricts the built template to the architecture that was built."""
    pattern = r"(\n  Architecture:\n(?:    .*\n)*?    Default: )\S+(\n    AllowedValues:\n)(?:    - .*\n)+"
    pinned, found = re.subn(pattern, rf"\g<1>{architecture}\g<2>    - {architecture}\n", template)
    if found != 1:
        sys.exit("the built template has no parameter Architecture")
    return pinned


def main() -> None:
    parser = argparse.ArgumentParser(description="Deploys .aws-sam/build to AWS, guided the first time.")
    parser.add_argument("--arch", required=True, choices=["x86_64", "arm64"], help="the architecture that was built")
    parser.add_argument("--parameters", default="", help="NAME=VALUE … to change")
    arguments = parser.parse_args()
    BUILT.write_text(allow_only(BUILT.read_text(), arguments.arch))
    saved = settings(CONFIG)
    command, changed = ["sam", "deploy"], []
    if not is_deployed(saved["stack_name"], saved.get("region"), saved.get("profile")):
        # Offer the answers of an earlier attempt as defaults. Once deployed, the stack's own values take precedence.
        command.append("--guided")
        answers = saved.get("parameter_overrides", [])
        changed = [answers] if isinstance(answers, str) else answers
    # The last value of a repeated parameter wins, and the stack keeps the parameters that aren't given.
    changed = [*changed, *filter(None, [arguments.parameters]), f"Architecture={arguments.arch}"]
    command += ["--parameter-overrides", *changed]
    sys.exit(subprocess.run(command, cwd=ROOT, check=False).returncode)


if __name__ == "__main__":
    main()
