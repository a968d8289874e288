"""The operations on OIDC providers that moto lacks."""

from __future__ import annotations

from typing import Any

from localaws.iam import Iam
from localaws.service import Request, Service, ServiceError

# IAM quotas: "Client IDs per OIDC provider".
_MAXIMUM_CLIENT_IDS = 100


def create_service(iam: Iam) -> Service:
    """The part of IAM that is answered here; moto has the rest."""

    def add(request: Request) -> dict[str, Any]:
        with iam.provider(request.parameters["OpenIDConnectProviderArn"]) as provider:
            client_ids, wanted = list(provider.client_id_list or ()), request.parameters["ClientID"]
            if wanted not in client_ids and len(client_ids) >= _MAXIMUM_CLIENT_IDS:
                message = f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {_MAXIMUM_CLIENT_IDS}"
                raise ServiceError("LimitExceeded", message, 409)
            provider.client_id_list = [*client_ids, wanted] if wanted not in client_ids else client_ids
        return {}

    def remove(request: Request) -> dict[str, Any]:
        with iam.provider(request.parameters["OpenIDConnectProviderArn"]) as provider:
            unwanted = request.parameters["ClientID"]
            provider.client_id_list = [item for item in provider.client_id_list or () if item != unwanted]
        return {}

    operations = {"AddClientIDToOpenIDConnectProvider": add, "RemoveClientIDFromOpenIDConnectProvider": remove}
    return Service("iam", operations, iam.dump)
