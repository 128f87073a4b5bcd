"""What does `wakeline topics` print? What differs, and what was done about it."""

from streams.admin import check_topics, create_topics
from streams.settings import Settings


def run_topics(settings: Settings, *, check: bool, sources: bool) -> int:
    """Create and set right, or only look.

    Args:
        settings: namespace, partitions, Kafka.
        check: change nothing.
        sources: also set the configuration of source topics that exist.

    Returns:
        0; with `check` 1 when anything differs.

    Raises:
        TopicsRefused: a topic has other partitions.
        KafkaUnavailable: no broker answers.
    """
    if check:
        problems = check_topics(settings)
        for problem in problems:
            print(problem)
        print(f"{len(problems)} difference(s)." if problems else "All topics are as declared.")
        return 1 if problems else 0
    done = create_topics(settings, sources_too=sources)
    for name in done.create:
        print(f"{name}: created with {done.partitions} partitions")
    for drift in done.drift:
        changed = drift.ours or sources
        print(f"{drift}: {'set' if changed else 'left alone, the topic is not ours (--sources sets it)'}")
    print(f"All topics of the namespace {settings.namespace} are there.")
    return 0
