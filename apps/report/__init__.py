"""Joins what a run left behind into one record, and a record into one page a person can read."""
