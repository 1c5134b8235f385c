"""E-mail addresses, as people prove, bind and lose them."""

from __future__ import annotations

import trio

from gateway.accounts.preferences import choose_looks
from gateway.accounts.user_care import send_reset
from gateway.audit.author import Author
from gateway.management.verification import RESET_ANSWER_S
from storage.repositories.audit import AuditFilter, page
from storage.repositories.rows import Page
from tests.identity.conftest import set_options
from tests.management.site import PASSWORD, Person, Site
from tests.support.mailbox import Mailbox

WRONG_CODE = "Verification code error or expired"
WRONG_LINK = "Reset link is illegal or expired"


async def _ask_code(person: Person, box: Mailbox, address: str) -> str:
    await person.call("GET", "/api/verification", params={"email": address})
    return box.last_to(address).code


def _registration(name: str, address: str, code: str) -> dict[str, object]:
    return {"username": name, "password": PASSWORD, "email": address, "verification_code": code}


async def test_a_code_registers_one_account_with_its_address_and_no_second(site: Site, box: Mailbox) -> None:
    await set_options(site, EmailVerificationEnabled="true")
    person = site.visitor()
    code = await _ask_code(person, box, "lena@example.com")
    await person.call("POST", "/api/user/register", json=_registration("lena", "lena@example.com", code))
    again = await person.refused("POST", "/api/user/register", json=_registration("lena2", "lena@example.com", code))
    assert again == WRONG_CODE
    await person.login("lena@example.com")
    assert (await person.call("GET", "/api/user/self"))["email"] == "lena@example.com"
    assert await person.refused("GET", "/api/verification", params={"email": "LENA@example.com"}) == (
        "Email address is occupied"
    )


async def test_case_and_blanks_in_a_typed_code_do_not_matter(site: Site, box: Mailbox) -> None:
    await set_options(site, EmailVerificationEnabled="true")
    person = site.visitor()
    code = await _ask_code(person, box, "Lena@Example.com")
    await person.call(
        "POST", "/api/user/register", json=_registration("lena", "lena@example.com", f" {code.upper()} ")
    )


async def test_a_taken_name_does_not_use_the_code_up(site: Site, box: Mailbox) -> None:
    await set_options(site, EmailVerificationEnabled="true")
    person = site.visitor()
    code = await _ask_code(person, box, "lena@example.com")
    taken = await person.refused("POST", "/api/user/register", json=_registration("root", "lena@example.com", code))
    assert taken == "Username already exists"
    await person.call("POST", "/api/user/register", json=_registration("lena", "lena@example.com", code))


async def test_five_wrong_guesses_end_a_code_and_five_mails_are_enough(site: Site, box: Mailbox) -> None:
    await set_options(site, EmailVerificationEnabled="true")
    person = site.visitor()
    code = await _ask_code(person, box, "lena@example.com")
    for _ in range(5):
        wrong = _registration("lena", "lena@example.com", "aaaaa2")
        assert await person.refused("POST", "/api/user/register", json=wrong) == WRONG_CODE
    right = _registration("lena", "lena@example.com", code)
    assert await person.refused("POST", "/api/user/register", json=right) == WRONG_CODE
    for _ in range(4):
        await _ask_code(person, box, "lena@example.com")
    flood = await person.send("GET", "/api/verification", params={"email": "lena@example.com"})
    assert flood.status_code == 429
    assert len(box.deliveries) == 5


async def test_a_code_for_one_address_is_no_code_for_another(site: Site, box: Mailbox) -> None:
    await set_options(site, EmailVerificationEnabled="true")
    person = site.visitor()
    code = await _ask_code(person, box, "lena@example.com")
    body = _registration("thief", "other@example.com", code)
    assert await person.refused("POST", "/api/user/register", json=body) == WRONG_CODE


async def test_binding_takes_the_address_and_only_once(site: Site, box: Mailbox) -> None:
    mona, nick = await site.user("mona"), await site.user("nick")
    code = await _ask_code(mona, box, "mona@example.com")
    query = {"email": "mona@example.com", "code": code}
    await mona.call("GET", "/api/oauth/email/bind", params=query)
    assert (await mona.call("GET", "/api/user/self"))["email"] == "mona@example.com"
    assert await nick.refused("GET", "/api/oauth/email/bind", params=query) == WRONG_CODE


