"""Sessions are listed: when each was last used, and by what program."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("last_seen_at", sa.DateTime(timezone=True), server_default=sa.func.now()))
    op.execute("UPDATE sessions SET last_seen_at = created_at")
    op.alter_column("sessions", "last_seen_at", nullable=False)
    op.add_column("sessions", sa.Column("user_agent", sa.String(60)))


def downgrade() -> None:
    for column in ("user_agent", "last_seen_at"):
        op.drop_column("sessions", column)
