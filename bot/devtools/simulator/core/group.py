"""A work group into which a robot posts (protocol sheet, section 6)."""

from bot.devtools.simulator.core.records import GroupMessage, Robot


class Group:
    """What a group heard; made by `cloud.group(key)`."""

    def __init__(self, robot: Robot) -> None:
        self.robot = robot
        self.received: list[GroupMessage] = []

    @property
    def name(self) -> str:
        """The group's name."""
        return self.robot.group_name

    @property
    def texts(self) -> list[str]:
        """Everything readable that was heard, in order."""
        return [heard.text for heard in self.received]