async def test_two_who_have_codes_for_one_address_do_not_both_get_it(site: Site, box: Mailbox) -> None:
    await set_options(site, EmailVerificationEnabled="true")
    mona, other = await site.user("mona"), site.visitor()
    code = await _ask_code(other, box, "shared@example.com")
    answers: list[bool] = []

    async def bind() -> None:
        answer = await mona.send("GET", "/api/oauth/email/bind", params={"email": "shared@example.com", "code": code})
        answers.append(answer.json()["success"])

    async def register() -> None:
        body = _registration("other", "shared@example.com", code)
        answers.append((await other.send("POST", "/api/user/register", json=body)).json()["success"])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(bind)
        nursery.start_soon(register)
    assert sorted(answers) == [False, True]


async def test_only_domains_of_the_whitelist_get_codes(site: Site, box: Mailbox) -> None:
    await set_options(site, EmailDomainWhitelist="Good.example, other.example", EmailDomainRestrictionEnabled="true")
    person = site.visitor()
    await _ask_code(person, box, "max@good.example")
    for address in ("max@bad.example", "max@sub.good.example", "max@good.example.evil.example"):
        assert "whitelist" in await person.refused("GET", "/api/verification", params={"email": address})


async def test_mails_and_failures_are_in_the_readers_language(site: Site, box: Mailbox) -> None:
    chinese = {"Accept-Language": "zh-CN,zh;q=0.9"}
    person = site.visitor()
    await person.call("GET", "/api/verification", params={"email": "li@example.com"}, headers=chinese)
    assert "验证码" in box.last_to("li@example.com").text
    box.refuses = True
    told = await person.refused("GET", "/api/verification", params={"email": "wu@example.com"}, headers=chinese)
    assert told.startswith("发送邮件失败")
    told = await person.refused("GET", "/api/verification", params={"email": "wu@example.com"})
    assert told == "failed to send email: the mail server refuses the mail"


async def test_a_mail_is_in_the_language_that_its_reader_chose_else_in_the_site_s(site: Site, box: Mailbox) -> None:
    await set_options(site, DefaultLanguage="zh")
    person = site.visitor()
    await person.call("GET", "/api/verification", params={"email": "li@example.com"})
    assert "验证码" in box.last_to("li@example.com").text
    await person.call(
        "GET", "/api/verification", params={"email": "wu@example.com"}, headers={"Accept-Language": "en-GB"}
    )
    assert "verification code" in box.last_to("wu@example.com").text

    await site.user("mona")
    number = await site.number_of("mona")
    edit = {"id": number, "username": "mona", "display_name": "Mona", "email": "mona@example.com"}
    await site.root.call("PUT", "/api/user/", json=edit)
    boss = Author(id=1, username="root", role=100, address="::1", via="page")
    for chosen, word in (("", "密码重置"), ("en", "reset your password")):
        await choose_looks(site.services, number, {"lang": chosen} if chosen else {})
        await send_reset(site.services, boss, site.outside.courier, number)
        assert word in box.last_to("mona@example.com").message["Subject"]
    # Who asks reads Chinese, yet the account is somebody's who does not.
    await person.call(
        "GET", "/api/reset_password", params={"email": "mona@example.com"}, headers={"Accept-Language": "zh"}
    )
    assert "reset your password" in (await box.wait(5))[-1].message["Subject"]


async def test_a_reset_changes_the_password_ends_sessions_and_works_once(site: Site, box: Mailbox) -> None:
    mona = await site.user("mona")
    code = await _ask_code(mona, box, "mona@example.com")
    await mona.call("GET", "/api/oauth/email/bind", params={"email": "mona@example.com", "code": code})
    stranger = site.visitor()
    await stranger.call("GET", "/api/reset_password", params={"email": "mona@example.com"})
    await box.wait(2)
    mail = box.last_to("mona@example.com")
    assert "/user/reset?email=mona%40example.com&token=" in mail.text
    sent = {"email": "mona@example.com", "token": mail.token}
    assert await stranger.refused("POST", "/api/user/reset", json={**sent, "token": "0" * 32}) == WRONG_LINK
    password = await stranger.call("POST", "/api/user/reset", json=sent)
    assert await stranger.refused("POST", "/api/user/reset", json=sent) == WRONG_LINK
    assert (await mona.send("GET", "/api/user/self")).status_code == 401
    await stranger.login("mona", password)


