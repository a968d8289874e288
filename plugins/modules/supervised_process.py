#!/usr/bin/python
# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: supervised_process
short_description: Run programs under a supervisor of one's own
version_added: 0.1.0
author: The deepobs.eks maintainers (@deepobs)
description:
  - Runs long-lived programs on a machine without root, a container engine or a cluster, as a Deployment does on
    Kubernetes. They are started, restarted when they fail, and stopped by a C(supervisord) that this module starts
    itself and whose files all lie in O(directory).
  - A process is restarted when its definition changed, so name in O(processes[].revision) what else should restart it,
    such as a digest of its code.
  - A process counts as there once O(processes[].ready_url) or O(processes[].port) answers. One that ends before or
    answers too late fails the task with the last lines it printed.
  - Everything the supervisor runs ends with it, also when it is killed.
requirements:
  - supervisord (the C(supervisor) package), named by O(supervisord)
  - setpriv (util-linux)
options:
  directory:
    description:
      - Where the definitions, logs and the socket of the supervisor lie. Made when missing.
      - At most 80 characters long, for the path of a socket is limited to about 100.
    type: path
    required: true
  supervisord:
    description: The supervisord program. Required with O(state=present) and O(state=restarted).
    type: path
  processes:
    description: The processes that O(state) is about. With none, O(state=present) starts just the supervisor.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The process' name, of lower-case letters, digits and hyphens. No two have the same.
        type: str
        required: true
      command:
        description: The program and its arguments. Required unless the process goes away.
        type: list
        elements: str
        default: []
      environment:
        description:
          - Variables added to the supervisor's own environment.
          - A value may hold one kind of quotes, but neither begin nor end with one.
        type: dict
        default: {}
      working_directory:
        description: Where the program starts. By default the root folder.
        type: path
        default: /
      user:
        description: The account, with its primary group, to run as. Only root may name one.
        type: str
      port:
        description:
          - The TCP port on 127.0.0.1 that the program listens on.
          - When another program holds it, the task fails before anything is started, stopped or written.
        type: int
      port_variable:
        description: The variable to name in the message when the port is taken.
        type: str
        default: processes[].port
      ready_url:
        description:
          - Answers below 400 once the program is ready.
          - Without it, a connection to O(processes[].port) is enough; without both, to run for a second.
        type: str
      ready_timeout_seconds:
        description: How long the program may take until it is ready.
        type: int
        default: 30
      revision:
        description: Any text. When it differs from the last run's, the process is restarted.
        type: str
        default: ''
      stop_signal:
        description: What asks the program to end.
        type: str
        choices: [TERM, INT, QUIT]
        default: TERM
      stop_seconds:
        description: How long the program may take to end before it is killed.
        type: int
        default: 10
  reserved_ports:
    description:
      - Ports on 127.0.0.1 that later tasks will need, so that a taken one stops the playbook before its first change.
      - A port is fine when nothing listens on it, or the named process of this supervisor runs on it.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The process that will listen on the port.
        type: str
        required: true
      port:
        description: The port.
        type: int
        required: true
      port_variable:
        description: The variable to name in the message when the port is taken.
        type: str
        required: true
  state:
    description:
      - V(present) - the processes are defined as given, running and ready.
      - V(restarted) - as V(present), and each is stopped first.
      - V(absent) - the named processes are stopped and forgotten.
      - V(shutdown) - every process and the supervisor are stopped, and all definitions forgotten.
    type: str
    choices: [present, restarted, absent, shutdown]
    default: present
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed, or would change in check mode.
    support: full
"""

EXAMPLES = r"""
- name: Run the API
  deepobs.eks.supervised_process:
    directory: /var/lib/shop/processes
    supervisord: /opt/shop/bin/supervisord
    processes:
      - name: api
        command: [/opt/shop/bin/python, -m, backend]
        environment:
          BACKEND_PORT: "4000"
        port: 4000
        ready_url: http://127.0.0.1:4000/ready

- name: Stop everything
  deepobs.eks.supervised_process:
    directory: /var/lib/shop/processes
    state: shutdown
"""

RETURN = r"""
processes:
  description: The processes the task was about, by name, as they are now or would be.
  returned: always
  type: dict
  sample:
    api: RUNNING
