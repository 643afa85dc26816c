"""how each account can be reached, and which ways a notice took"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "contact",
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("heard_at", instant, nullable=True),
        sa.Column("open_until", instant, nullable=True),
        sa.Column("allowance", sa.Integer(), nullable=True),
        sa.Column("left_at", instant, nullable=True),
        sa.Column("refused_at", instant, nullable=True),
        sa.Column("refused_why", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("route"),
    )
    op.add_column("notice", sa.Column("tried", sa.JSON(), nullable=True))
    op.add_column("attempt", sa.Column("route", sa.Text(), nullable=True))
    op.add_column("attempt", sa.Column("spends", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.execute("update attempt set route = (select notice.route from notice where notice.id = attempt.notice_id)")
    op.create_index("attempt_route", "attempt", ["route", "started_at"])
