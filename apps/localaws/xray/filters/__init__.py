"""X-Ray's filter expressions: text in, a predicate over traces out."""

from localaws.xray.filters.compiling import FilterError, Filters, Predicate, selector

__all__ = ["FilterError", "Filters", "Predicate", "selector"]
