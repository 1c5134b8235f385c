"""How each kind of variable is read, and what a wrong value is answered with."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.config.settings import SPECS, ConfigurationError, Loaded, Settings, load_settings
from tests.config.original import VARIABLES


def problems(environ: dict[str, str], **more: object) -> dict[str, str]:
    """Return what is complained of, by variable."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings(environ, **more)
    return {problem.variable: str(problem) for problem in caught.value.problems}


def load(**environ: str) -> Loaded:
    return load_settings(environ)


def test_every_variable_of_one_api_is_read_under_its_name_with_its_default():
    by_name = {name: spec for spec in SPECS for name in spec.names}
    assert set(VARIABLES) <= set(by_name)
    assert len(VARIABLES) == 66
    defaults = Settings()
    for name, default in VARIABLES.items():
        value = getattr(defaults, by_name[name].field)
        assert value == default or (default is None and not value), name


def test_every_variable_takes_a_value_from_the_environment():
    samples = {"boolean": "true", "whole number": "7", "number": "0.5", "list": "10.0.0.0/8", "text": "x"}
    special = {
        "NODE_TYPE": "slave", "THEME": "air", "SQL_DSN": "postgres://u:p@h/d", "LOG_SQL_DSN": "u:p@tcp(h:1)/d",
        "REDIS_CONN_STRING": "h:1", "REDIS_MASTER_NAME": "m", "RELAY_PROXY": "http://p:1", "FORWARD_HEADERS": "X-A",
        "USER_CONTENT_REQUEST_PROXY": "socks5://p:1", "LOG_PUSH_API": "https://a", "FRONTEND_BASE_URL": "https://a",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "https://a",
        "ENCRYPTION_KEYS": "k" * 32,
    }  # fmt: skip
    environ = {spec.name: special.get(spec.name, samples[spec.kind]) for spec in SPECS}
    loaded = load_settings(environ)
    assert loaded.given == {spec.field for spec in SPECS}
    changed = [spec for spec in SPECS if getattr(loaded.settings, spec.field) != spec.default]
    unchanged = {spec.name for spec in SPECS} - {spec.name for spec in changed}
    # Those whose default is true already.
    assert unchanged == {"ENFORCE_INCLUDE_USAGE", "ENABLE_PROMETHEUS_METRICS"}


@pytest.mark.parametrize("text", ["true", "TRUE", "True", "tRuE"])
def test_true_in_any_case_is_true(text):
    assert load(ENABLE_METRIC=text).settings.enable_metric is True


@pytest.mark.parametrize("text", ["false", "False", "0", ""])
def test_false_zero_and_empty_are_false_without_a_word(text):
    loaded = load(ENFORCE_INCLUDE_USAGE=text)
    assert loaded.settings.enforce_include_usage is False
    assert loaded.warnings == ()


@pytest.mark.parametrize("text", ["1", "yes", "on", "t", "enabled", " true"])
def test_other_words_warn_and_count_as_false_for_booleans_of_one_api(text):
    loaded = load(ENFORCE_INCLUDE_USAGE=text)
    assert loaded.settings.enforce_include_usage is False
    (warning,) = loaded.warnings
    assert "ENFORCE_INCLUDE_USAGE" in warning
    assert repr(text) in warning
    assert "false" in warning


def test_other_words_are_wrong_for_booleans_of_ours():
    assert problems({"FETCH_ALLOW_PRIVATE": "yes"}) == {
        "FETCH_ALLOW_PRIVATE": "FETCH_ALLOW_PRIVATE: read 'yes', expected true or false"
    }


@pytest.mark.parametrize("text", ["three", "3000.0", "3_000", "0x10", "70000", "-1", "1e3", "99999999999999999999"])
def test_what_is_no_port_is_refused_with_name_value_and_expectation(text):
    assert problems({"PORT": text}) == {"PORT": f"PORT: read {text!r}, expected a whole number from 0 to 65535"}


@pytest.mark.parametrize("text", ["soon", "nan", "inf", "-0.1", "1s"])
def test_what_is_no_number_of_seconds_is_refused(text):
    said = problems({"IDLE_TIMEOUT_SEC": text})["IDLE_TIMEOUT_SEC"]
    assert said == f"IDLE_TIMEOUT_SEC: read {text!r}, expected a number, 0 or more (s)"


def test_an_empty_value_is_a_missing_one():
    environ = {spec.name: "" for spec in SPECS if spec.kind not in {"boolean", "list"} and spec.name != "LOG_DIR"}
    loaded = load_settings(environ)
    assert loaded.settings == Settings()
    assert loaded.given == frozenset()


