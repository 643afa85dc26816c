"""what people did is sealed in a chain, and enterprises may object"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    key, instant = sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.DateTime(timezone=True)
    with op.batch_alter_table("audit_entry") as batch_op:
        batch_op.add_column(sa.Column("subject", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("place", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("seal", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("sealed_at", instant, nullable=True))
        batch_op.create_unique_constraint("sealed_in_order", ["place"])
    op.create_index("audit_subject", "audit_entry", ["subject"])
    op.create_table(
        "objection",
        sa.Column("id", key, nullable=False),
        sa.Column("enterprise_id", key, nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("raised_by", key, nullable=False),
        sa.Column("raised_at", instant, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("answered_by", key, nullable=True),
        sa.Column("answered_at", instant, nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.CheckConstraint("(answered_at is null) = (answer is null)", name="objection_answered"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"]),
        sa.ForeignKeyConstraint(["raised_by"], ["person.id"]),
        sa.ForeignKeyConstraint(["answered_by"], ["person.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("objection_enterprise", "objection", ["enterprise_id", "night"])
    op.create_index("objection_open", "objection", ["answered_at"])
