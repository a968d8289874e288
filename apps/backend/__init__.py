"""The shop's API: Flask on PostgreSQL and Redis; blueprints call services, services call storage."""
