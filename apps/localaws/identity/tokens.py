"""Keeps service accounts' tokens in files and renews them, as kubelet does for pods."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from localaws.identity.issuer import TOKEN_LIFETIME_SECONDS, Issuer, write_secret
from localaws.seed import ProjectedToken

_LOG = logging.getLogger(__name__)
_LOOK_EVERY_SECONDS = 5.0
# Kubelet renews a token once 80 % of its lifetime are over (KEP-1205).
_RENEW_AFTER_SECONDS = 0.8 * TOKEN_LIFETIME_SECONDS


@dataclass(slots=True)
class _Kept:
    issuer: Issuer
    projected: ProjectedToken
    written_at: float = float("-inf")


class TokenKeeper:
    """A thread that sees to it that each file is there and its token is fresh."""

    def __init__(self, tokens: Sequence[tuple[Issuer, ProjectedToken]], clock: Callable[[], float]) -> None:
        self._kept = [_Kept(issuer, projected) for issuer, projected in tokens]
        self._clock = clock
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tokens", daemon=True)

    def start(self) -> None:
        """Writes every token, then keeps them. Raises OSError when one cannot be written."""
        for kept in self._kept:
            self._write(kept)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread; the files stay."""
        self._stopped.set()
        self._thread.join()

    def renew_where_needed(self) -> None:
        """Writes the tokens which are missing or old."""
        for kept in self._kept:
            if not kept.projected.path.exists() or self._clock() - kept.written_at > _RENEW_AFTER_SECONDS:
                try:
                    self._write(kept)
                except OSError as error:
                    _LOG.warning("cannot write the token %s: %s", kept.projected.path, error)

    def _run(self) -> None:
        while not self._stopped.wait(_LOOK_EVERY_SECONDS):
            self.renew_where_needed()

    def _write(self, kept: _Kept) -> None:
        now_seconds, projected = self._clock(), kept.projected
        token = kept.issuer.token(projected.namespace, projected.service_account, now_seconds)
        write_secret(projected.path, token.encode())
        kept.written_at = now_seconds