"""

import os
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.deepobs.eks.plugins.module_utils.processes import (
    check_ports,
    end_supervisor,
    ensure_supervisor,
    start,
    wait_until_ready,
)
from ansible_collections.deepobs.eks.plugins.module_utils.supervisor import (
    BACKOFF,
    RUNNING,
    SOCKET_PATH_LIMIT_BYTES,
    STARTING,
    STOPPED,
    Supervisor,
    SupervisorError,
    may_hold_port,
    render_program,
    render_supervisord,
)

_ABSENT = "ABSENT"
_NAME = re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True)
class Observed:
    """What is: definitions on disk, states in the supervisor (None where it does not run), its configuration.

    What is starting counts as running: a program that answers is called so by supervisord only after a second.
    """

    config: str | None
    definitions: dict[str, str]
    states: dict[str, str] | None


@dataclass(frozen=True)
class Plan:
    """What must happen: to the supervisor itself, and to each process by name."""

    configure: bool
    start_supervisor: bool
    shutdown: bool
    define: list[str]
    start: list[str]
    stop: list[str]
    remove: list[str]

    @property
    def changes(self) -> bool:
        return any(vars(self).values())


def observe(supervisor: Supervisor) -> Observed:
    """Reads the supervisor's directory and, where it runs, its states."""
    config = supervisor.config.read_text() if supervisor.config.is_file() else None
    definitions = {name: supervisor.definition(name) or "" for name in supervisor.definitions()}
    states = supervisor.states()
    if states is not None:
        states = {name: RUNNING if state == STARTING else state for name, state in states.items()}
    return Observed(config=config, definitions=definitions, states=states)


def plan_present(observed: Observed, config: str, wanted: dict[str, str], *, restart: bool) -> Plan:
    """Defines what differs and starts what does not run. A changed definition ends what runs by the old one."""
    states = observed.states or {}
    define = [name for name, text in wanted.items() if observed.definitions.get(name) != text]
    start = [name for name in wanted if restart or name in define or states.get(name) != RUNNING]
    stop = [name for name in start if states.get(name) in (RUNNING, BACKOFF)]
    return Plan(
        configure=observed.config != config,
        start_supervisor=observed.states is None,
        shutdown=False,
        define=define,
        start=start,
        stop=stop,
        remove=[],
    )


def plan_absent(observed: Observed, names: list[str], *, shutdown: bool) -> Plan:
    """Forgets the named processes; with shutdown all of them, and the supervisor ends."""
    known = set(observed.definitions) | set(observed.states or {})
    remove = sorted(known if shutdown else known & set(names))
    running = shutdown and observed.states is not None
    return Plan(configure=False, start_supervisor=False, shutdown=running, define=[], start=[], stop=[], remove=remove)


def planned_states(observed: Observed, plan: Plan, names: list[str]) -> dict[str, str]:
    """The state of each process once the plan is done."""
    states = {name: (observed.states or {}).get(name, _ABSENT) for name in names}
    return {name: RUNNING if name in plan.start else _ABSENT if name in plan.remove else states[name] for name in names}


def describe(observed: Observed, plan: Plan, wanted: dict[str, str], names: list[str]) -> dict[str, Any]:
    """The difference a user sees: states before and after, and the definitions that change."""
    before_states = {name: (observed.states or {}).get(name, _ABSENT) for name in names}
    changed = plan.define + plan.remove
    return {
        "before": {
            "supervisor": STOPPED if observed.states is None else RUNNING,
            "processes": before_states,
            "definitions": {name: observed.definitions[name] for name in changed if name in observed.definitions},
        },
        "after": {
            "supervisor": STOPPED if plan.shutdown or _stays_down(observed, plan) else RUNNING,
            "processes": planned_states(observed, plan, names),
            "definitions": {name: wanted[name] for name in plan.define},
        },
    }


def _stays_down(observed: Observed, plan: Plan) -> bool:
    return observed.states is None and not plan.start_supervisor


def apply_present(supervisor: Supervisor, plan: Plan, config: str, wanted: dict[str, str], supervisord: str) -> None:
    """Carries a plan of plan_present out but for the starting.

    What runs by an old definition ends before the new one is written, so that a run which is cut short leaves nothing
    that the next one would take for the new one.
    """
    if plan.configure or plan.start_supervisor:
        ensure_supervisor(supervisor, config, supervisord)
    for name in plan.stop:
        supervisor.stop(name)
    for name in plan.define:
        supervisor.write_definition(name, wanted[name])
    for name in wanted:
        supervisor.adopt(name)


def apply_absent(supervisor: Supervisor, plan: Plan) -> None:
    """Carries a plan of plan_absent out; definitions go first, so that nothing comes back."""
    for name in plan.remove:
        supervisor.remove_definition(name)
    if plan.shutdown:
        end_supervisor(supervisor)
    elif supervisor.states() is not None:
        for name in plan.remove:
            supervisor.adopt(name)


def ensure_present(module: AnsibleModule, supervisor: Supervisor, *, restart: bool) -> dict[str, Any]:
    """The processes of the parameters run as they are given. Returns what exit_json takes."""
    _check_processes(module.params["processes"])
    processes = {process["name"]: process for process in module.params["processes"]}
    config = render_supervisord(module.params["directory"], as_root=os.geteuid() == 0)
    wanted = {
        name: render_program(_with_revision(process), supervisor.log_file(name)) for name, process in processes.items()
    }
    observed = observe(supervisor)
    plan = plan_present(observed, config, wanted, restart=restart)
    starting = [processes[name] for name in plan.start]
    check_ports(others_ports(observed, starting + module.params["reserved_ports"]))
    if not module.check_mode:
        if plan.changes:
            apply_present(supervisor, plan, config, wanted, module.params["supervisord"])
        _run_all(supervisor, plan, list(processes.values()))
    return _result(observed, plan, wanted, list(processes))


