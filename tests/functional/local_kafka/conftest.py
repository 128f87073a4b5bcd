"""A running broker for this folder's tests, and a data folder for those that start their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.local.kafka import LocalKafka
from streams.local.ports import free_port


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    """A running broker with data of its own; the jars come from the user's cache."""
    with LocalKafka(tmp_path_factory.mktemp("kafka"), port=free_port()) as kafka:
        kafka.start()
        kafka.wait_ready()
        yield kafka


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with a space and a letter outside of ASCII in its name."""
    return tmp_path / "Daten für Kafka"
