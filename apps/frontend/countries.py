"""Where the shop sends things."""

from __future__ import annotations

# ISO 3166-1 alpha-2 codes.
COUNTRIES = (
    ("AT", "Austria"),
    ("BE", "Belgium"),
    ("CZ", "Czechia"),
    ("DK", "Denmark"),
    ("EE", "Estonia"),
    ("FI", "Finland"),
    ("FR", "France"),
    ("DE", "Germany"),
    ("GR", "Greece"),
    ("IE", "Ireland"),
    ("IT", "Italy"),
    ("LU", "Luxembourg"),
    ("NL", "Netherlands"),
    ("PL", "Poland"),
    ("PT", "Portugal"),
    ("ES", "Spain"),
    ("SE", "Sweden"),
    ("CH", "Switzerland"),
    ("GB", "United Kingdom"),
)
COUNTRY_NAMES = dict(COUNTRIES)
