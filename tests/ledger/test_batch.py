"""One batch: each item is decided alone, sums are right, repetition changes nothing."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import delete, select, update

from storage.ledger_tables import gw_ledger, gw_outbox, gw_reaped, gw_reservations
from storage.repositories.ledger_batch import apply
from storage.repositories.ledger_ops import Op, Outcome, Reap, Verdict
from storage.repositories.users import set_unlimited
from storage.tables import logs, tokens, traces, user_request_costs, users
from tests.ledger.support import NOW_MS, Accounts, Books

DONE = Verdict.DONE


def do(books: Books, *ops: Op, outbox: bool = False) -> list[Verdict]:
    return [outcome.verdict for outcome in outcomes(books, *ops, outbox=outbox)]


def outcomes(books: Books, *ops: Op, outbox: bool = False) -> list[Outcome]:
    return books.database.write_sync(partial(apply, ops=ops, now_ms=NOW_MS, outbox=outbox))


def test_settling_moves_every_total_and_writes_every_row(books: Books) -> None:
    who = books.accounts(1000, 500)
    assert do(books, who.reserve_op("a", 100)) == [DONE]
    assert (books.user(who.user).quota, books.token(who.token).remain_quota) == (900, 400)
    assert do(books, who.settle_op("a", 130)) == [DONE]

    user, token = books.user(who.user), books.token(who.token)
    assert (user.quota, user.used_quota, user.request_count) == (870, 130, 1)
    assert (token.remain_quota, token.used_quota, token.accessed_time) == (370, 130, NOW_MS // 1000)
    assert books.channel(who.channel).used_quota == 130
    assert books.held() == []
    [charge] = [row for row in books.rows(gw_ledger) if row.kind == "charge"]
    assert (charge.user_units, charge.token_units, charge.channel_units) == (-130, -130, 130)
    [log] = books.rows(logs)
    assert (log.quota, log.request_id, log.user_id) == (130, "a", who.user)
    [cost] = books.rows(user_request_costs)
    assert (cost.quota, cost.request_id, cost.user_id) == (130, "a", who.user)
    assert [row.trace_id for row in books.rows(traces)] == ["t-a"]
    assert books.differences() == []


def test_unlimited_token_counts_use_and_keeps_its_rest(books: Books) -> None:
    who = books.accounts(1000)
    assert do(books, who.reserve_op("a", 100), who.settle_op("a", 70)) == [DONE, DONE]
    token = books.token(who.token)
    assert (token.remain_quota, token.used_quota) == (-1, 70)
    assert books.user(who.user).quota == 930
    assert books.differences() == []


def test_items_of_a_batch_fail_alone(books: Books) -> None:
    rich, poor = books.accounts(1000, 50), books.accounts(99, 1000)
    got = outcomes(
        books, rich.reserve_op("a", 50), rich.reserve_op("b", 1), poor.reserve_op("c", 100), poor.reserve_op("d", 99)
    )
    assert [item.verdict for item in got] == [DONE, Verdict.TOKEN_SHORT, Verdict.USER_SHORT, DONE]
    assert [item.missing_units for item in got] == [0, 1, 1, 0]
    assert books.held() == ["a", "d"]
    # Nothing of what failed was taken: a token's refusal leaves the user alone, too.
    assert books.user(rich.user).quota == 950
    assert books.token(poor.token).remain_quota == 901
    assert books.differences() == []


def test_negative_balance_reserves_not_even_nothing(books: Books) -> None:
    who = books.accounts(10)
    do(books, who.reserve_op("a", 10), who.settle_op("a", 25))
    assert books.user(who.user).quota == -15
    assert outcomes(books, who.reserve_op("b", 0)) == [Outcome(Verdict.USER_SHORT, 15)]


def test_failed_relay_leaves_only_its_trace(books: Books) -> None:
    who = books.accounts(1000, 500)
    do(books, who.reserve_op("a", 100), who.settle_op("a", 0, delivered=False))
    user = books.user(who.user)
    assert (user.quota, user.used_quota, user.request_count) == (1000, 0, 0)
    assert books.token(who.token).remain_quota == 500
    assert (books.count(logs), books.count(user_request_costs), books.count(traces)) == (0, 0, 1)
    assert [row.kind for row in books.rows(gw_ledger) if row.kind != "opening"] == []


def test_free_relay_counts_and_is_logged(books: Books) -> None:
    who = books.accounts(1000)
    do(books, who.reserve_op("a", 0), who.settle_op("a", 0))
    assert books.user(who.user).request_count == 1
    assert [row.quota for row in books.rows(logs)] == [0]
    assert [row.quota for row in books.rows(user_request_costs)] == [0]


def test_settling_twice_books_once(books: Books) -> None:
    who = books.accounts(1000, 500)
    do(books, who.reserve_op("a", 100))
    settle = who.settle_op("a", 30)
    assert do(books, settle, settle) == [DONE, Verdict.REPEATED]
    assert do(books, settle) == [Verdict.REPEATED]
    assert books.user(who.user).quota == 970
    assert books.count(logs) == 1
    assert books.differences() == []


def test_repeated_reservation_takes_nothing_more(books: Books) -> None:
    who = books.accounts(1000, 500)
    op = who.reserve_op("a", 100)
    do(books, op)
    op.repeated = True
    assert do(books, op) == [DONE]
    assert books.user(who.user).quota == 900
    stranger = who.reserve_op("a", 100, replica_id="another")
    stranger.repeated = True
    assert do(books, stranger) == [Verdict.TAKEN]


def test_amendment_tops_up_once_and_moves(books: Books) -> None:
    who = books.accounts(1000, 500)
    other = books.add_channel()
    do(books, who.reserve_op("a", 100))
    amend = who.amend_op("a", 50, number=1)
    amend.channel_id = other
    assert do(books, amend) == [DONE]
    # After an unknown COMMIT it comes again.
    assert do(books, amend) == [DONE]
    assert (books.user(who.user).quota, books.token(who.token).remain_quota) == (850, 350)
    assert [row.channel_id for row in books.rows(gw_reservations)] == [other]
    assert do(books, who.amend_op("a", 351, number=2)) == [Verdict.TOKEN_SHORT]
    assert do(books, who.amend_op("b", 1, number=3)) == [Verdict.GONE]
    assert books.differences() == []
    do(books, who.settle_op("a", 149))
    assert books.user(who.user).quota == 851


def test_token_that_changes_its_kind_during_a_relay_keeps_the_books(books: Books) -> None:
    who, free = books.accounts(1000, 500), books.accounts(1000)
    do(books, who.reserve_op("a", 100), free.reserve_op("b", 100))
    books.database.write_sync(
        lambda conn: [
            conn.execute(update(tokens).where(tokens.c.id == id_).values(unlimited_quota=unlimited))
            for id_, unlimited in ((who.token, True), (free.token, False))
        ]
    )
    do(books, who.settle_op("a", 40), free.settle_op("b", 40))
    # What was taken from the first one's rest went back to it; the second one's was never touched.
    assert books.token(who.token).remain_quota == 460
    assert books.token(free.token).remain_quota == -1
    assert books.differences() == []


def make_unlimited(books: Books, who: Accounts, unlimited: bool = True) -> None:
    work = partial(set_unlimited, user_id=who.user, unlimited=unlimited, now_ms=NOW_MS)
    books.database.write_sync(work)


def test_unlimited_account_is_never_short_and_all_it_uses_is_counted(books: Books) -> None:
    who = books.accounts(5, 500)
    make_unlimited(books, who)
    assert do(books, who.reserve_op("a", 100), who.amend_op("a", 50, 1), who.settle_op("a", 120)) == [DONE] * 3
    user, token = books.user(who.user), books.token(who.token)
    assert (user.quota, user.used_quota, user.request_count) == (5, 120, 1)
    # Its tokens' own limits hold all the same.
    assert (token.remain_quota, token.used_quota) == (380, 120)
    assert do(books, who.reserve_op("b", 381)) == [Verdict.TOKEN_SHORT]
    [charge] = [row for row in books.rows(gw_ledger) if row.kind == "charge"]
    assert (charge.user_units, charge.token_units, charge.channel_units) == (0, -120, 120)
    assert [row.quota for row in books.rows(logs)] == [120]
    assert [row.quota for row in books.rows(user_request_costs)] == [120]
    make_unlimited(books, who, False)
    assert do(books, who.reserve_op("c", 6)) == [Verdict.USER_SHORT]
    assert books.differences() == []


def test_account_that_changes_its_kind_during_a_relay_keeps_the_books(books: Books) -> None:
    who, free = books.accounts(1000, 500), books.accounts(1000)
    make_unlimited(books, free)
    do(books, who.reserve_op("a", 100), free.reserve_op("b", 100))
    make_unlimited(books, who)
    make_unlimited(books, free, False)
    # Each goes on as it began, so top-ups ask no other balance than the reservation did.
    do(books, who.amend_op("a", 10, 1), free.amend_op("b", 10, 1))
    assert (books.user(who.user).quota, books.user(free.user).quota) == (890, 1000)
    do(books, who.settle_op("a", 40), free.settle_op("b", 40))
    assert (books.user(who.user).quota, books.user(free.user).quota) == (960, 1000)
    assert books.differences() == []


def test_interrupted_relay_of_an_unlimited_account_is_charged_by_estimate_and_corrected(books: Books) -> None:
    who = books.accounts(5, 500)
    make_unlimited(books, who)
    do(books, who.reserve_op("a", 100, replica_id="dead"))
    assert do(books, Reap(request_id="a", replica_id="dead", user_id=who.user, token_id=who.token)) == [DONE]
    assert (books.user(who.user).quota, books.user(who.user).used_quota) == (5, 100)
    make_unlimited(books, who, False)
    assert do(books, who.settle_op("a", 60)) == [Verdict.LATE]
    assert (books.user(who.user).quota, books.user(who.user).used_quota) == (5, 60)
    assert books.token(who.token).remain_quota == 440
    assert books.differences() == []


def test_deleted_account_does_not_break_the_batch(books: Books) -> None:
    gone, stays = books.accounts(1000, 500), books.accounts(1000, 500)
    do(books, gone.reserve_op("a", 100), stays.reserve_op("b", 100))
    books.database.write_sync(
        lambda conn: [
            conn.execute(delete(tokens).where(tokens.c.id == gone.token)),
            conn.execute(delete(users).where(users.c.id == gone.user)),
        ]
    )
    assert do(books, gone.settle_op("a", 10), stays.settle_op("b", 10)) == [DONE, DONE]
    assert do(books, gone.reserve_op("c", 1)) == [Verdict.USER_SHORT]
    assert books.channel(gone.channel).used_quota == 10
    assert books.held() == []
    assert books.differences() == []


def test_estimate_is_marked_and_late_truth_books_the_difference_once(books: Books) -> None:
    who = books.accounts(1000, 500)
    do(books, who.reserve_op("a", 100, replica_id="dead"))
    reap = Reap(request_id="a", replica_id="dead", user_id=who.user, token_id=who.token)
    assert do(books, reap) == [DONE]
    assert do(books, reap) == [Verdict.GONE]
    user = books.user(who.user)
    assert (user.quota, user.used_quota, user.request_count) == (900, 100, 1)
    [log] = books.rows(logs)
    assert "estimate" in log.content
    assert log.quota == 100
    assert [(row.request_id, row.units) for row in books.rows(gw_reaped)] == [("a", 100)]
    assert [row.quota for row in books.rows(user_request_costs)] == [100]
    assert books.differences() == []

    assert do(books, who.settle_op("a", 60)) == [Verdict.LATE]
    assert do(books, who.settle_op("a", 60)) == [Verdict.REPEATED]
    user, token = books.user(who.user), books.token(who.token)
    assert (user.quota, user.used_quota, user.request_count) == (940, 60, 1)
    assert (token.remain_quota, token.used_quota) == (440, 60)
    assert books.channel(who.channel).used_quota == 60
    assert sorted(row.quota for row in books.rows(logs)) == [-40, 100]
    assert [row.quota for row in books.rows(user_request_costs)] == [60]
    assert books.differences() == []


def test_late_truth_of_nothing_gives_the_estimate_back(books: Books) -> None:
    who = books.accounts(1000, 500)
    do(books, who.reserve_op("a", 100, replica_id="dead"))
    do(books, Reap(request_id="a", replica_id="dead", user_id=who.user, token_id=who.token))
    assert do(books, who.settle_op("a", 0, delivered=False)) == [Verdict.LATE]
    user = books.user(who.user)
    assert (user.quota, user.used_quota, user.request_count) == (1000, 0, 0)
    assert sum(row.quota for row in books.rows(logs)) == 0
    assert books.differences() == []


def test_text_that_engines_refuse_does_not_stop_a_charge(books: Books) -> None:
    who = books.accounts(1000, 500)
    settle = who.settle_op("a", 30)
    odd = "\x00 \ud800 " + "x" * 600
    assert settle.log is not None
    assert settle.trace is not None
    for name in ("content", "username", "token_name", "model_name"):
        object.__setattr__(settle.log, name, odd)
    object.__setattr__(settle.trace, "url", odd)
    assert do(books, who.reserve_op("a", 30), settle) == [DONE, DONE]
    [log] = books.rows(logs)
    assert len(log.model_name) == 191
    assert "\x00" not in log.content


@pytest.mark.parametrize(("units", "user"), [(-1, None), (1, 999)])
def test_nonsense_is_refused_and_books_nothing(books: Books, units: int, user: int | None) -> None:
    who = books.accounts(1000, 500)
    do(books, who.reserve_op("a", 100))
    wrong = Accounts(user=user or who.user, token=who.token, channel=who.channel)
    with pytest.raises(ValueError, match=r"units|account"):
        do(books, wrong.settle_op("a", units))
    assert books.held() == ["a"]
    assert books.differences() == []


def test_log_rows_for_another_database_wait_in_the_outbox(books: Books) -> None:
    who = books.accounts(1000, 500)
    do(books, who.reserve_op("a", 100))
    do(books, who.settle_op("a", 30), outbox=True)
    assert (books.count(logs), books.count(gw_outbox)) == (0, 1)
    payload = books.database.read_sync(lambda conn: conn.execute(select(gw_outbox.c.payload)).scalar_one())
    assert '"quota":30' in payload
