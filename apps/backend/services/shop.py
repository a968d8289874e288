"""What the services share: one object per process, made in the factory."""

from __future__ import annotations

from dataclasses import dataclass

from serving.events import SecurityEvents
from serving.keys import KeyRing

from backend import cache, database
from backend.cache import RedisGate, ResponseCache
from backend.counters import CacheCounters
from backend.database import Database
from backend.flights import Flights
from backend.hotcache import HotCache
from backend.limits import RateLimits
from backend.passwords import Passwords
from backend.refills import Refills
from backend.security import security_events
from backend.settings import Settings
from backend.terms import SearchTerms
from backend.tokens import Tokens

# Beside those of the server's threads: of those that refuse slow clients, and of our own.
_OWN_CONNECTIONS = 4


@dataclass(frozen=True, slots=True)
class Shop:
    """The ways to the database and to Redis, and the tools built on them."""

    settings: Settings
    database: Database
    gate: RedisGate
    cache: ResponseCache
    flights: Flights[bytes]
    refills: Refills
    hot: HotCache
    counters: CacheCounters
    events: SecurityEvents
    terms: SearchTerms
    limits: RateLimits
    tokens: Tokens
    passwords: Passwords

    def prepare(self) -> None:
        """Lets Redis know the scripts, so that no request is the first to be told that it does not."""
        self.cache.prepare()
        self.refills.prepare()
        self.terms.prepare()

    def close(self) -> None:
        """Gives the connections back."""
        self.database.reader.dispose()
        self.gate.client.close()


def open_shop(settings: Settings) -> Shop:
    """Connects nothing yet: connections are made when they are needed."""
    connections = settings.threads + _OWN_CONNECTIONS
    gate = RedisGate(cache.connect(settings.redis_url, connections, settings.redis_answer_seconds))
    events = security_events(settings)
    return Shop(
        settings=settings,
        database=database.connect(settings.database_url, settings.database_pool, settings.statement_seconds),
        gate=gate,
        cache=ResponseCache(gate),
        flights=Flights(2 * settings.cache_refill_seconds),
        refills=Refills(gate, settings.cache_refill_seconds),
        hot=HotCache(settings.hot_cache_bytes),
        counters=CacheCounters(gate),
        events=events,
        limits=RateLimits(gate, settings, events),
        terms=SearchTerms(gate),
        tokens=Tokens(KeyRing(settings.token_key_file), settings.token_seconds),
        passwords=Passwords(settings.argon2_memory_kib, settings.argon2_passes),
    )
