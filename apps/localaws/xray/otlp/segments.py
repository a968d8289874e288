"""One OpenTelemetry span as an X-Ray segment document.

Server spans and spans without a parent are segments, all others subsegments sent apart. Sources: AWS X-Ray developer
guide, "X-Ray segment documents"; OpenTelemetry semantic conventions for HTTP, databases, exceptions and resources.
"""

from __future__ import annotations

import os
import re
from typing import Any, Final

from localaws.xray.otlp.attributes import Attributes

_SERVER, _CLIENT, _PRODUCER = 2, 3, 4
"""SpanKind of OTLP's trace.proto."""
_STATUS_ERROR: Final = 2
_NAME_CHARACTERS: Final = 200
_NOT_IN_NAMES = re.compile(r"[^\w\s.:/%&#=+\\\-@]")
_NOT_IN_KEYS = re.compile(r"[^A-Za-z0-9_.]")
_HTTP: Final = frozenset(
    {"http.method", "http.request.method", "http.url", "url.full", "http.status_code", "http.response.status_code"}
)
_ORIGINS: Final = {
    "aws_app_runner": "AWS::AppRunner::Service",
    "aws_ec2": "AWS::EC2::Instance",
    "aws_ecs": "AWS::ECS::Container",
    "aws_eks": "AWS::EKS::Container",
    "aws_elastic_beanstalk": "AWS::ElasticBeanstalk::Environment",
    "aws_lambda": "AWS::Lambda::Function",
}
_SQL_DATABASES: Final = {
    "db2": "IBM Db2",
    "ibm.db2": "IBM Db2",
    "mariadb": "MariaDB",
    "microsoft.sql_server": "SQL Server",
    "mssql": "SQL Server",
    "mysql": "MySQL",
    "oracle": "Oracle",
    "oracle.db": "Oracle",
    "other_sql": "SQL",
    "postgresql": "PostgreSQL",
    "redshift": "Redshift",
    "sqlite": "SQLite",
}


class Resource:
    """What sends spans: its service's name, and what X-Ray is told of where it runs."""

    def __init__(self, message: Any) -> None:
        """Of OTLP's Resource message."""
        self.attributes = Attributes(message.attributes)
        self.service = self.attributes.text("service.name")
        self.origin = _ORIGINS.get(self.attributes.text("cloud.platform") or "")
        self.metadata = {f"otel.resource.{name}": value for name, value in self.attributes.rest.items()}

    def aws(self) -> dict[str, Any]:
        """The segment's `aws`."""
        text = self.attributes.text
        sdk = {"sdk": f"opentelemetry for {text('telemetry.sdk.language')}"} if text("telemetry.sdk.language") else {}
        ec2 = {"instance_id": text("host.id"), "availability_zone": text("cloud.availability_zone")}
        eks = {"cluster_name": text("k8s.cluster.name"), "pod": text("k8s.pod.name")}
        parts: dict[str, Any] = {"ec2": _given(ec2), "eks": _given(eks), "xray": sdk}
        return _given({"account_id": text("cloud.account.id"), **parts})


def segment(span: Any, resource: Resource) -> dict[str, Any]:
    """The segment document of a span."""
    attributes = Attributes(span.attributes)
    is_segment = span.kind == _SERVER or not span.parent_span_id
    name = (resource.service if is_segment else _remote_name(span, attributes)) or span.name or "span"
    raw_trace_id = span.trace_id.hex()
    told = {
        "id": span.span_id.hex(),
        "trace_id": f"1-{raw_trace_id[:8]}-{raw_trace_id[8:]}",
        "parent_id": span.parent_span_id.hex() or None,
        "name": _NOT_IN_NAMES.sub("", name)[:_NAME_CHARACTERS],
        "start_time": span.start_time_unix_nano / 1e9,
        "end_time": span.end_time_unix_nano / 1e9,
        **(_of_segment(resource) if is_segment else _of_subsegment(span, attributes)),
        **_outcome(span, attributes),
        "http": _http(attributes),
        "sql": _sql(attributes),
        "user": attributes.take("enduser.id"),
        "cause": _cause(span),
    }
    annotations, rest = _annotations(attributes)
    metadata = rest | (resource.metadata if is_segment else {}) | ({"otel.span.name": span.name} if span.name else {})
    return _given({**told, "annotations": annotations, "metadata": {"default": metadata} if metadata else None})


def _of_segment(resource: Resource) -> dict[str, Any]:
    return {"origin": resource.origin, "aws": resource.aws()}


