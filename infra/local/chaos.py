"""Runs tools/chaos against a local stack of its own with FIFO topics and a bus, and passes its arguments on."""

import tools  # first, for its check of the Python version  # isort: skip

import json
import subprocess
import sys
from pathlib import Path

import temporary_stack
from emulator import client
from state import Files

from deploy import sam_deploy

NAME = "chaos"
CHAOS = ["cargo", "run", "--quiet", "--locked", "--package", "wab-chaos", "--"]


def main() -> int:
    if {"-h", "--help"} & set(sys.argv):
        return subprocess.run([*CHAOS, "--help"], cwd=tools.ROOT, check=False).returncode
    tools.continue_in("emulator", "sam")
    with temporary_stack.up(NAME, "--parameter=FifoTopics=true") as stack:
        options = ["--stack", str(stack), "--bus-queue", bus_queue(stack)]
        return subprocess.run([*CHAOS, *options, *sys.argv[1:]], cwd=tools.ROOT, check=False).returncode


def bus_queue(stack: Path) -> str:
    """Puts the events on a bus. Returns the URL of a queue that gets them from there."""
    state = json.loads(stack.read_text())
    endpoint, name = state["endpoint"], f"{state['stack_name']}-eventbridge"
    topics = [f"MoTopicArn={state['mo_topic_arn']}", f"DlrTopicArn={state['dlr_topic_arn']}"]
    log = Files(NAME).home / "deploy-eventbridge.log"
    sam_deploy(tools.ROOT / "examples" / "eventbridge", name, topics, endpoint, log)
    queue = client("sqs", endpoint).create_queue(QueueName="chaos-bus")["QueueUrl"]
    arn = client("sqs", endpoint).get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    events = client("events", endpoint)
    events.put_rule(Name="all", EventPattern=json.dumps({"source": ["wab"]}))
    events.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": arn["Attributes"]["QueueArn"]}])
    return queue


if __name__ == "__main__":
    sys.exit(main())
