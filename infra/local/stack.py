"""The local stack: infra/template.yaml deployed, unchanged, to an AWS emulator on this machine.

`up` builds the functions, starts the emulator, deploys, and writes what a client needs to stack.json and, where there
is Docker, what `sam local` needs to sam-local/; `down` stops it; `local` is `up` in the foreground and shows each
event as a subscriber gets it. State lives under .local/ and nothing of a real AWS configuration is read or passed on.
Knows the template's outputs and the functions' names, and nothing about their code.
"""

import tools  # first: says in one line which Python is needed  # isort: skip

import argparse
import contextlib
import fcntl
import hashlib
import http.client
import json
import os
import platform
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import watch

LOCAL = tools.ROOT / ".local"
TEMPLATE = tools.ROOT / "infra" / "template.yaml"
EMULATOR = Path(__file__).resolve().parent / "emulator.py"

DEFAULT_NAME = "stack"
DEFAULT_PORT = 4566
REGION = "us-east-1"
# Of the events under tests/fixtures/events: local:local-password, known to everyone and good for this machine alone.
DEMO_VERIFIER = "local:03eecb1e5d33a976de28e01c5342da4827ba1f668774bb61fcad9c6fb4dd0ab5"
# Whoever signs with these is the emulator's administrator; everyone else is held to IAM policies.
ADMIN = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}

LOCK_SECONDS = 1800
BUILD_SECONDS = 1800
START_SECONDS = 60
DEPLOY_SECONDS = 300
STOP_SECONDS = 10

State = dict[str, Any]


class Failure(Exception):
    """What the person is told, in one line or with the tail of a log."""


class Stopped(BaseException):
    """Ctrl-C, or a polite request to end; like KeyboardInterrupt not an Exception, which libraries would catch."""


