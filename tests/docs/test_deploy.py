"""Files of deployments parse, use variables that exist, and wait longer for the drain than it takes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.config.settings import SPECS, load_settings

ROOT = Path(__file__).parent.parent.parent
VARIABLES = {name for spec in SPECS for name in spec.names}


@pytest.fixture
def compose() -> Any:
    return yaml.safe_load((ROOT / "deploy/docker-compose.yml").read_text(encoding="utf-8"))


@pytest.fixture
def deployment() -> Any:
    documents = list(yaml.safe_load_all((ROOT / "deploy/kubernetes.yaml").read_text(encoding="utf-8")))
    assert {document["kind"] for document in documents} == {"Deployment", "Service", "PodDisruptionBudget"}
    return next(document for document in documents if document["kind"] == "Deployment")


def drain_s(environ: dict[str, str]) -> float:
    settings = load_settings(environ).settings
    return settings.drain_delay_sec + settings.shutdown_timeout_sec


def test_compose_gives_good_variables_and_time_for_the_drain(compose):
    gateway = compose["services"]["one-api"]
    environ = {name: re.sub(r"\$\{[^}]*\}", "x", value) for name, value in gateway["environment"].items()}
    assert set(environ) <= VARIABLES
    assert int(gateway["stop_grace_period"].removesuffix("s")) > drain_s(environ) + 30
    assert gateway["read_only"] is True
    assert set(gateway["depends_on"]) == {"db", "redis"}
    for name in gateway["depends_on"]:
        assert compose["services"][name]["healthcheck"]["test"]


def test_kubernetes_gives_good_variables_and_time_for_the_drain(deployment):
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    environ = {item["name"]: item["value"] for item in container["env"]}
    assert set(environ) <= VARIABLES
    assert pod["terminationGracePeriodSeconds"] > drain_s(environ) + 30
    assert load_settings(environ).settings.drain_delay_sec > 0
    assert container["readinessProbe"]["httpGet"]["path"] == "/api/status"
    assert "httpGet" not in container["livenessProbe"], "a drain must not look like a death"
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    selector = deployment["spec"]["selector"]["matchLabels"]
    assert selector.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


def test_the_image_runs_without_root_writes_to_data_and_checks_its_health():
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for line in ("USER 65532:65532", "WORKDIR /data", "VOLUME /data", 'ENTRYPOINT ["one-api"]', "STOPSIGNAL SIGTERM"):
        assert line in text
    health = json.loads(text.partition("CMD [")[2].partition("\n")[0].join(["[", ""]))
    assert health[:2] == ["python", "-c"]
    compile(health[2], "health check", "exec")
    assert "/api/status" in health[2]
    # All that is copied from the folder is let through to the build.
    let_through = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    for source in ("requirements/", "pyproject.toml", "README.md", "LICENSE", "gateway/", "adapters/", "storage/"):
        assert f"!{source}" in let_through
        assert re.search(rf"^COPY .*{re.escape(source)}", text, re.MULTILINE)


def test_hooks_run_what_scripts_check_runs():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    entries = " ".join(hook["entry"] for repo in hooks["repos"] for hook in repo["hooks"])
    script = (ROOT / "scripts/check").read_text(encoding="utf-8")
    for tool in ("ruff check", "ruff format", "mypy", "lint-imports"):
        assert tool in entries
        assert tool in script
