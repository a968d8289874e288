"""Signs requests to X-Ray's OTLP endpoint. Source: IAM user guide, "AWS Signature Version 4 for API requests"."""

from __future__ import annotations

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import NoCredentialsError
from requests import PreparedRequest
from requests.auth import AuthBase

_SERVICE = "xray"


class SigV4(AuthBase):
    """Signs with what botocore's default chain finds: variables, a web identity, a container's endpoint, a node's role.

    Credentials are looked for with the first request, and refreshed where they expire.
    """

    def __init__(self, region: str, session: botocore.session.Session | None = None) -> None:
        self._region = region
        self._session = session or botocore.session.Session()

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Adds the headers of a signature. Raises botocore's errors where there are no credentials."""
        credentials = self._session.get_credentials()
        if credentials is None:
            raise NoCredentialsError
        signed = AWSRequest(
            request.method,
            request.url,
            headers={name: value for name, value in request.headers.items() if name.lower().startswith("content-")},
            data=request.body,
        )
        SigV4Auth(credentials.get_frozen_credentials(), _SERVICE, self._region).add_auth(signed)
        request.headers.update(signed.headers.items())
        return request
