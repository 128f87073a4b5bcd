"""The recorded LLM calls of aider's user as native events: `python -m tests.data.aider OUT.jsonl`."""

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.data.place import shared_data

SECOND_NS = 1_000_000_000
FILE = Path("aider_analytics") / "events_2024-08_2025-01.jsonl.gz"


def read_calls() -> list[dict[str, Any]]:
    """The `message_send` records as they are."""
    with gzip.open(shared_data() / FILE, "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    return [record for record in records if record["event"] == "message_send"]


def make_events() -> Iterator[dict[str, Any]]:
    """One LLM call for each record; a run is a user's day. Times have whole seconds, and no durations."""
    for number, record in enumerate(read_calls()):
        about = record["properties"]
        yield {
            "event_id": f"aider-{number:05d}",
            "run_id": f"{record['user_id']}-{record['time'] // 86_400}",
            "kind": "llm",
            "operation_name": "chat",
            "step_name": "message_send",
            "agent_name": "aider",
            "agent_version": about.get("aider_version"),
            "user_id": record["user_id"],
            "start_time_unix_nano": str(record["time"] * SECOND_NS),
            "request_model": about["main_model"],
            "input_tokens": about["prompt_tokens"],
            "output_tokens": about["completion_tokens"],
        }


if __name__ == "__main__":
    with Path(sys.argv[1]).open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(event) + "\n" for event in make_events())