def others_ports(observed: Observed, needed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of the processes and their ports those which, if something listens there, are taken by somebody else."""
    states = observed.states or {}
    own = {name: text for name, text in observed.definitions.items() if states.get(name) == RUNNING}
    return [
        entry for entry in needed if entry["name"] not in own or not may_hold_port(own[entry["name"]], entry["port"])
    ]


def _run_all(supervisor: Supervisor, plan: Plan, processes: list[dict[str, Any]]) -> None:
    """One after the other, for the later ones may need the earlier ones."""
    for process in processes:
        if process["name"] in plan.start:
            start(supervisor, process)
        wait_until_ready(supervisor, process)


def ensure_absent(module: AnsibleModule, supervisor: Supervisor, *, shutdown: bool) -> dict[str, Any]:
    """The named processes, or all and the supervisor, are gone. Returns what exit_json takes."""
    names = [process["name"] for process in module.params["processes"]]
    observed = observe(supervisor)
    plan = plan_absent(observed, names, shutdown=shutdown)
    if plan.changes and not module.check_mode:
        apply_absent(supervisor, plan)
    return _result(observed, plan, {}, plan.remove or names)


def _result(observed: Observed, plan: Plan, wanted: dict[str, str], names: list[str]) -> dict[str, Any]:
    return {
        "changed": plan.changes,
        "diff": describe(observed, plan, wanted, names),
        "processes": planned_states(observed, plan, names),
    }


def run(module: AnsibleModule) -> dict[str, Any]:
    """Does what O(state) asks for."""
    _check_directory(module.params["directory"])
    _check_names(module.params["processes"])
    supervisor, state = Supervisor(module.params["directory"]), module.params["state"]
    if state in ("absent", "shutdown"):
        return ensure_absent(module, supervisor, shutdown=state == "shutdown")
    return ensure_present(module, supervisor, restart=state == "restarted")


def _with_revision(process: dict[str, Any]) -> dict[str, Any]:
    environment = {key: str(value) for key, value in process["environment"].items()}
    return {**process, "environment": {**environment, "DEEPOBS_REVISION": process["revision"]}}


def _check_directory(directory: str) -> None:
    if len(os.fsencode(directory)) + len("/supervisor.sock") + 8 > SOCKET_PATH_LIMIT_BYTES:
        raise SupervisorError(
            f"directory is too long for a socket in it: {directory} - choose one of at most 80 characters"
        )


def _check_names(processes: list[dict[str, Any]]) -> None:
    for name, count in Counter(process["name"] for process in processes).items():
        if not _NAME.fullmatch(name):
            raise SupervisorError(
                f"processes[].name must be of lower-case letters, digits and hyphens, not {name!r}: choose another"
            )
        if count > 1:
            raise SupervisorError(f"processes[].name {name!r} is there {count} times: give each process its own")


def _check_processes(processes: list[dict[str, Any]]) -> None:
    for process in processes:
        name, url = process["name"], process["ready_url"]
        if not process["command"]:
            raise SupervisorError(f"processes[].command of {name} is empty: give its program and arguments")
        if url and not url.startswith(("http://", "https://")):
            raise SupervisorError(
                f"processes[].ready_url of {name} is no URL: {url!r} - begin it with http:// or https://"
            )


def argument_spec() -> dict[str, Any]:
    process = {
        "name": {"type": "str", "required": True},
        "command": {"type": "list", "elements": "str", "default": []},
        "environment": {"type": "dict", "default": {}},
        "working_directory": {"type": "path", "default": "/"},
        "user": {"type": "str"},
        "port": {"type": "int"},
        "port_variable": {"type": "str", "default": "processes[].port"},
        "ready_url": {"type": "str"},
        "ready_timeout_seconds": {"type": "int", "default": 30},
        "revision": {"type": "str", "default": ""},
        "stop_signal": {"type": "str", "choices": ["TERM", "INT", "QUIT"], "default": "TERM"},
        "stop_seconds": {"type": "int", "default": 10},
    }
    reserved_port = {
        "name": {"type": "str", "required": True},
        "port": {"type": "int", "required": True},
        "port_variable": {"type": "str", "required": True},
    }
    return {
        "directory": {"type": "path", "required": True},
        "supervisord": {"type": "path"},
        "processes": {"type": "list", "elements": "dict", "default": [], "options": process},
        "reserved_ports": {"type": "list", "elements": "dict", "default": [], "options": reserved_port},
        "state": {"type": "str", "choices": ["present", "restarted", "absent", "shutdown"], "default": "present"},
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(),
        required_if=[
            ("state", "present", ["supervisord"]),
            ("state", "restarted", ["supervisord"]),
        ],
        supports_check_mode=True,
    )
    try:
        result = run(module)
    except (SupervisorError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
