"""Files with films, phone numbers and keys are accessible only to the user of the service."""

from __future__ import annotations

from pathlib import Path
from stat import S_IMODE

import pytest

from bot.devtools.simulator import Cloud
from tests.bot.processes import program


def accessible_to_others(folder: Path) -> list[str]:
    """Paths below a folder that other users can read, write or enter, without the log of the test."""
    paths = [path for path in folder.rglob("*") if S_IMODE(path.lstat().st_mode) & 0o077 and not path.is_symlink()]
    return sorted(str(path.relative_to(folder)) for path in paths if path.name != "log.txt")


@pytest.mark.slow
def test_written_files_are_not_readable_by_others(tmp_path: Path, cloud: Cloud) -> None:
    cloud.add_member("p1")
    with program(cloud, tmp_path) as service:
        process = service.start("serve", DATABASE_URL=f"sqlite:///{tmp_path}/data/patrol.db")
        service.ready()
        cloud.phone("p1").sends_film(b"not a film")
        settings = {"DATABASE_URL": f"sqlite:///{tmp_path}/data/patrol.db"}
        assert service.run("export", "register.xlsx", **settings).returncode == 0
        assert service.run("report", "weekly", "--xlsx", "week.xlsx", **settings).returncode == 0
        assert service.run("backup", "patrol.backup", **settings).returncode == 0
        service.end(process)
    assert {"register.xlsx", "week.xlsx", "patrol.backup", "data"} <= {path.name for path in tmp_path.iterdir()}
    assert accessible_to_others(tmp_path) == []
