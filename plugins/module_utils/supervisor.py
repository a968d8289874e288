# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Talks to one supervisord by its socket: definitions on disk, states and actions over its XML-RPC API."""

from __future__ import annotations

import http.client
import pwd
import re
import shlex
import socket
import xmlrpc.client
from pathlib import Path
from typing import Any

STOPPED, STARTING, RUNNING, BACKOFF, EXITED, FATAL = "STOPPED", "STARTING", "RUNNING", "BACKOFF", "EXITED", "FATAL"
SOCKET_PATH_LIMIT_BYTES = 104  # sun_path of unix(7) holds 108 with its end; supervisord adds a suffix while it starts

_SUPERVISORD = """\
[unix_http_server]
file = {directory}/supervisor.sock
chmod = 0700

[supervisord]
logfile = {directory}/supervisord.log
pidfile = {directory}/supervisord.pid
childlogdir = {directory}/logs
directory = {directory}
{account}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[include]
files = conf.d/*.conf
"""

# autostart is off so that a supervisor which comes back starts nothing by itself: a run decides what runs.
_PROGRAM = """\
{port}[program:{name}]
command = {command}
directory = {working_directory}
environment = {environment}
autostart = false
autorestart = true
startsecs = 1
startretries = 2
stopsignal = {stop_signal}
stopwaitsecs = {stop_seconds}
killasgroup = true
redirect_stderr = true
stdout_logfile = {log_file}
stdout_logfile_maxbytes = 10MB
stdout_logfile_backups = 1
"""

_PORT_LINE = "; port "
_UNWRITABLE = re.compile(r"[\r\n]|\s[;#]")


class SupervisorError(Exception):
    """What the supervisor or one of its processes refused, in words for the user."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = _UnixConnection(self._path)
        self._connection = host, connection  # what close() closes
        return connection


class Supervisor:
    """The supervisord whose files lie in one directory.

    conf.d/NAME.conf is a process' definition, logs/NAME.log what it printed, supervisor.sock the way in.
    """

    def __init__(self, directory: str) -> None:
        self.directory = Path(directory)
        self.config = self.directory / "supervisord.conf"
        self._socket = str(self.directory / "supervisor.sock")

    def states(self) -> dict[str, str] | None:
        """Each known process' state by name; None where no supervisor answers."""
        try:
            return {info["name"]: info["statename"] for info in self._ask("getAllProcessInfo")}
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return None

    def process_id(self) -> int:
        return int(self._call("getPID"))

    def definition(self, name: str) -> str | None:
        """The text of a process' definition, None where it has none."""
        path = self._definition_path(name)
        return path.read_text() if path.is_file() else None

    def definitions(self) -> list[str]:
        return sorted(path.stem for path in (self.directory / "conf.d").glob("*.conf"))

    def write_definition(self, name: str, text: str) -> None:
        """Replaces a definition in one step; others may not read it, for its environment can be private."""
        path = self._definition_path(name)
        draft = path.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(text)
        draft.replace(path)

    def remove_definition(self, name: str) -> None:
        self._definition_path(name).unlink(missing_ok=True)

    def adopt(self, name: str) -> None:
        """Makes the supervisor follow the definition on disk: a changed or removed one ends what ran by the old."""
        _added, changed, removed = self._call("reloadConfig")[0]
        known = self.states() or {}
        if name in known and (name in changed or name in removed):
            self._call("stopProcessGroup", name)
            self._call("removeProcessGroup", name)
            known.pop(name)
        if name not in known and self.definition(name) is not None:
            self._call("addProcessGroup", name)

    def start(self, name: str) -> None:
        self._call("startProcess", name, False)

    def stop(self, name: str) -> None:
        """Ends a process, and is content with one that has ended."""
        self._call("stopProcessGroup", name)

    def shutdown(self) -> None:
        """Ends every process, then the supervisor."""
        self._call("stopAllProcesses")
        self._call("shutdown")

    def log_tail(self, name: str, lines: int = 12) -> str:
        """The last lines a process printed."""
        path = self.log_file(name)
        if not path.is_file():
            return ""
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])

    def log_file(self, name: str) -> Path:
        return self.directory / "logs" / f"{name}.log"

    def _definition_path(self, name: str) -> Path:
        return self.directory / "conf.d" / f"{name}.conf"

    def _call(self, method: str, *arguments: Any) -> Any:
        try:
            return self._ask(method, *arguments)
        except xmlrpc.client.Fault as fault:
            raise SupervisorError(
                f"the supervisor refused {method} {' '.join(map(str, arguments))}: {fault}"
            ) from fault

    def _ask(self, method: str, *arguments: Any) -> Any:
        with xmlrpc.client.ServerProxy("http://localhost", transport=_UnixTransport(self._socket)) as api:
            return getattr(api.supervisor, method)(*arguments)


def render_supervisord(directory: str, *, as_root: bool) -> str:
    """supervisord.conf for a directory. Root is named as the account, or supervisord complains of it."""
    return _SUPERVISORD.format(directory=_escape(directory), account="user = root\n" if as_root else "")


def render_program(process: dict[str, Any], log_file: Path) -> str:
    """A process as supervisord's configuration.

    `setpriv --pdeathsig` ends the process with its supervisor, so that even a killed one leaves no orphan on a port.
    """
    account = _account(process["user"]) if process["user"] else []
    command = ["setpriv", "--pdeathsig", process["stop_signal"], *account, "--", *process["command"]]
    environment = ",".join(f"{key}={_quoted(key, value)}" for key, value in sorted(process["environment"].items()))
    return _PROGRAM.format(
        port=f"{_PORT_LINE}{process['port']}\n" if process["port"] else "",
        name=process["name"],
        command=_escape(shlex.join(command)),
        working_directory=_escape(process["working_directory"]),
        environment=environment,
        stop_signal=process["stop_signal"],
        stop_seconds=process["stop_seconds"],
        log_file=_escape(_escape(str(log_file))),  # which supervisord expands twice
    )


def may_hold_port(definition: str, port: int) -> bool:
    """Whether what runs by a definition may be what listens on a port: one that names no port may hold any."""
    first, _newline, _rest = definition.partition("\n")
    return not first.startswith(_PORT_LINE) or first == f"{_PORT_LINE}{port}"


def _account(user: str) -> list[str]:
    try:
        group = pwd.getpwnam(user).pw_gid
    except KeyError as error:
        raise SupervisorError(f"processes[].user names no account of this machine: {user}") from error
    return ["--reuid", user, "--regid", str(group), "--clear-groups"]


def _escape(text: str) -> str:
    """Supervisord expands % in its values and takes ; and # after a space for the start of a comment."""
    if _UNWRITABLE.search(text):
        raise SupervisorError(
            f"a line break, or ; or # after a space, cannot stand in a process' definition: {text!r} - "
            "let the program read it from a file"
        )
    return text.replace("%", "%%")


def _quoted(name: str, value: str) -> str:
    """Supervisord reads environment values with a lexer that knows both quotes and no escapes, and strips quotes."""
    if ('"' in value and "'" in value) or value.strip("'\"") != value:
        raise SupervisorError(
            f"the value of {name} cannot be given to the program: it holds both kinds of quotes, or begins or ends "
            "with one - let the program read it from a file"
        )
    mark = "'" if '"' in value else '"'
    return f"{mark}{_escape(value)}{mark}"