class Stack:
    """The stack called `name`: its files, its process and its deployment."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.home = LOCAL / name
        self.state_file = LOCAL / "stack.json" if name == DEFAULT_NAME else self.home / "stack.json"
        self.build_dir = self.home / "build"
        self.sam_local = self.home / "sam-local"
        self.log = self.home / "emulator.log"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps two commands from changing the same stack at once."""
        LOCAL.mkdir(exist_ok=True)
        with (LOCAL / f"{self.name}.lock").open("w") as lock:
            give_up = time.monotonic() + LOCK_SECONDS
            waiting = False
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > give_up:
                        raise Failure(f"another command has held the stack for {LOCK_SECONDS} s") from None
                    if not waiting:
                        say("waiting for another command on this stack")
                        waiting = True
                    time.sleep(0.2)
            yield

    def state(self) -> State | None:
        """What stack.json says, provided that its emulator is alive."""
        try:
            state = json.loads(self.state_file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        return state if self.owns(state["pid"]) else None

    def owns(self, pid: int) -> bool:
        """Whether `pid` is this stack's emulator; a number alone could belong to another process by now."""
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return str(EMULATOR).encode() in command and str(self.home).encode() in command

    def up(self, port: int | None, rotating: bool) -> tuple[State, bool]:
        """Brings the stack to the state of the sources; also tells whether that took an emulator of our own."""
        running = self.state()
        if running and port not in (None, running["port"]):
            raise Failure(f"the stack is up on port {running['port']}: take it down first")
        if running:
            self.build()
            artefacts = self.artefacts()
            if running["artefacts"] == artefacts and (not rotating or "second_username" in running):
                say("already running, nothing changed")
                return running, False
            return self.deploy(running, artefacts, rotating), False

        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        self.state_file.unlink(missing_ok=True)
        port = choose_port(port, DEFAULT_PORT if self.name == DEFAULT_NAME else None)
        bridge = docker_bridge(port)
        emulator = self.start(port, bridge)
        try:
            self.build()
            self.await_ready(emulator, port)
            state = {
                "pid": emulator.pid,
                "port": port,
                "endpoint": f"http://localhost:{port}",
                "container_endpoint": bridge and f"http://{bridge}:{port}",
            }
            return self.deploy(state, self.artefacts(), rotating), True
        except BaseException:
            self.stop(emulator.pid)
            raise

    def build(self) -> None:
        first = not (tools.ROOT / "target" / "lambda").exists()
        say("building the functions" + (", which takes some minutes the first time" if first else ""))
        # What is deployed to AWS is optimised as a whole, which takes far longer than it is worth here.
        quick = {
            "CARGO_PROFILE_RELEASE_LTO": "off",
            "CARGO_PROFILE_RELEASE_OPT_LEVEL": "1",
            "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16",
        }
        command = [
            "build",
            "--template-file", str(TEMPLATE),
            "--build-dir", str(self.build_dir),
            "--parameter-overrides", f"Architecture={architecture()}",
        ]  # fmt: skip
        run_sam(command, self.home / "build.log", BUILD_SECONDS, no_account() | quick)

    def artefacts(self) -> str:
        """A digest of all that is deployed."""
        digest = hashlib.sha256()
        for file in sorted(path for path in self.build_dir.rglob("*") if path.is_file()):
            digest.update(file.relative_to(self.build_dir).as_posix().encode())
            digest.update(file.read_bytes())
        return digest.hexdigest()

    def start(self, port: int, bridge: str | None) -> "subprocess.Popen[bytes]":
        """Starts the emulator and doesn't wait for it."""
        temporary = self.home / "tmp"
        temporary.mkdir()
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TMPDIR": str(temporary),
            "STATE_DIR": str(self.home / "emulator"),
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "AUTH": "true",
            "MINISTACK_REGION": REGION,
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            # Handed on to the functions.
            "AWS_ENDPOINT_URL": f"http://localhost:{port}",
            **ADMIN,
        }
        if bridge:
            environment["DOCKER_BRIDGE"] = bridge
        say(f"starting the emulator on port {port}")
        with self.log.open("wb") as log:
            emulator = subprocess.Popen(
                [sys.executable, str(EMULATOR), str(self.home)],
                cwd=self.home,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that Ctrl-C reaches this script alone, which stops it in order
            )
        return emulator

    def await_ready(self, emulator: "subprocess.Popen[bytes]", port: int) -> None:
        give_up = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up:
            if emulator.poll() is not None:
                raise Failure(f"the emulator ended by itself\n{tail(self.log)}")
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection.request("GET", "/_ministack/health")
                if connection.getresponse().status == 200:
                    return
            connection.close()
            time.sleep(0.1)
        raise Failure(f"the emulator wasn't ready within {START_SECONDS} s\n{tail(self.log)}")

    def deploy(self, state: State, artefacts: str, rotating: bool) -> State:
        say("deploying infra/template.yaml")
        accounts = {"": "gateway", "second_": "gateway-next"} if rotating else {"": "gateway"}
        credentials: State = {}
        for prefix, user in accounts.items():
            credentials[f"{prefix}username"] = user
            # The second holds the character that ends a user name, as a password may.
            fresh = f"{secrets.token_urlsafe(16)}:{secrets.token_urlsafe(16)}" if prefix else secrets.token_urlsafe(32)
            credentials[f"{prefix}password"] = state.get(f"{prefix}password", fresh)
        verifiers = [
            f"{user}:{hashlib.sha256(credentials[f'{prefix}password'].encode()).hexdigest()}"
            for prefix, user in accounts.items()
        ]
        stack_name = f"wab-{self.name}"
        command = [
            "deploy",
            "--template-file", str(self.build_dir / "template.yaml"),
            "--stack-name", stack_name,
            "--region", REGION,
            "--capabilities", "CAPABILITY_IAM",
            "--resolve-s3",
            "--no-confirm-changeset",
            "--no-fail-on-empty-changeset",
            "--no-progressbar",
            "--parameter-overrides",
            f"CallbackCredentials={','.join([*verifiers, DEMO_VERIFIER])}",
            f"Architecture={architecture()}",
        ]  # fmt: skip
        environment = no_account() | {
            "AWS_ENDPOINT_URL": state["endpoint"],
            "SAM_CLI_POLL_DELAY": "0.5",  # seconds between looks at the deployment; there is no rate limit here
        }
        run_sam(command, self.home / "deploy.log", DEPLOY_SECONDS, environment)

        outputs = self.outputs(state["endpoint"], stack_name)
        # The emulator serves each API under a path of its own address.
        api_url = f"{state['endpoint']}/_aws/execute-api/{outputs['ApiId']}/$default"
        state = {
            "endpoint": state["endpoint"],
            "container_endpoint": state.get("container_endpoint"),
            "region": REGION,
            "access_key_id": ADMIN["AWS_ACCESS_KEY_ID"],
            "secret_access_key": ADMIN["AWS_SECRET_ACCESS_KEY"],
            "api_url": api_url,
            "mo_url": f"{api_url}/mo",
            "dlr_url": f"{api_url}/dlr",
            **credentials,
            "table": outputs["TableName"],
            "mo_topic_arn": outputs["MoTopicArn"],
            "dlr_topic_arn": outputs["DlrTopicArn"],
            "bucket": outputs["BucketName"],
            "spill_queue_url": outputs["SpillQueueUrl"],
            "dead_letter_queue_url": outputs["DeadLetterQueueUrl"],
            "mo_function": outputs["MoFunction"],
            "dlr_function": outputs["DlrFunction"],
            "fanout_function": outputs["FanoutFunction"],
            "recover_function": outputs["RecoverFunction"],
            "stack_name": stack_name,
            "log": str(self.log),
            "port": state["port"],
            "pid": state["pid"],
            "artefacts": artefacts,
        }
        if state["container_endpoint"]:
            self.write_sam_local(state)
        write_private(self.state_file, state)
        return state

    def write_sam_local(self, state: State) -> None:
        """Writes what `sam local` takes: a template, and the variables of each function.

        `sam local` can't resolve a reference to a deployed resource, passes on only variables that the template
        declares, which `AWS_ENDPOINT_URL` isn't, and prefers the shell's variables to the template's.
        """
        import yaml  # of the emulator's environment, as in `client`

        template = yaml.safe_load((self.build_dir / "template.yaml").read_text())
        variables: dict[str, dict[str, str]] = {}
        for function in ("Mo", "Dlr", "Fanout", "Recover"):
            name = state[f"{function.lower()}_function"]
            deployed = client("lambda", state["endpoint"]).get_function_configuration(FunctionName=name)
            variables[function] = {
                **deployed["Environment"]["Variables"],
                **access_key_of_role(deployed["Role"], state["endpoint"]),
                "AWS_REGION": REGION,
                "AWS_ENDPOINT_URL": state["container_endpoint"],
            }
            properties = template["Resources"][function]["Properties"]
            properties["CodeUri"] = str(self.build_dir / properties["CodeUri"])
            properties["Environment"] = {"Variables": dict.fromkeys(variables[function], "")}
        self.sam_local.mkdir(exist_ok=True)
        write_private(self.sam_local / "template.json", template)
        write_private(self.sam_local / "env.json", variables)

    def outputs(self, endpoint: str, stack_name: str) -> dict[str, str]:
        found = client("cloudformation", endpoint).describe_stacks(StackName=stack_name)["Stacks"][0]["Outputs"]
        return {output["OutputKey"]: output["OutputValue"] for output in found}

    def down(self) -> bool:
        """Stops the emulator, whose memory is the deployment, and forgets the stack; tells whether there was one."""
        try:
            pid = json.loads(self.state_file.read_text())["pid"]
        except (FileNotFoundError, json.JSONDecodeError):
            pid = None
        stopped = pid is not None and self.stop(pid)
        self.state_file.unlink(missing_ok=True)
        shutil.rmtree(self.home, ignore_errors=True)
        return stopped

    def stop(self, pid: int) -> bool:
        """Ends the emulator and the functions it started, provided that `pid` is it."""
        if not self.owns(pid):
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        give_up = time.monotonic() + STOP_SECONDS
        while self.owns(pid) and not reaped(pid) and time.monotonic() < give_up:
            time.sleep(0.05)
        # It leads a session of its own, so the group is exactly it and its functions.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        return True


