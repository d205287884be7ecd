"""SCRAM against the client's half of another implementation; a wrong password, a changed message, a missing binding."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

scramp = pytest.importorskip("scramp")

from mfgsql.engine.users import make_verifier
from mfgsql.server.auth.scram import PLAIN, PLUS, Exchange, Verifier, nobodys
from mfgsql.wire.errors import WireError

PASSWORD = "pressing-42"
VERIFIER = Verifier.parse(make_verifier(PASSWORD))
BINDING = b"h" * 32


def client(password=PASSWORD, binding=None):
    bound = ("tls-server-end-point", binding) if binding else None
    return scramp.ScramClient([PLAIN, PLUS] if binding else [PLAIN], "anna", password, channel_binding=bound)


def talk(theirs, ours):
    theirs.set_server_first(ours.first(theirs.get_client_first().encode()))
    return ours.last(theirs.get_client_final().encode())


def test_the_right_password_is_proved_by_both():
    theirs = client()
    theirs.set_server_final(talk(theirs, Exchange(VERIFIER, PLAIN, None)))  # raises where our proof is wrong


def test_bound_to_the_certificate():
    theirs = client(binding=BINDING)
    assert theirs.mechanism_name == PLUS
    theirs.set_server_final(talk(theirs, Exchange(VERIFIER, PLUS, BINDING)))


def test_another_certificate_in_between_is_noticed():
    with pytest.raises(WireError):
        talk(client(binding=b"x" * 32), Exchange(VERIFIER, PLUS, BINDING))


def test_a_wrong_password_fails_at_the_end():
    assert talk(client("another-one"), Exchange(VERIFIER, PLAIN, None)) is None


def test_nobody_learns_who_exists():
    first, second = nobodys("ghost", b"s" * 32), nobodys("ghost", b"s" * 32)
    assert first.salt == second.salt != nobodys("other", b"s" * 32).salt
    assert first.iterations == VERIFIER.iterations
    assert len(first.salt) == len(VERIFIER.salt)
    assert talk(client(), Exchange(first, PLAIN, None)) is None


def test_an_offer_that_got_lost_is_noticed():
    with pytest.raises(WireError, match="got lost"):
        Exchange(VERIFIER, PLAIN, BINDING).first(b"y,,n=,r=abc")


def test_the_name_may_be_left_out():
    assert Exchange(VERIFIER, PLAIN, None).first(b"n,,n=,r=abc").startswith("r=abc")


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-1", "", PLUS])
def test_other_ways_are_refused(mechanism):
    with pytest.raises(WireError):
        Exchange(VERIFIER, mechanism, None)


@settings(max_examples=200)
@given(st.binary(max_size=60), st.binary(max_size=60))
def test_whatever_comes_is_refused(first, last):
    exchange = Exchange(VERIFIER, PLAIN, None)
    try:
        exchange.first(first)
        assert exchange.last(last) is None
    except WireError as error:
        assert error.fatal


@given(st.data())
def test_a_changed_message_proves_nothing(data):
    theirs, ours = client(), Exchange(VERIFIER, PLAIN, None)
    theirs.set_server_first(ours.first(theirs.get_client_first().encode()))
    final = bytearray(theirs.get_client_final().encode())
    at = data.draw(st.integers(0, len(final) - 3))  # the last sign is padding, and bits of that before it say nothing
    final[at] ^= data.draw(st.integers(1, 127))
    try:
        assert ours.last(bytes(final)) is None
    except WireError as error:
        assert error.fatal
