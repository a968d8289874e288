"""What a document of X-Ray's shape says, in OpenTelemetry's semantic conventions.

Named so that X-Ray makes of a span what it makes of the document. Sources: OpenTelemetry semantic conventions for HTTP,
databases, RPC and exceptions; CloudWatch user guide, "OTLP endpoints"; the AWS X-Ray exporter of the OpenTelemetry
collector for the attributes that begin with `aws.xray`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tracing.fitting import text_of
from tracing.payloads import encode

Document = dict[str, Any]
Attributes = dict[str, Any]

OWN_NAMESPACE: Final = "opentelemetry"
"""The metadata whose keys are names of attributes as they are: what code set on the current span itself."""
_INT64: Final = 1 << 63
# X-Ray takes spans of 200 KB; a character has three bytes of UTF-8 at most, or four and is rare.
_CHARACTERS: Final = 60_000
_HTTP_REQUEST: Final = {
    "method": "http.request.method",
    "url": "url.full",
    "user_agent": "user_agent.original",
    "client_ip": "client.address",
}
_HTTP_RESPONSE: Final = {"status": "http.response.status_code", "content_length": "http.response.body.size"}
_SQL: Final = {"sanitized_query": "db.query.text", "user": "db.user", "url": "db.connection_string"}
# The names of databases as the conventions have them; X-Ray has its own for the same.
_DATABASES: Final = {
    "IBM Db2": "ibm.db2",
    "MariaDB": "mariadb",
    "MySQL": "mysql",
    "Oracle": "oracle.db",
    "PostgreSQL": "postgresql",
    "Redshift": "aws.redshift",
    "SQL Server": "microsoft.sql_server",
    "SQLite": "sqlite",
}
_AWS: Final = {
    "operation": "rpc.method",
    "region": "aws.region",
    "request_id": "aws.request_id",
    "table_name": "aws.table_name",
    "queue_url": "aws.queue_url",
}


def attributes_of(document: Document) -> Attributes:
    """A span's attributes for a segment or subsegment, whose values OTLP can carry all of them.

    Without its metadata where it would be too large with it, which an annotation then tells.
    """
    told = _attributes(document)
    if "metadata" in document and sum(len(value) for value in told.values() if isinstance(value, str)) > _CHARACTERS:
        annotations = {**document.get("annotations", {}), "tracing_trimmed": "metadata"}
        told = _attributes({**document, "metadata": {}, "annotations": annotations})
    return told


def _attributes(document: Document) -> Attributes:
    told: Attributes = {}
    if "http" in document:
        _tell_http(told, document["http"])
    if "sql" in document:
        _tell_sql(told, document["sql"])
    if "aws" in document:
        _tell_aws(told, document)
    if "user" in document:
        told["enduser.id"] = document["user"]
    if "namespace" in document:
        told["peer.service"] = document["name"]
    if "metadata" in document:
        _tell_metadata(told, document["metadata"])
    if "annotations" in document:
        _tell_annotations(told, document["annotations"], is_server="trace_id" in document)
    return {carried_text(key): _carried(value) for key, value in told.items()}


def carried_text(text: str) -> str:
    """Text without half characters: one of them, and protobuf refuses the whole batch of spans."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def exceptions_of(document: Document) -> Iterator[Attributes]:
    """The attributes of an event "exception" for each exception described, the last one raised first."""
    cause = document.get("cause")
    described = cause.get("exceptions", ()) if isinstance(cause, dict) else ()
    for exception in described:
        kind, message = exception.get("type", "Exception"), exception.get("message", "")
        told = {"exception.type": kind, "exception.message": message}
        if exception.get("stack"):
            told["exception.stacktrace"] = _stack_trace(exception["stack"], f"{kind}: {message}")
        yield {key: _carried(value) for key, value in told.items()}


def _tell_http(told: Attributes, http: Mapping[str, Any]) -> None:
    request, response = http.get("request", {}), http.get("response", {})
    told.update((name, request[key]) for key, name in _HTTP_REQUEST.items() if key in request)
    told.update((name, response[key]) for key, name in _HTTP_RESPONSE.items() if key in response)


def _tell_sql(told: Attributes, sql: Mapping[str, Any]) -> None:
    kind = str(sql.get("database_type", ""))
    told["db.system.name"] = _DATABASES.get(kind) or kind.lower() or "other_sql"
    told.update((name, sql[key]) for key, name in _SQL.items() if key in sql)


def _tell_aws(told: Attributes, document: Document) -> None:
    aws = document["aws"]
    if document.get("namespace") == "aws":
        told.update({"rpc.system": "aws-api", "rpc.service": document["name"]})
    told.update((name, aws[key]) for key, name in _AWS.items() if key in aws)
    rule = aws.get("xray", {}).get("sampling_rule_name")
    if rule is not None:
        told["aws.xray.sampling_rule_name"] = rule


def _tell_metadata(told: Attributes, metadata: Mapping[str, Any]) -> None:
    for namespace, values in metadata.items():
        if not isinstance(values, dict):
            told[str(namespace)] = values
            continue
        prefix = "" if namespace == OWN_NAMESPACE else f"{namespace}."
        told.update((f"{prefix}{key}", value) for key, value in values.items())
    command = metadata.get("redis", {}).get("command") if isinstance(metadata.get("redis"), dict) else None
    if command is not None:
        told.update({"db.system.name": "redis", "db.operation.name": command})


def _tell_annotations(told: Attributes, annotations: Mapping[str, Any], *, is_server: bool) -> None:
    told.update(annotations)
    told["aws.xray.annotations"] = list(annotations)
    if not is_server:
        return
    if "http_route" in annotations:
        told["http.route"] = annotations["http_route"]
    if "http_url" in annotations:
        told["url.path"] = annotations["http_url"]
        told["url.scheme"] = str(told.get("url.full", "http")).partition(":")[0]


def _stack_trace(stack: list[Mapping[str, Any]], last_line: str) -> str:
    """As Python prints it, where the last call comes last; documents have it first."""
    frames = [
        f'  File "{frame.get("path")}", line {frame.get("line")}, in {frame.get("label")}' for frame in reversed(stack)
    ]
    return "\n".join(["Traceback (most recent call last):", *frames, last_line])


def _carried(value: Any) -> Any:
    """A value as protobuf can have it: text without half characters, integers of 64 bits, all else as JSON's text."""
    kind = type(value)
    if kind is str:
        return carried_text(value)
    if kind is bool or kind is float or (kind is int and -_INT64 <= value < _INT64):
        return value
    if kind is list and all(isinstance(item, str) for item in value):
        return [_carried(item) for item in value]
    return text_of(value) if isinstance(value, str | int) else encode(value).decode()
