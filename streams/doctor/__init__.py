"""Is this site well, and if not, what is to be done? `wakeline doctor`: it asks Kafka and ClickHouse.

`findings` is what a check gives, `broker`, `groups`, `state` and `engine` are the checks, `run` does them
all, `report` prints. Nothing is changed, and no role is asked: what they leave behind is looked at.
"""
