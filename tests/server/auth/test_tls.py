"""Certificates: one of our own is made once and kept to its owner; a given one must fit its key."""

import hashlib
import ssl
import stat

import pytest

pytest.importorskip("cryptography")

from mfgsql.errors import SourceError
from mfgsql.server.auth.tls import load_tls, own_tls


def test_made_once(tmp_path):
    first, second = own_tls(tmp_path / "tls"), own_tls(tmp_path / "tls")
    assert first.fingerprint == second.fingerprint
    assert first.own
    assert stat.S_IMODE((tmp_path / "tls" / "server.key").stat().st_mode) == 0o600
    der = ssl.PEM_cert_to_DER_cert((tmp_path / "tls" / "server.crt").read_text())
    assert first.binding == hashlib.sha256(der).digest()
    assert not list((tmp_path / "tls").glob("*.part"))


def test_a_given_one(tmp_path):
    made = own_tls(tmp_path / "a")
    given = load_tls(tmp_path / "a" / "server.crt", tmp_path / "a" / "server.key")
    assert given.fingerprint == made.fingerprint
    assert not given.own
    assert given.context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_one_that_does_not_fit(tmp_path):
    own_tls(tmp_path / "a")
    own_tls(tmp_path / "b")
    with pytest.raises(SourceError, match=r"can't be used"):
        load_tls(tmp_path / "a" / "server.crt", tmp_path / "b" / "server.key")
    (tmp_path / "no.crt").write_text("nothing")
    with pytest.raises(SourceError, match=r"can't be used"):
        load_tls(tmp_path / "no.crt", tmp_path / "no.crt")
