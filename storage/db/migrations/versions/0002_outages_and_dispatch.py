"""callbacks only keep the row, and our own outages are on record"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Whatever is there was handed over with its row, and so is what an older process still writes.
    op.add_column("inbox", sa.Column("dispatched", sa.Boolean(), server_default=sa.true(), nullable=False))
    waiting = sa.text("not dispatched")
    op.create_index("inbox_undispatched", "inbox", ["id"], sqlite_where=waiting, postgresql_where=waiting)
    op.create_table(
        "outage",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("what in ('receiving','working','platform')", name="outage_what"),
        sa.CheckConstraint("began_at < ended_at", name="outage_lasts"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("what", "began_at", name="outage_once"),
    )
    op.create_index("outage_ended", "outage", ["ended_at"])
