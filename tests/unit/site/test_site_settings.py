"""What a site hands to its roles, and whom its engine knows."""

import json
import stat
from pathlib import Path

import pytest

from streams.local.accounts import accounts_in, with_local_password
from streams.local.errors import LocalError
from streams.local.site import environment_of
from streams.settings import Settings, load_settings


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(
            kafka="a:1,b:2",
            namespace="replay-1",
            clock="event",
            partitions=4,
            kafka_disk_bytes=10**9,
            content="drop",
            webhooks=("https://a.example/x", "https://b.example/y"),
            notify=False,
            detector_arl=1e6,
            health_port=9101,
            clickhouse_password='p"a s\\s',
        ),
    ],
)
def test_a_role_loads_exactly_the_settings_of_its_site(settings: Settings) -> None:
    assert load_settings(environment=environment_of(settings)) == settings


def test_passwords_are_made_once_for_the_owner_alone_and_differ(tmp_path: Path) -> None:
    first = accounts_in(tmp_path / "new")
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o600
    assert len({first.password, first.reader_password, accounts_in(tmp_path / "other").password}) == 3
    assert accounts_in(tmp_path / "new") == first
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["users.json"]
    assert json.loads(first.path.read_text())["grafana_reader"]["readonly"] is True


def test_a_users_file_of_somebody_else_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "users.json").write_text('{"root": {}}')
    with pytest.raises(LocalError, match=r"users\.json"):
        accounts_in(tmp_path)


def test_the_local_password_is_for_the_local_engine_and_its_users_alone(tmp_path: Path) -> None:
    accounts = accounts_in(tmp_path)

    def password(**given: str) -> str:
        return with_local_password(Settings(**given), tmp_path).clickhouse_password  # type: ignore[arg-type]  # strings

    assert password() == accounts.password
    assert password(clickhouse_user="grafana_reader") == accounts.reader_password
    assert password(clickhouse_user="somebody") == ""
    assert password(clickhouse_password="own") == "own"
    assert password(clickhouse_url="https://clickhouse.example:8443") == ""