async def test_a_page_may_let_people_choose_the_new_password(site: Site, box: Mailbox) -> None:
    mona = await site.user("mona")
    code = await _ask_code(mona, box, "mona@example.com")
    await mona.call("GET", "/api/oauth/email/bind", params={"email": "mona@example.com", "code": code})
    await mona.call("GET", "/api/reset_password", params={"email": "mona@example.com"})
    await box.wait(2)
    sent = {"email": "mona@example.com", "token": box.last_to("mona@example.com").token}
    short = await mona.refused("POST", "/api/user/reset", json={**sent, "password": "short"})
    assert short.startswith("Invalid input")
    assert await mona.call("POST", "/api/user/reset", json={**sent, "password": "my-own-choice"}) is None
    await site.visitor().login("mona", "my-own-choice")


async def test_accounts_that_share_an_address_are_reset_one_by_one(site: Site, box: Mailbox) -> None:
    for name in ("mona", "nick"):
        await site.user(name)
        body = {"id": await site.number_of(name), "username": name, "display_name": name, "email": "both@example.com"}
        await site.root.call("PUT", "/api/user/", json=body)
    person = site.visitor()
    await person.call("GET", "/api/reset_password", params={"email": "both@example.com"})
    mails = await box.wait(2)
    (nicks,) = [mail for mail in mails if "account nick" in mail.text]
    password = await person.call("POST", "/api/user/reset", json={"email": "both@example.com", "token": nicks.token})
    await site.visitor().login("nick", password)
    await site.visitor().login("mona")


async def test_nothing_tells_whether_an_address_is_known(site: Site, box: Mailbox) -> None:
    await site.user("mona")
    body = {
        "id": await site.number_of("mona"),
        "username": "mona",
        "display_name": "mona",
        "email": "mona@example.com",
    }
    await site.root.call("PUT", "/api/user/", json=body)
    person = site.visitor()
    answers = []
    for address in ("mona@example.com", "ghost@example.com"):
        started = trio.current_time()
        answer = await person.send("GET", "/api/reset_password", params={"email": address})
        assert trio.current_time() - started >= RESET_ANSWER_S
        answers.append((answer.status_code, answer.json()))
    assert answers[0] == answers[1] == (200, {"success": True, "message": ""})
    await box.wait(1)
    assert [mail.to for mail in box.deliveries] == [["mona@example.com"]]


async def test_without_a_mail_server_everybody_is_told_the_same(site: Site) -> None:
    await set_options(site, SMTPServer="")
    for address in ("root@example.com", "ghost@example.com"):
        told = await site.visitor().refused("GET", "/api/reset_password", params={"email": address})
        assert told == "failed to send email: SMTP server not configured"


async def test_what_a_mailed_link_or_code_did_is_written_down_with_where_it_came_from(
    site: Site, box: Mailbox
) -> None:
    mona = await site.user("mona")
    code = await _ask_code(mona, box, "mona@example.com")
    await mona.call("GET", "/api/oauth/email/bind", params={"email": "mona@example.com", "code": code})
    await mona.call("GET", "/api/reset_password", params={"email": "mona@example.com"})
    await box.wait(2)
    mail = box.last_to("mona@example.com")
    sent = {"email": "mona@example.com", "token": mail.token, "password": "my-own-choice"}
    await site.visitor().call("POST", "/api/user/reset", json=sent)
    wanted = AuditFilter(kind="user", object_id=await site.number_of("mona"))
    rows, _total = await site.services.database.read(lambda conn: page(conn, wanted, Page(0, 9)))
    assert [(row.action, row.address) for row in rows[:2]] == [
        ("user.password-reset", "127.0.0.1"),
        ("user.update", "127.0.0.1"),
    ]