def test_an_empty_log_dir_means_no_files():
    assert load(LOG_DIR="").settings.log_dir == ""


def test_all_problems_are_reported_together():
    said = problems(
        {
            "PORT": "x",
            "THEME": "pink",
            "SQL_DSN": "mysql://u:secret@h/d",
            "RELAY_PROXY": "ftp://u:secret@p",
            "WORKERS": "0",
        }
    )
    assert set(said) == {"PORT", "THEME", "SQL_DSN", "RELAY_PROXY", "WORKERS"}
    assert "secret" not in "".join(said.values())
    assert "default or berry or air or modern" in said["THEME"]


def test_the_shutdown_timeout_has_two_names_of_which_ours_wins():
    assert load(SHUTDOWN_TIMEOUT="5").settings.shutdown_timeout_sec == 5
    assert load(SHUTDOWN_TIMEOUT="5", SHUTDOWN_TIMEOUT_SEC="7.5").settings.shutdown_timeout_sec == 7.5
    assert list(problems({"SHUTDOWN_TIMEOUT": "x"})) == ["SHUTDOWN_TIMEOUT"]


def test_the_idle_timeout_of_one_api_is_not_ours():
    settings = load(IDLE_TIMEOUT="7").settings
    assert settings.idle_timeout == 7
    assert settings.idle_timeout_sec == 300


def test_trusted_proxies_are_networks_or_addresses_and_empty_means_nobody():
    settings = load(TRUSTED_PROXIES="10.1.0.0/16, fd00::/8 192.0.2.7").settings
    assert settings.trusted_proxies == tuple(map(ip_network, ("10.1.0.0/16", "fd00::/8", "192.0.2.7")))
    assert load(TRUSTED_PROXIES="").settings.trusted_proxies == ()
    assert ip_network("127.0.0.0/8") in Settings().trusted_proxies
    assert ip_network("172.16.0.0/12") in Settings().trusted_proxies


@pytest.mark.parametrize("wrong", ["10.0.0.1/8", "proxy.example", "300.0.0.1", "10.0.0.0/33"])
def test_each_wrong_network_is_named(wrong):
    said = problems({"TRUSTED_PROXIES": f"10.0.0.0/8,{wrong}"})["TRUSTED_PROXIES"]
    assert repr(wrong) in said
    assert "10.0.0.0/8" in said


def test_forwarded_headers_are_names_in_lower_case():
    assert load(FORWARD_HEADERS="X-One, x-TWO").settings.forward_headers == ("x-one", "x-two")


@pytest.mark.parametrize(
    "wrong", ["Authorization", "Cookie", "Host", "X-Forwarded-For", "Connection", "a:b", "x-api-key"]
)
def test_headers_with_credentials_or_of_the_connection_cannot_be_forwarded(wrong):
    assert repr(wrong) in problems({"FORWARD_HEADERS": f"X-One,{wrong}"})["FORWARD_HEADERS"]


@pytest.mark.parametrize("name", ["RELAY_PROXY", "USER_CONTENT_REQUEST_PROXY"])
@pytest.mark.parametrize("wrong", ["proxy:3128", "ftp://proxy", "http://", "http://proxy:port", "http://a b"])
def test_a_proxy_is_an_address_with_a_known_scheme(name, wrong):
    assert list(problems({name: wrong})) == [name]
    assert load(**{name: "socks5://user:pw@proxy:1080"})


@pytest.mark.parametrize("wrong", ["redis", "http://h:1", "redis://", "redis://h:port", "redis://h/one"])
def test_redis_is_an_address(wrong):
    assert list(problems({"REDIS_CONN_STRING": wrong})) == ["REDIS_CONN_STRING"]


def test_with_a_master_name_redis_is_a_list_of_sentinels():
    assert load(REDIS_CONN_STRING="a:26379,b:26379", REDIS_MASTER_NAME="m").settings.uses_redis
    said = problems({"REDIS_CONN_STRING": "redis://a:1", "REDIS_MASTER_NAME": "m"})
    assert "host:port,host:port" in said["REDIS_CONN_STRING"]


def test_a_sync_frequency_of_zero_turns_redis_off_and_says_so():
    loaded = load(REDIS_CONN_STRING="redis://h", SYNC_FREQUENCY="0")
    assert not loaded.settings.uses_redis
    assert any("REDIS_CONN_STRING" in warning for warning in loaded.warnings)


