"""Writes what `sam local` takes for a deployed stack: a template, and each function's environment variables.

The built template won't do. `sam local` can't resolve a reference to a deployed resource, and it prefers the shell's
variables to the template's. It passes on only variables that the template declares, and `AWS_ENDPOINT_URL` isn't one.
"""

import json
import secrets

from emulator import REGION, client
from state import Files, State, write_private


def write(files: Files, state: State) -> None:
    import yaml  # installed in the emulator's environment only

    template = yaml.safe_load((files.build_dir / "template.yaml").read_text())
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
        properties["CodeUri"] = str(files.build_dir / properties["CodeUri"])
        properties["Environment"] = {"Variables": dict.fromkeys(variables[function], "")}
    files.sam_local.mkdir(exist_ok=True)
    write_private(files.sam_local / "template.json", template)
    write_private(files.sam_local / "env.json", variables)


def access_key_of_role(role_arn: str, endpoint: str) -> dict[str, str]:
    """Credentials with the permissions of a function's role. Unlike a session of the role, they don't expire.

    The emulator takes a user under this path for the role: patches/access.py.
    """
    iam = client("iam", endpoint)
    role, user = role_arn.rsplit("/", 1)[-1], f"sam-local-{secrets.token_hex(8)}"
    iam.create_user(UserName=user, Path=f"/sam-local/{role}/")
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        iam.put_user_policy(UserName=user, PolicyName=policy, PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    return {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_SESSION_TOKEN": "",  # overrides the shell's
    }
