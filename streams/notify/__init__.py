"""NOTIFY: how does an alert reach people's tools? Each to each webhook, exactly recorded, none forgotten."""
