"""Is there a broker's data in a folder, and may this version open it?

Kafka's own files lie in ``kafka/log``; ``kafka/format.json`` beside them says which version formatted them
and under which cluster id. A folder is formatted as ``kafka.partial`` and then renamed, so an interruption
leaves no half of one. Running Kafka's formatter is ``kafka.py``'s business.
"""

from __future__ import annotations

import base64
import shutil
import uuid
from pathlib import Path

import msgspec

from streams.local.errors import LocalError
from streams.local.jars import KAFKA_VERSION


class DataFolderForeign(LocalError):
    """The data folder was made by another version of Kafka, or not by us."""


class _Stamp(msgspec.Struct, frozen=True):
    kafka: str
    cluster_id: str


def broker_folder(data: Path) -> Path:
    """Return where the broker's data lies in a data folder."""
    return data / "kafka"


def recorded_cluster_id(data: Path) -> str | None:
    """Return the cluster id of a data folder, None when it holds no broker's data yet.

    Raises:
        DataFolderForeign: It was made by another version, or not by us.
    """
    folder = broker_folder(data)
    if not folder.exists():
        return None
    try:
        stamp = msgspec.json.decode((folder / "format.json").read_bytes(), type=_Stamp)
    except (FileNotFoundError, msgspec.DecodeError):
        raise DataFolderForeign(f"{folder} was not made by wakeline. Name another: --data FOLDER.") from None
    if stamp.kafka != KAFKA_VERSION:
        raise DataFolderForeign(
            f"{folder} was made by Kafka {stamp.kafka}; this is {KAFKA_VERSION}. Run the version that made "
            "it, or start with a new folder: --data FOLDER."
        )
    return stamp.cluster_id


def begin_format(data: Path) -> Path:
    """Return an empty folder to format; what an interrupted format left there is thrown away."""
    partial = data / "kafka.partial"
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir()
    return partial


def finish_format(data: Path, cluster_id: str) -> None:
    """Stamp what was formatted with this version and put it in its place."""
    partial = data / "kafka.partial"
    stamp = _Stamp(kafka=KAFKA_VERSION, cluster_id=cluster_id)
    (partial / "format.json").write_bytes(msgspec.json.encode(stamp))
    partial.rename(broker_folder(data))


def new_cluster_id() -> str:
    """Return a name for a new cluster: as Kafka's own, 16 random bytes in 22 characters."""
    while True:
        name = base64.urlsafe_b64encode(uuid.uuid4().bytes)[:22].decode("ascii")
        if not name.startswith("-"):  # Kafka's tools would take it for an option
            return name