@pytest.mark.parametrize("name", ["SQL_DSN", "LOG_SQL_DSN"])
def test_a_wrong_database_address_tells_the_forms_and_no_password(name):
    said = problems({name: "mysql://root:hunter2@h/db"})[name]
    assert "hunter2" not in said
    assert "postgres://" in said
    assert "@tcp(" in said


def test_a_wrong_sqlite_path_is_named_when_sqlite_is_used():
    assert list(problems({"SQLITE_PATH": ":memory:"})) == ["SQLITE_PATH"]


def test_secrets_do_not_show_in_repr():
    secrets = {
        "SQL_DSN": "postgres://u:hunter2@h/d", "LOG_SQL_DSN": "u:hunter2@tcp(h:1)/d", "SESSION_SECRET": "hunter2",
        "REDIS_CONN_STRING": "redis://:hunter2@h", "REDIS_PASSWORD": "hunter2", "LOG_PUSH_TOKEN": "hunter2",
        "INITIAL_ROOT_TOKEN": "hunter2", "INITIAL_ROOT_ACCESS_TOKEN": "hunter2", "RELAY_PROXY": "http://u:hunter2@p",
        "USER_CONTENT_REQUEST_PROXY": "http://u:hunter2@p", "LOG_PUSH_API": "https://a/hunter2",
    }  # fmt: skip
    loaded = load_settings(secrets)
    assert loaded.settings.session_secret == "hunter2"
    assert "hunter2" not in repr(loaded)
    assert "hunter2" not in str(loaded.settings)
    for spec in SPECS:
        assert "hunter2" not in spec.shown(getattr(loaded.settings, spec.field)), spec.name


def test_settings_are_frozen_and_do_not_look_at_the_environment(monkeypatch):
    monkeypatch.setenv("PORT", "4000")
    settings = Settings(workers=2)
    assert (settings.port, settings.workers) == (3000, 2)
    with pytest.raises(ValidationError):
        settings.port = 1


def test_unknown_variables_are_ignored():
    assert load(PORTS="x", ONE_API_PORT="y").settings == Settings()


@pytest.mark.parametrize(
    ("environ", "word"),
    [
        ({"DEBUG": "true"}, "rate limit"),
        ({"FETCH_ALLOW_PRIVATE": "true"}, "network"),
        ({"SESSION_SECRET": "random_string"}, "forge"),
        ({"REDIS_CONN_STRING": "redis://h"}, "SESSION_SECRET"),
        ({"FRONTEND_BASE_URL": "https://a"}, "NODE_TYPE=slave"),
        ({"REDIS_MASTER_NAME": "m"}, "REDIS_CONN_STRING"),
        ({"INITIAL_ROOT_TOKEN": "my-key"}, "INITIAL_ROOT_TOKEN"),
    ],
)
def test_risky_settings_are_warned_of(environ, word):
    assert any(word in warning for warning in load_settings(environ).warnings)


def test_the_environment_wins_over_dotenv_which_wins_over_flags(tmp_path: Path):
    dotenv = tmp_path / ".env"
    dotenv.write_text("# a comment\nexport PORT=4000\nWORKERS='3'\n", encoding="utf-8")
    flags = {"port": "6000", "log_dir": "elsewhere"}
    loaded = load_settings({"WORKERS": "2"}, dotenv_path=dotenv, flags=flags)
    assert (loaded.settings.port, loaded.settings.workers, loaded.settings.log_dir) == (4000, 2, "elsewhere")
    assert any("PORT" in warning and "--port" in warning for warning in loaded.warnings)
    assert load_settings({}, dotenv_path=tmp_path / "none", flags=flags).settings.port == 6000


def test_wrong_flags_are_problems_too():
    assert problems({}, flags={"port": "x"})["--port"].startswith("--port: read 'x'")


def test_a_dotenv_file_that_cannot_be_read_is_a_problem_and_shows_no_line(tmp_path: Path):
    broken = tmp_path / ".env"
    broken.write_text('PORT=4000\nSESSION_SECRET="hunter2\n', encoding="utf-8")
    (said,) = problems({}, dotenv_path=broken).values()
    assert "line 2" in said
    assert "hunter2" not in said
    broken.write_bytes(b"PORT=\xff\xfe")
    assert "UTF-8" in str(problems({}, dotenv_path=broken))
    folder = tmp_path / "folder"
    folder.mkdir()
    assert str(folder) in problems({}, dotenv_path=folder)
