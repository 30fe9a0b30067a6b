from pathlib import Path

import pytest

from recommender.errors import ConfigError
from recommender.serving.settings import WorkerSettings


@pytest.mark.parametrize("config", [None, Path("/etc/cartlift/serve.toml")])
def test_settings_come_back_from_the_environment_as_they_went_in(tmp_path, config):
    settings = WorkerSettings("redis://user:p%20w@host:6379/0", "shop-1", tmp_path, config)
    assert WorkerSettings.from_environment(settings.to_environment()) == settings


def test_a_missing_setting_is_named_and_no_value_is_shown(tmp_path):
    environment = WorkerSettings("redis://:secret@host", "shop", tmp_path).to_environment()
    del environment["CARTLIFT_SERVE_SHOP"]
    with pytest.raises(ConfigError, match="CARTLIFT_SERVE_SHOP must be set") as refusal:
        WorkerSettings.from_environment(environment)
    assert "secret" not in str(refusal.value)
