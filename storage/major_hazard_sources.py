"""The major-hazard sources of the register, by the key parts that belong to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.db.models import MajorHazardSource, MajorHazardSourcePart
from storage.db.upsert import in_list


class MajorHazardSourceStore:
    def __init__(self, session: Session) -> None:
        self.session = session

    def of_parts(self, part_ids: Iterable[int]) -> Mapping[int, list[MajorHazardSource]]:
        """Part id -> the sources in use that it belongs to; with one query for any number of parts."""
        found, wanted = defaultdict[int, list[MajorHazardSource]](list), sorted(set(part_ids))
        if wanted:
            rows = self.session.execute(
                select(MajorHazardSourcePart.part_id, MajorHazardSource)
                .join(MajorHazardSource, MajorHazardSource.id == MajorHazardSourcePart.source_id)
                .where(in_list(self.session, MajorHazardSourcePart.part_id, wanted), MajorHazardSource.in_use)
                .order_by(MajorHazardSource.id)
            )
            for part_id, source in rows:
                found[part_id].append(source)
        return found