def write_private(path: Path, content: dict[str, Any]) -> None:
    """Replaces the file at once by one that only its owner can read."""
    draft = path.with_suffix(".draft")
    with open(draft, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        json.dump(content, file, indent=2)
    draft.replace(path)


def access_key_of_role(role_arn: str, endpoint: str) -> dict[str, str]:
    """Credentials with the permissions of a function's role; unlike a session of the role they don't expire."""
    iam = client("iam", endpoint)
    role, user = role_arn.rsplit("/", 1)[-1], f"sam-local-{secrets.token_hex(8)}"
    iam.create_user(UserName=user)
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        iam.put_user_policy(UserName=user, PolicyName=policy, PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    return {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_SESSION_TOKEN": "",  # in place of the shell's
    }


def reaped(pid: int) -> bool:
    """Collects `pid` if it is an ended child of this process; it stays visible until then."""
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    return False


def choose_port(wanted: int | None, preferred: int | None) -> int:
    """The port asked for, else the preferred one if it is free, else any free one."""
    if wanted is not None:
        if is_free(wanted):
            return wanted
        raise Failure(f"port {wanted} is in use")
    if preferred is not None and is_free(preferred):
        return preferred
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    if preferred is not None:
        say(f"port {preferred} is in use, taking {port}")
    return port


def is_free(port: int) -> bool:
    # A client may look for localhost under its IPv6 address first, so nobody else may answer there either.
    with socket.socket(socket.AF_INET6) as other, contextlib.suppress(OSError):
        other.settimeout(1)
        if other.connect_ex(("::1", port)) == 0:
            return False
    with socket.socket() as ours:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            ours.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def docker_bridge(port: int) -> str | None:
    """This machine's address on Docker's default bridge, if there is one and the port is free there.

    A container reaches nothing else of this machine: `sam local` ignores `--docker-network host`.
    """
    get_interface_address = 0x8915  # SIOCGIFADDR, see netdevice(7)
    with socket.socket() as probe, contextlib.suppress(OSError):
        answer = fcntl.ioctl(probe, get_interface_address, struct.pack("256s", b"docker0"))
        address = socket.inet_ntoa(answer[20:24])
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))
        return address
    return None