def _of_subsegment(span: Any, attributes: Attributes) -> dict[str, Any]:
    is_remote = span.kind in (_CLIENT, _PRODUCER)
    namespace = "aws" if _is_aws(attributes) else "remote"
    aws = {
        "operation": attributes.take("aws.operation", "rpc.method"),
        "region": attributes.take("aws.region", "cloud.region"),
        "request_id": attributes.take("aws.request_id", "aws.requestId"),
        "table_name": attributes.take("aws.table_name", "aws.table.name"),
        "queue_url": attributes.take("aws.queue_url", "aws.queue.url", "aws.sqs.queue.url"),
    }
    told = {"namespace": namespace if is_remote else None, "aws": _given(aws) if _is_aws(attributes) else None}
    return {"type": "subsegment", **told}


def _is_aws(attributes: Attributes) -> bool:
    return attributes.text("rpc.system", "rpc.system.name") in ("aws-api", "aws_api")


def _remote_name(span: Any, attributes: Attributes) -> str | None:
    """What a call is named after: the callee, as far as the span tells one."""
    if span.kind not in (_CLIENT, _PRODUCER):
        return None
    database, host = attributes.text("db.namespace", "db.name"), attributes.text("server.address", "net.peer.name")
    system = attributes.text("db.system.name", "db.system")
    return (
        attributes.text("peer.service", "aws.remote.service")
        or (attributes.text("rpc.service", "aws.service") if _is_aws(attributes) else None)
        or (f"{database}@{host}" if system and database and host else system)
        or attributes.text("rpc.service")
        or host
    )


def _outcome(span: Any, attributes: Attributes) -> dict[str, Any]:
    """X-Ray's flags: 4xx is an error and 429 throttled, 5xx a fault; a failed span is one without a status."""
    status = attributes.rest.get("http.response.status_code", attributes.rest.get("http.status_code"))
    code = status if isinstance(status, int) else 0
    if 400 <= code < 500:
        return {"error": True, "throttle": code == 429 or None}
    return {"fault": True} if code >= 500 or span.status.code == _STATUS_ERROR else {}


def _http(attributes: Attributes) -> dict[str, Any] | None:
    if not _HTTP & attributes.rest.keys():
        return None
    request = {
        "method": attributes.take("http.request.method", "http.method"),
        "url": _url(attributes),
        "user_agent": attributes.take("user_agent.original", "http.user_agent"),
        "client_ip": attributes.take("client.address", "http.client_ip"),
    }
    response = {
        "status": attributes.take("http.response.status_code", "http.status_code"),
        "content_length": attributes.take("http.response.body.size", "http.response_content_length"),
    }
    return _given({"request": _given(request), "response": _given(response)})


def _url(attributes: Attributes) -> str | None:
    """The whole URL, put together where the span has it in parts."""
    full = attributes.take("url.full", "http.url")
    scheme = attributes.take("url.scheme", "http.scheme") or "http"
    host = attributes.take("server.address", "http.host", "net.host.name", "net.peer.name")
    port = attributes.take("server.port", "net.host.port", "net.peer.port")
    path, query = attributes.take("url.path", "http.target") or "/", attributes.take("url.query")
    if full is not None or host is None:
        return None if full is None else str(full)
    authority = f"{host}:{port}" if port and ":" not in str(host) else host
    return f"{scheme}://{authority}{path}" + (f"?{query}" if query else "")


def _sql(attributes: Attributes) -> dict[str, Any] | None:
    system = attributes.text("db.system.name", "db.system")
    if system not in _SQL_DATABASES:
        return None
    attributes.take("db.system.name", "db.system")
    return _given(
        {
            "database_type": _SQL_DATABASES[system],
            "sanitized_query": attributes.take("db.query.text", "db.statement"),
            "user": attributes.take("db.user"),
            "url": attributes.take("db.connection_string"),
        }
    )


def _cause(span: Any) -> dict[str, Any] | None:
    """The exceptions of a span's events, or else the message of its failure."""
    thrown = [_exception(Attributes(event.attributes)) for event in span.events if event.name == "exception"]
    if not thrown and span.status.code == _STATUS_ERROR and span.status.message:
        thrown = [{"id": os.urandom(8).hex(), "message": span.status.message}]
    return {"exceptions": thrown} if thrown else None


def _exception(attributes: Attributes) -> dict[str, Any]:
    text = attributes.text
    return _given(
        {"id": os.urandom(8).hex(), "type": text("exception.type"), "message": text("exception.message") or ""}
    )


def _annotations(attributes: Attributes) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Annotations, which the attribute aws.xray.annotations names, and all other attributes."""
    named = attributes.take("aws.xray.annotations")
    keys = named if isinstance(named, list) else []
    scalars = {key: value for key in keys if isinstance(value := attributes.rest.get(key), str | int | float)}
    annotations = {_NOT_IN_KEYS.sub("_", key): value for key, value in scalars.items()}
    return annotations or None, {key: value for key, value in attributes.rest.items() if key not in scalars}


def _given(members: dict[str, Any]) -> dict[str, Any]:
    """The members that have a value."""
    return {name: value for name, value in members.items() if value is not None and value != {}}
