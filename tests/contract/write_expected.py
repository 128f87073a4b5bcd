"""Writes what new examples decode to: ``python -m tests.contract.write_expected``.

What is written is looked at by a person, and never changed without a reason.
"""

import json

import msgspec

from schemas import native, otlp
from tests.contract.test_golden_examples import EXAMPLES, INPUTS


def main() -> None:
    for path in INPUTS:
        target = EXAMPLES / "expected" / f"{path.name}.json"
        if target.exists():
            continue
        decoded = (otlp if path.name.startswith("otlp") else native).decode(path.read_bytes())
        assert not decoded.rejected, decoded.rejected
        events = json.loads(msgspec.json.encode(decoded.events))
        target.write_text(json.dumps(events, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(target.name)


if __name__ == "__main__":
    main()
