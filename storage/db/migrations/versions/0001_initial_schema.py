"""The initial schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table, constraint and index."""
    op.create_table(
        "access_token",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "audit_entry",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("seal", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_index("audit_entry_subject", "audit_entry", ["subject"])
    op.create_table(
        "callback_signature",
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("message_key", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("signature"),
    )
    op.create_index("ix_callback_signature_signed_at", "callback_signature", ["signed_at"])
    op.create_table(
        "closed_night",
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expected", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("night"),
    )
    op.create_table(
        "contact",
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("last_received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reply_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reply_quota", sa.Integer(), nullable=True),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undeliverable_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("route"),
    )
    op.create_table(
        "content_item",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("link_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("object_key", sa.Text(), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("planned_for", sa.Date(), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_on", sa.Date(), nullable=True),
        sa.Column("dead_since", sa.Date(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("in_use", sa.Boolean(), nullable=False),
        sa.CheckConstraint("kind in ('链接','视频')", name="content_kind"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("link_id"),
    )
    op.create_table(
        "counter",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "decision",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "fact",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "group_chat",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("robot_key", sa.Text(), nullable=True),
        sa.Column("chat_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "inbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("message_key", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("dispatched", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state in ('waiting','fetching','done','failed')", name="inbox_state"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("channel", "message_key", name="inbox_message_once"),
    )
    op.create_index(
        "inbox_undispatched",
        "inbox",
        ["priority", "id"],
        sqlite_where=sa.text("not dispatched"),
        postgresql_where=sa.text("not dispatched"),
    )
    op.create_index("inbox_waiting", "inbox", ["state", "received_at"])
    op.create_table(
        "issued_report",
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("audit_log_head", sa.Text(), nullable=True),
        sa.CheckConstraint("number >= 0", name="issued_report_number"),
        sa.PrimaryKeyConstraint("night", "number"),
    )
    op.create_table(
        "issued_report_file",
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.CheckConstraint("format IN ('xlsx', 'pdf')", name="issued_report_file_format"),
        sa.ForeignKeyConstraint(["night", "number"], ["issued_report.night", "issued_report.number"]),
        sa.PrimaryKeyConstraint("night", "number", "format"),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("backoff_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "outage",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind in ('receiving','processing','platform')", name="outage_kind"),
        sa.CheckConstraint("started_at < ended_at", name="outage_duration"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "started_at", name="outage_once"),
    )
    op.create_index("outage_ended", "outage", ["ended_at"])
    op.create_table(
        "person",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mobile", sa.Text(), nullable=True),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_person_name", "person", ["name"])
    op.create_table(
        "poll_cursor",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("notification_count", sa.Integer(), nullable=False),
        sa.Column("handled_count", sa.Integer(), nullable=False),
        sa.Column("token", sa.Text(), nullable=True),
        sa.Column("token_received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("has_more", sa.Boolean(), nullable=False),
        sa.Column("polled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.CheckConstraint("handled_count <= notification_count", name="poll_cursor_handled_not_ahead"),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "rpc_call",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lease_name", sa.Text(), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("response", sa.JSON(), nullable=True),
        sa.CheckConstraint("state in ('pending','claimed','done','cancelled')", name="rpc_call_state"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("rpc_call_pending", "rpc_call", ["lease_name", "state", "id"])
    op.create_table(
        "rule",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "binding",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("canonical_account", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("binding_account", "binding", ["realm", "canonical_account"])
    op.create_index("ix_binding_person_id", "binding", ["person_id"])
    op.create_table(
        "credential",
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("totp_secret", sa.Text(), nullable=True),
        sa.Column("last_totp_step", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"]),
        sa.PrimaryKeyConstraint("person_id"),
        sa.UniqueConstraint("login"),
    )
    op.create_table(
        "duty_shift",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("sort_order", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("day", "post", "person_id", name="duty_shift_once"),
    )
    op.create_index("ix_duty_shift_day", "duty_shift", ["day"])
    op.create_table(
        "enterprise",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("short_name", sa.Text(), nullable=False),
        sa.Column("risk", sa.Text(), nullable=True),
        sa.Column("major_hazard_sources", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.CheckConstraint("status in ('生产','停产','注销')", name="enterprise_status"),
        sa.ForeignKeyConstraint(["group_id"], ["group_chat.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_table(
        "invitation",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("enterprise_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("by_administrator", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"]),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"]),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "received_text",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("message_key", sa.Text(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("channel", "message_key", name="received_text_once"),
    )
    op.create_index("received_text_sender", "received_text", ["realm", "sender", "sent_at"])
    op.create_table(
        "sign_in_attempts",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_sign_in_attempts_last_failed_at", "sign_in_attempts", ["last_failed_at"])
    op.create_table(
        "web_session",
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sign_in_method", sa.Text(), nullable=False),
        sa.Column("oauth_state_sha256", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("sign_in_method in ('wecom','password')", name="web_session_method"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"]),
        sa.PrimaryKeyConstraint("token_sha256"),
        sa.UniqueConstraint("oauth_state_sha256"),
    )
    op.create_index("ix_web_session_last_seen_at", "web_session", ["last_seen_at"])
    op.create_index("ix_web_session_person_id", "web_session", ["person_id"])
    op.create_table(
        "alert",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("once_key", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("enterprise_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rung", sa.Integer(), nullable=False),
        sa.Column("escalated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("acknowledgement_ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["acknowledged_by"], ["person.id"]),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"]),
        sa.ForeignKeyConstraint(["resolved_by"], ["person.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("once_key"),
    )
    op.create_table(
        "employment",
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("enterprise_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"]),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"]),
        sa.PrimaryKeyConstraint("person_id", "enterprise_id"),
    )
    op.create_index("ix_employment_enterprise_id", "employment", ["enterprise_id"])
    op.create_table(
        "key_part",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("enterprise_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("risk", sa.Text(), nullable=True),
        sa.Column("filming_requirement", sa.Text(), nullable=True),
        sa.Column("required_in_shutdown", sa.Boolean(), nullable=False),
        sa.Column("in_use", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("enterprise_id", "number", name="key_part_number_once"),
    )
    op.create_table(
        "reminder_grace",
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("enterprise_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"]),
        sa.PrimaryKeyConstraint("night", "enterprise_id"),
    )
    op.create_table(
        "night_enterprise_choice",
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("enterprise_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"]),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"]),
        sa.PrimaryKeyConstraint("person_id", "night"),
    )
    op.create_table(
        "objection",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("enterprise_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("raised_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("answered_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.CheckConstraint("(answered_at is null) = (answer is null)", name="objection_answered"),
        sa.ForeignKeyConstraint(["answered_by"], ["person.id"]),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"]),
        sa.ForeignKeyConstraint(["raised_by"], ["person.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("objection_enterprise", "objection", ["enterprise_id", "night"])
    op.create_index("objection_open", "objection", ["answered_at"])
    op.create_table(
        "notice",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("once_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("recipient_name", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("alert_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("rung", sa.Integer(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("text_key", sa.Text(), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("check_name", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_attempted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("body", sa.JSON(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("tried_routes", sa.JSON(), nullable=True),
        sa.Column("platform_message_id", sa.Text(), nullable=True),
        sa.Column("response_code", sa.Text(), nullable=True),
        sa.Column("reply_to_inbox_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state in ('due','sending','sent','unknown','failed','cancelled','expired')", name="notice_state_known"
        ),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"]),
        sa.ForeignKeyConstraint(["group_id"], ["group_chat.id"]),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("once_key"),
    )
    op.create_index("ix_notice_alert_id", "notice", ["alert_id"])
    op.create_index("notice_night", "notice", ["night", "id", "kind", "person_id", "group_id", "recipient_name"])
    op.create_index("notice_route_sent", "notice", ["route", "last_attempted_at"])
    op.create_index("notice_state", "notice", ["state", "due_at"])
    op.create_table(
        "submission",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("message_key", sa.Text(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("canonical_sender", sa.Text(), nullable=False),
        sa.Column("chat_id", sa.Text(), nullable=True),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("enterprise_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("part_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=True),
        sa.Column("attributed_by", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attribution", sa.Text(), nullable=False),
        sa.Column("marks", sa.JSON(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("duration_s", sa.Double(), nullable=True),
        sa.Column("container", sa.Text(), nullable=True),
        sa.Column("codec", sa.Text(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("object_key", sa.Text(), nullable=True),
        sa.CheckConstraint("attribution in ('attributed','unattributed','quarantined')", name="submission_attribution"),
        sa.CheckConstraint("state in ('receiving','filed','unfit','failed','supporting')", name="submission_state"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"]),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"]),
        sa.ForeignKeyConstraint(["part_id"], ["key_part.id"]),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("channel", "message_key", name="submission_message_once"),
        sa.UniqueConstraint("night", "number", name="submission_receipt_number"),
    )
    op.create_index("ix_submission_enterprise_id", "submission", ["enterprise_id"])
    op.create_index("ix_submission_night", "submission", ["night"])
    op.create_index("ix_submission_sha256", "submission", ["sha256"])
    op.create_index("submission_attribution_night", "submission", ["attribution", "night"])
    op.create_index("submission_sender", "submission", ["realm", "sender", "sent_at"])
    op.create_table(
        "alert_entry",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("once_key", sa.Text(), nullable=False),
        sa.Column("alert_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("submission_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("realm", sa.Text(), nullable=True),
        sa.Column("sender", sa.Text(), nullable=True),
        sa.Column("chat_id", sa.Text(), nullable=True),
        sa.Column("inbox_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"]),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"]),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"]),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("once_key"),
    )
    op.create_index("alert_entry_sender", "alert_entry", ["realm", "sender"])
    op.create_index("ix_alert_entry_alert_id", "alert_entry", ["alert_id"])
    op.create_table(
        "upload",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("once_key", sa.Text(), nullable=False),
        sa.Column("link_id", sa.Text(), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("enterprise_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("part_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("browser_digest", sa.Text(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("received_bytes", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state in ('open','receiving','complete','ended')", name="upload_state_known"),
        sa.CheckConstraint(
            "received_bytes >= 0 and (size is null or received_bytes <= size)", name="upload_received_within_size"
        ),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"]),
        sa.ForeignKeyConstraint(["part_id"], ["key_part.id"]),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("once_key"),
        sa.UniqueConstraint("link_id"),
    )
    op.create_index("upload_state", "upload", ["state", "expires_at"])
    op.create_index(
        "upload_one_open",
        "upload",
        ["person_id", "enterprise_id"],
        unique=True,
        sqlite_where=sa.text("state in ('open','receiving')"),
        postgresql_where=sa.text("state in ('open','receiving')"),
    )
    op.create_table(
        "content_push",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("notice_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["group_chat.id"]),
        sa.ForeignKeyConstraint(["item_id"], ["content_item.id"]),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("item_id", "group_id", name="content_push_once"),
    )
    op.create_index("ix_content_push_group_id", "content_push", ["group_id"])
    op.create_index("ix_content_push_notice_id", "content_push", ["notice_id"])
    op.create_table(
        "delivery_attempt",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("notice_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("route", sa.Text(), nullable=True),
        sa.Column("uses_reply_quota", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("delivery_attempt_route", "delivery_attempt", ["route", "started_at"])
    op.create_index("ix_delivery_attempt_notice_id", "delivery_attempt", ["notice_id"])
    op.create_index("ix_delivery_attempt_started_at", "delivery_attempt", ["started_at"])
    op.create_table(
        "film_view",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("submission_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("viewer_name", sa.Text(), nullable=False),
        sa.Column("by_supervisor", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("watched_s", sa.Double(), nullable=False),
        sa.Column("covered_s", sa.Double(), nullable=False),
        sa.Column("last_progress_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind in ('film','contact_sheet','download')", name="film_view_kind"),
        sa.CheckConstraint("watched_s >= 0 and covered_s >= 0", name="film_view_not_negative"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"]),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_film_view_opened_at", "film_view", ["opened_at"])
    op.create_index("ix_film_view_submission_id", "film_view", ["submission_id"])
    op.create_table(
        "review_claim",
        sa.Column("submission_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_prefetched", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"]),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"]),
        sa.PrimaryKeyConstraint("submission_id"),
    )
    op.create_table(
        "upload_chunk",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("upload_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("upload_id", "generation", "start", name="upload_chunk_once"),
    )
    op.create_index("ix_upload_chunk_upload_id", "upload_chunk", ["upload_id"])
    op.create_table(
        "verdict",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("submission_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("part_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at_s", sa.Double(), nullable=True),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reviewer_name", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("watched_s", sa.Double(), nullable=False),
        sa.Column("is_second_review", sa.Boolean(), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_undone", sa.Boolean(), nullable=False),
        sa.CheckConstraint("verdict in ('fit','problem','unclear','wrong_part')", name="verdict_known"),
        sa.CheckConstraint("via in ('page','chat')", name="verdict_via"),
        sa.ForeignKeyConstraint(["part_id"], ["key_part.id"]),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"]),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_verdict_part_id", "verdict", ["part_id"])
    op.create_index("ix_verdict_submission_id", "verdict", ["submission_id"])
    op.create_index(
        "verdict_current",
        "verdict",
        ["submission_id"],
        unique=True,
        sqlite_where=sa.text("superseded_at is null"),
        postgresql_where=sa.text("superseded_at is null"),
    )
    op.create_index("verdict_of_night", "verdict", ["night", "given_at"])
    op.create_table(
        "second_review",
        sa.Column("submission_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("first_verdict_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("selected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("second_verdict_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["first_verdict_id"], ["verdict.id"]),
        sa.ForeignKeyConstraint(["second_verdict_id"], ["verdict.id"]),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"]),
        sa.PrimaryKeyConstraint("submission_id"),
    )
    op.create_index("ix_second_review_night", "second_review", ["night"])
    _create_major_hazard_sources()
    _create_hazard_moves()
    _create_inspections()
    _create_hazards()
    _create_hazards_of_documents_and_cases()
    _refuse_changes()


def _create_major_hazard_sources() -> None:
    op.create_table(
        "major_hazard_source",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("enterprise_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=True),
        sa.Column("in_use", sa.Boolean(), nullable=False),
        sa.Column("head_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("technical_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("operation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint("level in ('一级','二级','三级','四级')", name="major_hazard_source_level"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"]),
        sa.ForeignKeyConstraint(["head_id"], ["person.id"]),
        sa.ForeignKeyConstraint(["operation_id"], ["person.id"]),
        sa.ForeignKeyConstraint(["technical_id"], ["person.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("enterprise_id", "number", name="major_hazard_source_number_once"),
    )
    op.create_table(
        "major_hazard_source_part",
        sa.Column("source_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("part_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["part_id"], ["key_part.id"]),
        sa.ForeignKeyConstraint(["source_id"], ["major_hazard_source.id"]),
        sa.PrimaryKeyConstraint("source_id", "part_id"),
    )
    op.create_index("ix_major_hazard_source_part_part_id", "major_hazard_source_part", ["part_id"])


def _create_hazard_moves() -> None:
    op.create_table(
        "hazard_move",
        sa.Column("hazard_number", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("previous_seq", sa.Integer(), nullable=True),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(coalesce(from_state,'') || '>' || to_state) in ('>incomplete','>rectifying','incomplete>rectifying','incomplete>void','rectifying>awaiting_acceptance','rectifying>void','awaiting_acceptance>accepted','awaiting_acceptance>rectifying','awaiting_acceptance>void')",
            name="hazard_move_allowed",
        ),
        sa.CheckConstraint(
            "reason is not null or (coalesce(from_state,'') || '>' || to_state) not in ('awaiting_acceptance>rectifying','incomplete>void','rectifying>void','awaiting_acceptance>void')",
            name="hazard_move_reason",
        ),
        sa.CheckConstraint(
            "coalesce(previous_seq, 0) = seq - 1 and (previous_seq is null) = (from_state is null)",
            name="hazard_move_sequence",
        ),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"]),
        sa.ForeignKeyConstraint(
            ["hazard_number", "previous_seq", "from_state"],
            ["hazard_move.hazard_number", "hazard_move.seq", "hazard_move.to_state"],
            name="hazard_move_continues",
        ),
        sa.PrimaryKeyConstraint("hazard_number", "seq", "to_state"),
        sa.UniqueConstraint("hazard_number", "seq", name="hazard_move_seq_once"),
    )


def _create_inspections() -> None:
    op.create_table(
        "inspection",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("enterprise_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("inspectors", sa.JSON(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=True),
        sa.Column("remarks", sa.Text(), nullable=True),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("registered_by", sa.Text(), nullable=False),
        sa.Column("registered_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_by", sa.Text(), nullable=True),
        sa.Column("voided_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("void_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("kind in ('annual','special','expert','unannounced')", name="inspection_kind"),
        sa.CheckConstraint(
            "(voided_at is null) = (void_reason is null) and (voided_at is null) = (voided_by is null)",
            name="inspection_voided",
        ),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"]),
        sa.ForeignKeyConstraint(["registered_by_id"], ["person.id"]),
        sa.ForeignKeyConstraint(["voided_by_id"], ["person.id"]),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("year", "ordinal", name="inspection_number_once"),
    )
    op.create_index("inspection_enterprise", "inspection", ["enterprise_id"], unique=False)
    op.create_index("inspection_of_enterprise", "inspection", ["number", "enterprise_id"], unique=True)
    op.create_index(op.f("ix_inspection_held_on"), "inspection", ["held_on"], unique=False)
    op.create_table(
        "enforcement_case",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("filed_on", sa.Date(), nullable=False),
        sa.Column("enterprise_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("inspection_number", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("fine_yuan", sa.Integer(), nullable=True),
        sa.Column("fined_on", sa.Date(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("remarks", sa.Text(), nullable=True),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("registered_by", sa.Text(), nullable=False),
        sa.Column("registered_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_by", sa.Text(), nullable=True),
        sa.Column("voided_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("void_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("(fine_yuan is null) = (fined_on is null)", name="enforcement_case_fined_on"),
        sa.CheckConstraint(
            "(voided_at is null) = (void_reason is null) and (voided_at is null) = (voided_by is null)",
            name="enforcement_case_voided",
        ),
        sa.CheckConstraint("fine_yuan > 0", name="enforcement_case_fine"),
        sa.CheckConstraint(
            "fined_on >= filed_on and closed_on >= filed_on and closed_on >= fined_on", name="enforcement_case_dates"
        ),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"]),
        sa.ForeignKeyConstraint(
            ["inspection_number", "enterprise_id"],
            ["inspection.number", "inspection.enterprise_id"],
            name="enforcement_case_of_inspection",
        ),
        sa.ForeignKeyConstraint(["registered_by_id"], ["person.id"]),
        sa.ForeignKeyConstraint(["voided_by_id"], ["person.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "enforcement_case_number_once",
        "enforcement_case",
        ["number"],
        unique=True,
        sqlite_where=sa.text("voided_at is null"),
        postgresql_where=sa.text("voided_at is null"),
    )
    op.create_index("enforcement_case_of_enterprise", "enforcement_case", ["id", "enterprise_id"], unique=True)
    op.create_index(op.f("ix_enforcement_case_enterprise_id"), "enforcement_case", ["enterprise_id"], unique=False)
    op.create_index(op.f("ix_enforcement_case_filed_on"), "enforcement_case", ["filed_on"], unique=False)
    op.create_index(op.f("ix_enforcement_case_fined_on"), "enforcement_case", ["fined_on"], unique=False)
    op.create_index(
        op.f("ix_enforcement_case_inspection_number"), "enforcement_case", ["inspection_number"], unique=False
    )
    op.create_table(
        "enforcement_document",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("enterprise_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("inspection_number", sa.Text(), nullable=True),
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("remarks", sa.Text(), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=True),
        sa.Column("object_key", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("registered_by", sa.Text(), nullable=False),
        sa.Column("registered_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_by", sa.Text(), nullable=True),
        sa.Column("voided_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("void_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind in ('site_record','rectification_order','measures_decision','recheck_opinion','penalty_decision','case_filing','other')",
            name="enforcement_document_kind",
        ),
        sa.CheckConstraint(
            "(sha256 is null) = (object_key is null) and (sha256 is null) = (file_name is null)",
            name="enforcement_document_file",
        ),
        sa.CheckConstraint(
            "(voided_at is null) = (void_reason is null) and (voided_at is null) = (voided_by is null)",
            name="enforcement_document_voided",
        ),
        sa.ForeignKeyConstraint(
            ["case_id", "enterprise_id"],
            ["enforcement_case.id", "enforcement_case.enterprise_id"],
            name="enforcement_document_of_case",
        ),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"]),
        sa.ForeignKeyConstraint(
            ["inspection_number", "enterprise_id"],
            ["inspection.number", "inspection.enterprise_id"],
            name="enforcement_document_of_inspection",
        ),
        sa.ForeignKeyConstraint(["registered_by_id"], ["person.id"]),
        sa.ForeignKeyConstraint(["voided_by_id"], ["person.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "enforcement_document_number_once",
        "enforcement_document",
        ["kind", "number"],
        unique=True,
        sqlite_where=sa.text("voided_at is null"),
        postgresql_where=sa.text("voided_at is null"),
    )
    op.create_index(op.f("ix_enforcement_document_case_id"), "enforcement_document", ["case_id"], unique=False)
    op.create_index(
        op.f("ix_enforcement_document_enterprise_id"), "enforcement_document", ["enterprise_id"], unique=False
    )
    op.create_index(
        op.f("ix_enforcement_document_inspection_number"), "enforcement_document", ["inspection_number"], unique=False
    )
    op.create_index(op.f("ix_enforcement_document_issued_on"), "enforcement_document", ["issued_on"], unique=False)


def _create_hazards() -> None:
    op.create_table(
        "hazard",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("once_key", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("last_move", sa.Integer(), nullable=False),
        sa.Column("enterprise_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("part_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("inspection_number", sa.Text(), nullable=True),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("criterion", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("treatment", sa.Text(), nullable=False),
        sa.Column("matter", sa.Text(), nullable=True),
        sa.Column("responsible", sa.Text(), nullable=True),
        sa.Column("responsible_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("measure", sa.Text(), nullable=True),
        sa.Column("deadline", sa.Date(), nullable=True),
        sa.Column("first_deadline", sa.Date(), nullable=True),
        sa.Column("submitted_on", sa.Date(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("classification", sa.Text(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("cost_yuan", sa.Integer(), nullable=True),
        sa.Column("plan", sa.JSON(), nullable=True),
        sa.Column("supervised_by", sa.Text(), nullable=True),
        sa.Column("supervisor", sa.Text(), nullable=True),
        sa.Column("remarks", sa.Text(), nullable=True),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("found_on", sa.Date(), nullable=False),
        sa.Column("found_by", sa.Text(), nullable=False),
        sa.Column("found_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("registered_by", sa.Text(), nullable=False),
        sa.Column("registered_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("withheld_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submission_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("at_s", sa.Double(), nullable=True),
        sa.Column("repeat_of", sa.Text(), nullable=True),
        sa.Column("fixed_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("accepted_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hazard_code", sa.Text(), nullable=True),
        sa.Column("risk_measure_id", sa.Text(), nullable=True),
        sa.Column("check_record_id", sa.Text(), nullable=True),
        sa.CheckConstraint("(closed_at is not null) = (state in ('accepted','void'))", name="hazard_closed_at"),
        sa.CheckConstraint("classification in ('behaviour','condition','management')", name="hazard_classification"),
        sa.CheckConstraint(
            "kind in ('safety','process','electrical','instrument','fire','layout','equipment','other')",
            name="hazard_kind",
        ),
        sa.CheckConstraint("level in ('general','major')", name="hazard_level"),
        sa.CheckConstraint(
            "source in ('night_patrol','self_check','inspection','expert','report','other')", name="hazard_source"
        ),
        sa.CheckConstraint(
            "stage in ('design','product_quality','storage','construction','start_stop','operation','maintenance','repair','change','transport')",
            name="hazard_stage",
        ),
        sa.CheckConstraint(
            "state <> 'accepted' or (accepted_by_id is not null and fixed_by_id is not null and accepted_by_id <> fixed_by_id and accepted_by_id <> coalesce(responsible_id, 0))",
            name="hazard_accepted_by_another",
        ),
        sa.CheckConstraint(
            "state in ('incomplete','rectifying','awaiting_acceptance','accepted','void')", name="hazard_state"
        ),
        sa.CheckConstraint(
            "state in ('incomplete','void') or (part_id is not null and matter is not null and responsible is not null and measure is not null and deadline is not null and first_deadline is not null and (level <> 'major' or criterion is not null))",
            name="hazard_complete",
        ),
        sa.CheckConstraint("treatment in ('on_the_spot','deadline')", name="hazard_treatment"),
        sa.CheckConstraint("cost_yuan >= 0", name="hazard_cost"),
        sa.CheckConstraint("deadline >= first_deadline", name="hazard_first_deadline"),
        sa.CheckConstraint("deadline >= found_on", name="hazard_deadline_after_finding"),
        sa.CheckConstraint("found_at <= registered_at", name="hazard_found_before_registered"),
        sa.CheckConstraint("repeat_of <> number", name="hazard_repeats_another"),
        sa.ForeignKeyConstraint(["accepted_by_id"], ["person.id"]),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"]),
        sa.ForeignKeyConstraint(["fixed_by_id"], ["person.id"]),
        sa.ForeignKeyConstraint(["found_by_id"], ["person.id"]),
        sa.ForeignKeyConstraint(
            ["number", "last_move", "state"],
            ["hazard_move.hazard_number", "hazard_move.seq", "hazard_move.to_state"],
            name="hazard_state_is_of_last_move",
        ),
        sa.ForeignKeyConstraint(
            ["inspection_number", "enterprise_id"],
            ["inspection.number", "inspection.enterprise_id"],
            name="hazard_of_inspection",
        ),
        sa.ForeignKeyConstraint(["part_id"], ["key_part.id"]),
        sa.ForeignKeyConstraint(["registered_by_id"], ["person.id"]),
        sa.ForeignKeyConstraint(
            ["repeat_of"], ["hazard.number"], name="hazard_repeats", initially="DEFERRED", deferrable=True
        ),
        sa.ForeignKeyConstraint(["responsible_id"], ["person.id"]),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"]),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("once_key"),
        sa.UniqueConstraint("year", "ordinal", name="hazard_number_once"),
    )
    op.create_index("hazard_enterprise", "hazard", ["enterprise_id", "state"], unique=False)
    op.create_index("hazard_repeats", "hazard", ["part_id", "kind", "found_on"], unique=False)
    op.create_index("hazard_state_deadline", "hazard", ["state", "deadline", "found_on", "submitted_on"], unique=False)
    op.create_index(op.f("ix_hazard_closed_at"), "hazard", ["closed_at"], unique=False)
    op.create_index(op.f("ix_hazard_found_on"), "hazard", ["found_on"], unique=False)
    op.create_index(op.f("ix_hazard_inspection_number"), "hazard", ["inspection_number"], unique=False)
    op.create_index(op.f("ix_hazard_responsible_id"), "hazard", ["responsible_id"], unique=False)
    op.create_index(op.f("ix_hazard_submission_id"), "hazard", ["submission_id"], unique=False)
    op.create_table(
        "hazard_attempt",
        sa.Column("hazard_number", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("submission_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("verdict_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verdict_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("verdict_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("verdict <> 'returned' or reason is not null", name="hazard_attempt_reason"),
        sa.CheckConstraint("verdict in ('accepted','returned')", name="hazard_attempt_verdict"),
        sa.CheckConstraint(
            "(verdict is null) = (verdict_at is null) and (verdict is null) = (verdict_by_id is null)",
            name="hazard_attempt_judged",
        ),
        sa.CheckConstraint("verdict_by_id <> by_id", name="hazard_attempt_judged_by_another"),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"]),
        sa.ForeignKeyConstraint(["hazard_number"], ["hazard.number"]),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"]),
        sa.ForeignKeyConstraint(["verdict_by_id"], ["person.id"]),
        sa.PrimaryKeyConstraint("hazard_number", "ordinal"),
        sa.UniqueConstraint("hazard_number", "submission_id", name="hazard_attempt_film_once"),
    )
    op.create_index(op.f("ix_hazard_attempt_submission_id"), "hazard_attempt", ["submission_id"], unique=False)
    op.create_table(
        "hazard_extension",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hazard_number", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_on", sa.Date(), nullable=False),
        sa.Column("asked_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("interim", sa.Text(), nullable=False),
        sa.Column("old_deadline", sa.Date(), nullable=False),
        sa.Column("new_deadline", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state = 'asked') = (decided_at is null) and (state = 'asked') = (decided_by_id is null)",
            name="hazard_extension_decided",
        ),
        sa.CheckConstraint("state <> 'refused' or decision_reason is not null", name="hazard_extension_reason"),
        sa.CheckConstraint("state in ('asked','granted','refused')", name="hazard_extension_state"),
        sa.CheckConstraint("asked_on <= old_deadline", name="hazard_extension_in_time"),
        sa.CheckConstraint("decided_by_id <> asked_by_id", name="hazard_extension_decided_by_another"),
        sa.CheckConstraint("new_deadline > old_deadline", name="hazard_extension_later"),
        sa.ForeignKeyConstraint(["asked_by_id"], ["person.id"]),
        sa.ForeignKeyConstraint(["decided_by_id"], ["person.id"]),
        sa.ForeignKeyConstraint(["hazard_number"], ["hazard.number"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "hazard_extension_asked",
        "hazard_extension",
        ["hazard_number"],
        unique=True,
        sqlite_where=sa.text("state = 'asked'"),
        postgresql_where=sa.text("state = 'asked'"),
    )
    op.create_index(op.f("ix_hazard_extension_hazard_number"), "hazard_extension", ["hazard_number"], unique=False)


def _create_hazards_of_documents_and_cases() -> None:
    op.create_table(
        "case_hazard",
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hazard_number", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["enforcement_case.id"]),
        sa.ForeignKeyConstraint(["hazard_number"], ["hazard.number"]),
        sa.PrimaryKeyConstraint("case_id", "hazard_number"),
    )
    op.create_index(op.f("ix_case_hazard_hazard_number"), "case_hazard", ["hazard_number"], unique=False)
    op.create_table(
        "document_hazard",
        sa.Column("document_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hazard_number", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["enforcement_document.id"]),
        sa.ForeignKeyConstraint(["hazard_number"], ["hazard.number"]),
        sa.PrimaryKeyConstraint("document_id", "hazard_number"),
    )
    op.create_index(op.f("ix_document_hazard_hazard_number"), "document_hazard", ["hazard_number"], unique=False)


def _refuse_changes() -> None:
    for name, table, condition in _GUARDED_UPDATES:
        _refuse(name, table, "update", condition)
    for table in _NEVER_DELETED:
        _refuse(f"{table}_never_deleted", table, "delete", "1 = 1")


_NEVER_DELETED = (
    "hazard",
    "hazard_move",
    "hazard_attempt",
    "hazard_extension",
    "inspection",
    "enforcement_case",
    "enforcement_document",
    "case_hazard",
    "document_hazard",
)
# Name, table, and the updates that are refused.
_GUARDED_UPDATES = (
    ("hazard_closed", "hazard", "old.state in ('accepted','void')"),
    ("hazard_version", "hazard", "new.version <> old.version + 1"),
    ("hazard_moves_forward", "hazard", "new.last_move not in (old.last_move, old.last_move + 1)"),
    (
        "hazard_origin",
        "hazard",
        "new.number <> old.number or new.year <> old.year or new.ordinal <> old.ordinal"
        " or new.enterprise_id <> old.enterprise_id or new.found_at <> old.found_at or new.found_on <> old.found_on"
        " or new.registered_at <> old.registered_at",
    ),
    (
        "hazard_first_deadline_kept",
        "hazard",
        "old.first_deadline is not null and (new.first_deadline is null or new.first_deadline <> old.first_deadline)",
    ),
    ("hazard_move_unalterable", "hazard_move", "1 = 1"),
    (
        "hazard_attempt_unalterable",
        "hazard_attempt",
        "old.verdict is not null or new.submitted_at <> old.submitted_at or new.by_id <> old.by_id"
        " or new.submission_id <> old.submission_id",
    ),
    (
        "hazard_extension_unalterable",
        "hazard_extension",
        "old.state <> 'asked' or new.asked_at <> old.asked_at or new.asked_by_id <> old.asked_by_id"
        " or new.old_deadline <> old.old_deadline or new.new_deadline <> old.new_deadline",
    ),
    ("inspection_void_kept", "inspection", "old.voided_at is not null"),
    (
        "inspection_origin",
        "inspection",
        "new.number <> old.number or new.year <> old.year or new.ordinal <> old.ordinal"
        " or new.enterprise_id <> old.enterprise_id or new.registered_at <> old.registered_at",
    ),
    ("enforcement_case_void_kept", "enforcement_case", "old.voided_at is not null"),
    (
        "enforcement_case_origin",
        "enforcement_case",
        "new.number <> old.number or new.filed_on <> old.filed_on or new.enterprise_id <> old.enterprise_id"
        " or new.registered_at <> old.registered_at",
    ),
    ("enforcement_document_void_kept", "enforcement_document", "old.voided_at is not null"),
    (
        "enforcement_document_origin",
        "enforcement_document",
        "new.kind <> old.kind or new.number <> old.number or new.issued_on <> old.issued_on"
        " or new.enterprise_id <> old.enterprise_id or new.registered_at <> old.registered_at",
    ),
    (
        "enforcement_document_file_kept",
        "enforcement_document",
        "old.sha256 is not null and (new.sha256 is null or new.sha256 <> old.sha256"
        " or new.object_key <> old.object_key)",
    ),
    ("case_hazard_unalterable", "case_hazard", "1 = 1"),
    ("document_hazard_unalterable", "document_hazard", "1 = 1"),
)


def _refuse(name: str, table: str, event: str, condition: str) -> None:
    """A trigger that refuses rows as a violated check does."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"create trigger {name} before {event} on {table} when {condition} begin select raise(abort, '{name}'); end"
        )
        return
    op.execute(
        f"create function {name}() returns trigger language plpgsql as "
        f"$$ begin raise exception '{name}' using errcode = 'check_violation'; end $$"
    )
    op.execute(
        f"create trigger {name} before {event} on {table} for each row when ({condition}) execute function {name}()"
    )
