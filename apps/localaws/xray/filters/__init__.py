"""X-Ray's filter expressions: text in, a predicate over traces out."""

from localaws.xray.filters.compiling import Filters, Predicate, selector
from localaws.xray.filters.parsing import FilterError

__all__ = ["FilterError", "Filters", "Predicate", "selector"]