def architecture() -> str:
    """The functions run on this machine itself, so they are built for it."""
    return "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"


def no_account() -> dict[str, str]:
    """The environment of this script without what leads to a person's own AWS account."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        **ADMIN,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def run_sam(command: list[str], log: Path, seconds: int, environment: dict[str, str]) -> None:
    """Runs the SAM CLI; shows the end of what it printed only when it fails."""
    tool_path = tools.venv("sam") / "bin"
    environment = environment | {
        "PATH": f"{tool_path}{os.pathsep}{environment['PATH']}",  # sam looks for cargo-lambda there
        "SAM_CLI_TELEMETRY": "0",
    }
    environment.pop("VIRTUAL_ENV", None)
    with log.open("wb") as output:
        sam = subprocess.Popen(
            [str(tool_path / "sam"), *command],
            cwd=tools.ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            code = sam.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"sam {command[0]} took more than {seconds} s\n{tail(log)}") from None
        finally:
            # Whatever ends the wait ends sam, and with it the compiler.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(sam.pid, signal.SIGTERM)
    if code != 0:
        raise Failure(f"sam {command[0]} failed\n{tail(log)}")


def client(service: str, endpoint: str) -> Any:
    """An administrator's client of the emulator."""
    import boto3  # of the emulator's environment, which this file may not run in yet
    from botocore.config import Config

    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=ADMIN["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ADMIN["AWS_SECRET_ACCESS_KEY"],
        config=Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 2}),
    )


