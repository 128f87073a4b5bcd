"""Windows: integer sums of steps by minute and hour, that can be added to and taken from.

Between DRIFT's processor, which hands over settled steps, and ClickHouse, where queries add epochs up. Pure:
no clock but the one handed in, no Kafka, no ClickHouse.
"""
