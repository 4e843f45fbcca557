"""Reads secrets as a task does: questions as JSON on stdin, answers as JSON on stdout."""

import base64
import json
import os
import sys

import flytekit
from flytekit.core.context_manager import ExecutionState, FlyteContextManager


def read(question):
    secrets = flytekit.current_context().secrets
    name = (question["group"], question["key"], question["groupVersion"] or None)
    path = secrets.get_secrets_file(*name)
    answer = {"value": secrets.get(name[0], name[1], group_version=name[2]), "path": path, "file": None}
    if os.path.exists(path):
        with open(path, "rb") as file:
            answer["file"] = base64.b64encode(file.read()).decode()
    if question["envVar"]:
        answer["variable"] = os.environ.get(question["envVar"])
    return answer


# In a local run flytekit would also look for variables without the prefix.
context = FlyteContextManager.current_context()
task = ExecutionState.Mode.TASK_EXECUTION
state = context.new_execution_state().with_params(mode=task, user_space_params=context.user_space_params)
with FlyteContextManager.with_context(context.with_execution_state(state)):
    json.dump([read(question) for question in json.load(sys.stdin)], sys.stdout)