def say(text: str) -> None:
    print(text, flush=True)


def tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return "\n".join([f"the end of {log.relative_to(tools.ROOT)}:", *lines[-40:]])


def show_events(stack: Stack, state: State) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        watch.watch(client("sqs", state["endpoint"]), client("sns", state["endpoint"]), state)
    except (BotoCoreError, ClientError) as error:
        if not stack.owns(state["pid"]):
            raise Failure("the stack was stopped") from None
        raise Failure(f"the emulator fails: {error}\n{tail(stack.log)}") from None


@contextlib.contextmanager
def terminal() -> Iterator[None]:
    """Takes Ctrl-C for this script alone, as long as it is in the foreground.

    `make` runs it, and would die of the same Ctrl-C and report an error while the stack is still being stopped.
    """
    group = os.getpgrp()
    try:
        mine = os.tcgetpgrp(0) == group and os.getpid() != group
    except OSError:
        mine = False
    if not mine:
        yield
        return
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # which handing the terminal back would raise
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpgrp())
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.tcsetpgrp(0, group)


def up(stack: Stack, arguments: argparse.Namespace) -> None:
    started = time.monotonic()
    with stack.locked():
        state, _ = stack.up(arguments.port, arguments.rotating)
    where = stack.state_file.relative_to(tools.ROOT)
    say(f"up after {time.monotonic() - started:.0f} s at {state['endpoint']}: see {where}")


def down(stack: Stack, _arguments: argparse.Namespace) -> None:
    with stack.locked():
        say("stopped" if stack.down() else "wasn't running")


def local(stack: Stack, arguments: argparse.Namespace) -> None:
    started = time.monotonic()
    with terminal():
        state, ours = None, False
        try:
            with stack.locked():
                state, ours = stack.up(arguments.port, rotating=False)
            say(f"up after {time.monotonic() - started:.0f} s\n")
            show_events(stack, state)
        except Stopped:
            if not state:
                say("\nstopped")
            elif not ours:
                say("\nthe stack was up before and stays up: `make down` stops it")
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            if state and ours:
                with stack.locked():
                    if stack.state() == state:  # and not a later one
                        stack.down()
                say("\nstopped")


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for run, text in (
        (up, "bring the stack up, or up to date, in the background; writes stack.json"),
        (down, "stop the stack and forget its state"),
        (local, "bring the stack up and show each event until Ctrl-C, which stops it again (or only stops watching, if "
         "the stack was up before)"),
    ):  # fmt: skip
        command = commands.add_parser(run.__name__, help=text, description=text)
        command.set_defaults(run=run)
        command.add_argument(
            "--name",
            default=DEFAULT_NAME,
            type=stack_name,
            help="a stack apart, with its state in .local/NAME/ (default: the one in .local/stack.json)",
        )
        if run is not down:
            command.add_argument(
                "--port", type=int, help=f"fail if it is in use (default: {DEFAULT_PORT} if that is free, else any)"
            )
        if run is up:
            command.add_argument(
                "--rotating",
                action="store_true",
                help="deploy two live credentials, as while a password is being replaced",
            )
    return top


def stack_name(text: str) -> str:
    if not text.replace("-", "").isalnum() or not text.isascii():
        raise argparse.ArgumentTypeError("letters, digits and hyphens only")
    return text


def stop(_number: int, _frame: Any) -> None:
    raise Stopped


def main() -> int:
    arguments = parser().parse_args()
    tools.continue_in("emulator", "sam")
    # A proxy of the person's is for the registries, never for this machine.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "localhost,127.0.0.1"
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        arguments.run(Stack(arguments.name), arguments)
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    except Stopped:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
