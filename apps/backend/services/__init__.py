"""What the shop does: rules, transactions and caching, without HTTP and without SQL."""
