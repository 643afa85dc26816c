"""The roles and enterprise statuses of the register, as in the cells of the workbook and the columns."""

from __future__ import annotations

PATROLLER, HEAD, SAFETY_OFFICER = "巡检员", "负责人", "安全员"
DUTY_LEADER, OFFICE_STAFF, AUDITOR, ADMIN = "值班领导", "工作人员", "审计员", "管理员"
ROLES = (PATROLLER, HEAD, SAFETY_OFFICER, DUTY_LEADER, OFFICE_STAFF, AUDITOR, ADMIN)
# Who answers for an enterprise, who may be reminded on its behalf, and who works in the supervising office.
RESPONSIBLE_ROLES = (HEAD, SAFETY_OFFICER)
ENTERPRISE_ROLES = (PATROLLER, *RESPONSIBLE_ROLES)
OFFICE_ROLES = (OFFICE_STAFF, ADMIN)
# Only an administrator gives these roles, and changes the accounts of people who have them.
APPOINTED_ROLES = (DUTY_LEADER, ADMIN)

# The levels of major-hazard sources, and the three people who answer for the safety of each (包保).
SOURCE_LEVELS = ("一级", "二级", "三级", "四级")
GUARANTORS = ("head", "technical", "operation")

PRODUCING, SHUT_DOWN, DEREGISTERED = "生产", "停产", "注销"
ENTERPRISE_STATUSES = (PRODUCING, SHUT_DOWN, DEREGISTERED)
