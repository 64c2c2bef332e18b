from __future__ import annotations

import threading
import time
from dataclasses import replace

import argon2
import pytest
from sqlalchemy import select, update

from webapp.accounts.passwords import HASHES_AT_ONCE, Passwords, check_password
from webapp.core.config import Config
from webapp.core.database import db
from webapp.core.errors import Invalid
from webapp.models import User


@pytest.mark.parametrize("password", ["", "seven77", "x" * 129, "password", "PassWord1", "alice-is-me"])
def test_a_password_that_is_short_long_common_or_the_name_is_refused(password):
    with pytest.raises(Invalid) as caught:
        check_password(password, "Alice-is-me")
    assert caught.value.fields.keys() == {"password"}


@pytest.mark.parametrize("password", ["eight888", "ö" * 128, "🎙" * 128, " spaces count ", "nul\x00inside"])
def test_any_other_password_is_taken_exactly_as_it_is(config, password):
    check_password(password, "alice")
    passwords = Passwords(config)
    stored = passwords.hash(password)
    assert passwords.verify(stored, password)
    assert not passwords.verify(stored, password[:-1])
    assert not passwords.verify(stored, password.strip() + "x")


def test_the_default_hash_meets_owasp(config):
    real = replace(config, argon2_memory_kib=Config.argon2_memory_kib, argon2_time_cost=Config.argon2_time_cost)
    parameters = argon2.extract_parameters(Passwords(real).hash("correct horse battery"))
    assert parameters.type is argon2.Type.ID
    assert parameters.memory_cost >= 19456
    assert parameters.time_cost >= 2
    assert parameters.parallelism >= 1


def test_nobodys_password_costs_the_same_hash_and_is_never_right(config):
    passwords = Passwords(config)
    verified = []

    class CountingHasher(argon2.PasswordHasher):
        def verify(self, hash: str, password: str) -> bool:
            verified.append(argon2.extract_parameters(hash))
            return super().verify(hash, password)

    passwords._hasher = CountingHasher(memory_cost=8, time_cost=1, parallelism=1)
    somebodys = passwords.hash("correct horse battery")
    assert not passwords.verify(somebodys, "wrong")
    assert not passwords.verify(None, "wrong")
    assert len(verified) == 2
    assert verified[0] == verified[1]


def test_at_most_two_hash_at_once(config):
    passwords = Passwords(config)
    inside, most = 0, 0
    lock = threading.Lock()
    crowd = threading.Barrier(8)

    def log_in() -> None:
        nonlocal inside, most
        crowd.wait()
        with passwords.slot():
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.01)  # as long as a hash takes
            with lock:
                inside -= 1

    threads = [threading.Thread(target=log_in) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == HASHES_AT_ONCE


def test_an_old_hash_is_renewed_by_the_next_log_in(app, alice, visit):
    old = argon2.PasswordHasher(memory_cost=16, time_cost=1, parallelism=1).hash("correct horse battery")
    with app.app_context():
        db.session.execute(update(User).values(password_hash=old))
        db.session.commit()
    visit("alice").log_in()
    with app.app_context():
        renewed = db.session.scalar(select(User.password_hash))
    assert argon2.extract_parameters(renewed).memory_cost == app.config["STILLAIR"].argon2_memory_kib
    visit("alice").log_in()
