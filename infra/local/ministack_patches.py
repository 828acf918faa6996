"""Runs ministack with the patches of the directory beside this file.

emulator.py starts this file and sets its environment variables (port, directories, AUTH, ALARM_PERIOD_SECONDS,
SNS_RETRY_SECONDS).
"""

import os
import sys

from ministack import app
from patches import (
    access,
    alarms,
    api,
    archive,
    changesets,
    endpoints,
    functions,
    keys,
    logs,
    metrics,
    permissions,
    pipes,
    queues,
    resources,
    signatures,
    streams,
    topics,
)

if __name__ == "__main__":
    del sys.argv[1:]  # the stack's directory, by which emulator.py recognises this process
    access.install(os.environ.pop("DOCKER_BRIDGE", None))
    streams.PartialFailures().install()
    for subject in (functions, logs, metrics, alarms, api, queues, pipes, resources, topics, changesets):
        subject.install()
    for subject in (signatures, endpoints, archive, keys, permissions):
        subject.install()
    app.main()
