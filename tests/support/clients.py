"""boto3 clients of the account that a test works on."""

from __future__ import annotations

from typing import Any

import boto3


class Clients:
    """boto3 clients, one a service, made when first asked for: `clients.eks`. To be closed at the end.

    `options` are those of boto3.client; without any, the environment tells the account.
    """

    def __init__(self, **options: str) -> None:
        self._options = options
        self._clients: dict[str, Any] = {}

    def __getattr__(self, service: str) -> Any:
        if service not in self._clients:
            make: Any = boto3.client  # its stubs want the service's name as a literal
            self._clients[service] = make(service, **self._options)
        return self._clients[service]

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
