"""Settings: kept, checked, and what a rollback brings back."""

import pytest

from mfgsql.server.session.settings import Change, Settings
from mfgsql.wire.errors import WireError


def test_a_default_a_value_and_back():
    settings = Settings({"session_authorization": "anna"})
    assert settings["SESSION_AUTHORIZATION"] == "anna"
    assert settings.set("Application_Name", "x") == Change("application_name", "x")
    assert settings["application_name"] == "x"
    assert settings.set("application_name", None) == Change("application_name", "")


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("client_encoding", "utf-8", "UTF8"), ("timezone", "Europe/Berlin", "Europe/Berlin"), ("timezone", "GMT", "UTC"),
        ("timezone", "9", "Etc/GMT-9"), ("timezone", "-5", "Etc/GMT+5"), ("timezone", "0", "UTC"),
        ("datestyle", "ISO, DMY", "ISO, MDY"), ("jit", "TRUE", "on"), ("statement_timeout", "5min", "5min"),
        ("my.own", "x", "x"),
    ],
)  # fmt: skip
def test_values(name, value, kept):
    assert Settings({}).set(name, value).value == kept


@pytest.mark.parametrize(
    ("name", "value", "sqlstate"),
    [
        ("nonsense", "1", "42704"), ("server_version", "9", "55P02"), ("client_encoding", "LATIN1", "22023"),
        ("timezone", "Nowhere/At_all", "22023"), ("timezone", "../etc/passwd", "22023"), ("timezone", "99", "22023"),
        ("statement_timeout", "soon", "22023"), ("datestyle", "SQL, DMY", "0A000"), ("bytea_output", "escape", "0A000"),
        ("standard_conforming_strings", "off", "0A000"), ("intervalstyle", "iso_8601", "0A000"),
    ],
)  # fmt: skip
def test_what_can_not_be_set(name, value, sqlstate):
    with pytest.raises(WireError) as caught:
        Settings({}).set(name, value)
    assert caught.value.sqlstate == sqlstate


def test_a_rollback_brings_back_what_was():
    settings = Settings({})
    settings.set("application_name", "before")
    settings.begin()
    settings.set("application_name", "within")
    settings.set("jit", "on", local=True)
    assert set(settings.end(committed=False)) == {Change("application_name", "before"), Change("jit", "off")}


def test_a_commit_keeps_all_but_what_is_local():
    settings = Settings({})
    settings.begin()
    settings.set("application_name", "within")
    settings.set("jit", "on", local=True)
    assert settings.end(committed=True) == [Change("jit", "off")]
    assert settings["application_name"] == "within"


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", None), ("1500", 1.5), ("2s", 2.0), ("1min", 60.0), ("500ms", 0.5), ("1.5 s", 1.5)]
)
def test_durations(text, seconds):
    settings = Settings({})
    settings.set("statement_timeout", text)
    assert settings.seconds("statement_timeout") == seconds


def test_the_search_path():
    settings = Settings({})
    assert settings.schemas() == ["main"]
    settings.set("search_path", '"$user", public, Sales, "Odd ""name"')
    assert settings.schemas() == ["main", "sales", 'Odd "name']
    for hidden in ("ml_catalog", '"ML_catalog"', "main, ml_pg"):
        with pytest.raises(WireError):
            settings.set("search_path", hidden)
