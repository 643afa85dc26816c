"""Films, telephone numbers and keys: what the program writes is for the user it runs as."""

from __future__ import annotations

from pathlib import Path
from stat import S_IMODE

from bot.devtools.simulator import Cloud
from tests.bot.processes import program


def open_to_others(folder: Path) -> list[str]:
    """Whatever below a folder others may read, write or enter; the test's own log aside."""
    found = [path for path in folder.rglob("*") if S_IMODE(path.lstat().st_mode) & 0o077 and not path.is_symlink()]
    return sorted(str(path.relative_to(folder)) for path in found if path.name != "log.txt")


def test_written_files_are_not_readable_by_others(tmp_path: Path, cloud: Cloud) -> None:
    cloud.add_member("p1")
    with program(cloud, tmp_path) as sky:
        serving = sky.start("serve", DATABASE_URL=f"sqlite:///{tmp_path}/kept/patrol.db")
        sky.ready()
        cloud.phone("p1").sends_film(b"no film, and kept all the same")
        where = {"DATABASE_URL": f"sqlite:///{tmp_path}/kept/patrol.db"}
        assert sky.run("export", "register.xlsx", **where).returncode == 0
        assert sky.run("report", "weekly", "--xlsx", "week.xlsx", **where).returncode == 0
        assert sky.run("backup", "patrol.backup", **where).returncode == 0
        sky.end(serving)
    assert {"register.xlsx", "week.xlsx", "patrol.backup", "kept"} <= {path.name for path in tmp_path.iterdir()}
    assert open_to_others(tmp_path) == []
