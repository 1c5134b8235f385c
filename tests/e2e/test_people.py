"""The running program, as people and operators meet it outside of relays: sign-in, mails, notices, metrics."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trio
from prometheus_client.parser import text_string_to_metric_families

from tests.support.gateway import running_gateway
from tests.support.mailbox import mailbox
from tests.support.provider import failure, provider
from tests.support.third_parties import CLIENT, SECRET, third_parties
from tests.support.world import bearer, chat_body

pytestmark = pytest.mark.slow


async def test_a_person_signs_in_with_oidc_verifies_an_address_and_resets_the_password(tmp_path: Path) -> None:
    with mailbox() as box:
        async with third_parties() as others, running_gateway(tmp_path, env={"WORKERS": 2}) as gateway:
            others.people["kim"] = {"preferred_username": "kim", "name": "Kim"}
            root = await gateway.login()
            for key, value in {
                "ServerAddress": gateway.url,
                "OidcClientId": CLIENT,
                "OidcClientSecret": SECRET,
                "OidcWellKnown": f"{others.url}/.well-known/openid-configuration",
                "OidcEnabled": "true",
                "SMTPServer": "127.0.0.1",
                "SMTPPort": box.port,
                "SMTPFrom": "gate@example.com",
            }.items():
                await root.option(key, value)
            # Options travel between the workers by message.
            await trio.sleep(0.5)
            kim = gateway.client()
            away = await kim.get("/api/oauth/oidc/authorize")
            back = await kim.get(away.headers["Location"])
            query = urlsplit(back.headers["Location"]).query
            assert (await kim.get(f"/api/oauth/oidc?{query}")).json()["data"]["username"] == "kim"
            await kim.get("/api/verification", params={"email": "kim@example.com"})
            # Whichever worker answers: the code is in the database.
            for wrong in ("aaaaa2", "aaaaa3"):
                answer = await kim.get("/api/oauth/email/bind", params={"email": "kim@example.com", "code": wrong})
                assert answer.json()["success"] is False
            code = box.last_to("kim@example.com").code
            answer = await kim.get("/api/oauth/email/bind", params={"email": "kim@example.com", "code": code})
            assert answer.json() == {"success": True, "message": ""}
            await kim.get("/api/reset_password", params={"email": "kim@example.com"})
            await box.wait(2)
            sent = {"email": "kim@example.com", "token": box.last_to("kim@example.com").token}
            password = (await gateway.client().post("/api/user/reset", json=sent)).json()["data"]
            assert (await kim.get("/api/user/self")).status_code == 401
            session = await gateway.login("kim@example.com", password)
            assert (await session.myself())["username"] == "kim"
            await gateway.assert_books_balance()


async def test_an_operator_hears_of_a_bad_key_and_of_low_quota_and_sees_it_all_in_the_metrics(tmp_path: Path) -> None:
    with mailbox() as box:
        async with third_parties() as others, provider() as mock:
            env = {"LOG_PUSH_API": f"{others.url}/alerts", "LOG_PUSH_TYPE": "oneapi", "LOG_PUSH_TOKEN": "t0ken"}
            async with running_gateway(tmp_path, env=env) as gateway:
                root = await gateway.login()
                for key, value in {
                    "MessagePusherAddress": f"{others.url}/push",
                    "AutomaticDisableChannelEnabled": "true",
                    "SMTPServer": "127.0.0.1",
                    "SMTPPort": box.port,
                    "SMTPFrom": "gate@example.com",
                    "QuotaRemindThreshold": 10_000_000,
                }.items():
                    await root.option(key, value)
                await root.add_channel(base_url=mock.url, models=["gpt-4o-mini"], name="weak")
                number = await root.add_user("alice", quota=5_000_000)
                edit = {"id": number, "username": "alice", "display_name": "alice", "email": "alice@example.com"}
                await root.call("PUT", "/api/user/", json=edit)
                token = await (await gateway.login("alice", "password123")).add_token()
                client = gateway.client()
                headers = bearer(token["key"])
                answer = await client.post("/v1/chat/completions", json=chat_body(), headers=headers)
                assert answer.status_code == 200, answer.text
                mock.standing(failure(401))
                await client.post("/v1/chat/completions", json=chat_body(), headers=headers)
                (push,) = await others.wait(others.pushes)
                assert push["title"] == "channel weak#1 was switched off"
                (alert,) = await others.wait(others.alerts)
                assert alert["variables"]["token"] == "t0ken"
                assert "weak#1 was switched off" in alert["variables"]["msg"]

                assert (await gateway.client().get("/metrics")).status_code == 401
                common = await gateway.login("alice", "password123")
                assert (await common.client.get("/metrics")).status_code == 403
                access = await root.call("GET", "/api/user/token")
                scrape = await gateway.client().get("/metrics", headers={"Authorization": f"Bearer {access}"})
                assert scrape.headers["Content-Type"].startswith("text/plain; version=0.0.4")
                found = {
                    (sample.name, sample.labels.get("outcome", "")): sample
                    for family in text_string_to_metric_families(scrape.text)
                    for sample in family.samples
                }
                ok = found["one_api_relays_total", "ok"]
                assert (ok.value, ok.labels["channel"], ok.labels["model"]) == (1, "weak#1", "gpt-4o-mini")
                assert found["one_api_relays_total", "upstream_failed"].value == 1
                assert found["one_api_ledger_items_total", ""].value >= 4
                (mail,) = await box.wait(1)
                assert mail.to == ["alice@example.com"]


async def test_without_prometheus_there_is_no_such_page(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, env={"ENABLE_PROMETHEUS_METRICS": "false"}) as gateway:
        root = await gateway.login()
        assert (await root.client.get("/metrics")).status_code == 404


async def test_an_unlimited_account_spends_without_a_balance_and_everything_is_counted(tmp_path: Path) -> None:
    async with provider() as mock, running_gateway(tmp_path) as gateway:
        root = await gateway.login()
        await root.add_channel(base_url=mock.url, models=["gpt-4o-mini"])
        number = await root.add_user("alice", quota=0)
        token = await (await gateway.login("alice", "password123")).add_token()
        client, headers = gateway.client(), bearer(token["key"])
        assert (await client.post("/v1/chat/completions", json=chat_body(), headers=headers)).status_code == 403
        edit = {"id": number, "username": "alice", "display_name": "alice"}
        await root.call("PUT", "/api/user/", json=edit | {"unlimited_quota": True})
        for body in (chat_body(), chat_body(stream=True)):
            answer = await client.post("/v1/chat/completions", json=body, headers=headers)
            assert answer.status_code == 200, answer.text
        with trio.fail_after(10):
            while len(charged := await root.logs(username="alice")) < 2:
                await trio.sleep(0.05)
        spent = sum(row["quota"] for row in charged)
        assert spent > 0
        alice = await root.user(number)
        assert (alice["quota"], alice["used_quota"], alice["request_count"]) == (0, spent, 2)
        # Who spends without a balance needs nobody's attention; who has none does.
        assert "alice has nothing left" not in (await root.client.get("/")).text
        await root.call("PUT", "/api/user/", json=edit | {"unlimited_quota": False})
        assert "alice has nothing left" in (await root.client.get("/")).text
        assert (await client.post("/v1/chat/completions", json=chat_body(), headers=headers)).status_code == 403
        await gateway.assert_books_balance()
