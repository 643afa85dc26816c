"""the smart bot's one connection, what is asked of its holder, and groups that speak"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quiet_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "errand",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=True),
        sa.CheckConstraint("state in ('waiting','taken','done','withdrawn')", name="errand_state"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("errand_waiting", "errand", ["name", "state", "id"])
    op.add_column("submission", sa.Column("chat", sa.Text(), nullable=True))
    op.add_column("notice", sa.Column("answers", sa.BigInteger(), nullable=True))
