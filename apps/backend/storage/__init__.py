"""SQL: one module a group of tables; functions take a connection and return plain rows."""
