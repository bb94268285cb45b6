from __future__ import annotations

import os
import socket
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from fake_engine import Answer, FakeEngine, Ticking, certificate, golden

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Access, Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError


def test_one_login_serves_two_modules(engine: FakeEngine, access: Access) -> None:
    with Session(access) as first:
        assert first.open(10) == (4, 5)
        assert (first.exchanges, first.logins) == (2, 1)
    assert access.session_file is not None
    assert stat.S_IMODE(os.stat(access.session_file).st_mode) == 0o600
    with Session(access) as second:
        second.open(10)
        assert (second.exchanges, second.logins) == (1, 0)
    assert len(engine.asked("POST", "/sso/oauth/token")) == 1
    assert engine.asked("GET", "/api")[1].headers["authorization"] == "Bearer token-1"


def test_revoking_ends_the_session_and_forgets_the_token(engine: FakeEngine, access: Access) -> None:
    session = Session(access)
    session.open(10)
    session.close(revoke=True)
    assert "token=token-1" in engine.asked("POST", "/services/sso-logout")[0].body
    assert not os.path.exists(str(access.session_file))
    assert session.exchanges == 3


def test_a_failure_ends_the_session(engine: FakeEngine, access: Access) -> None:
    with pytest.raises(RuntimeError), Session(access) as session:
        session.open(10)
        raise RuntimeError("of the module")
    assert len(engine.asked("POST", "/services/sso-logout")) == 1
    assert not os.path.exists(str(access.session_file))


def test_a_session_without_a_file_ends_with_its_use(engine: FakeEngine, access: Access) -> None:
    with Session(replace(access, session_file=None)) as session:
        session.open(10)
    assert len(engine.asked("POST", "/services/sso-logout")) == 1


def test_a_read_only_session_leaves_no_file_and_no_token(engine: FakeEngine, access: Access) -> None:
    with Session(access, read_only=True) as session:
        session.open(10)
    assert len(engine.asked("POST", "/services/sso-logout")) == 1
    assert not os.path.exists(str(access.session_file))


def test_an_expired_token_is_replaced(engine: FakeEngine, access: Access) -> None:
    with Session(access) as session:
        session.open(10)
    engine.plan("POST", "/sso/oauth/token", golden("auth/token", REDACTED="token-2"))
    engine.plan("GET", "/api", golden("auth/api-unknown-token"), golden("root/xml"))
    with Session(access) as session:
        session.open(10)
        assert (session.exchanges, session.logins) == (3, 1)
    assert "token-2" in Path(str(access.session_file)).read_text()


def test_a_file_that_others_can_read_is_not_believed(engine: FakeEngine, access: Access) -> None:
    with Session(access) as session:
        session.open(10)
    os.chmod(str(access.session_file), 0o644)
    with Session(access) as session:
        session.open(10)
        assert session.logins == 1


def test_the_token_of_another_user_is_not_used(engine: FakeEngine, access: Access) -> None:
    with Session(access) as session:
        session.open(10)
    with Session(replace(access, user="admin@ovirt@internalsso")) as session:
        session.open(10)
        assert session.logins == 1


def test_a_refused_login_ends_the_wait_at_once(engine: FakeEngine, session: Session, clock: Ticking) -> None:
    engine.plan("POST", "/sso/oauth/token", golden("auth/token-wrong-password"))
    with pytest.raises(HostedEngineError) as failure:
        session.open(600)
    assert failure.value.problem.id == "engine.login_refused"
    assert "Cannot authenticate user" in failure.value.observed
    assert clock.pauses == []
    assert len(engine.asked("POST", "/sso/oauth/token")) == 1


def test_an_engine_that_starts_is_waited_for(engine: FakeEngine, session: Session, clock: Ticking) -> None:
    starting = Answer(503, "<html>Service Unavailable</html>", "text/html")
    engine.plan("POST", "/sso/oauth/token", starting, starting, golden("auth/token", REDACTED="token-1"))
    assert session.open(600) == (4, 5)
    assert clock.pauses == [0.5, 0.75]
    assert session.logins == 3


def test_a_login_that_is_never_answered_has_a_limit(pki: tuple[Path, Path], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        access = Access(f"localhost:{silent.getsockname()[1]}", "u@internal", "secret", str(pki[0]), timeout=1)
        with pytest.raises(HostedEngineError) as failure, Session(access, Ticking()) as session:
            session.open(0)
    assert failure.value.problem.id == "engine.not_ready"
    assert "timed out" in failure.value.observed.lower()


def test_an_unknown_ca_ends_the_wait_at_once(
    engine: FakeEngine, access: Access, tmp_path: Path, clock: Ticking
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(HostedEngineError) as failure:
        Session(replace(access, ca_file=str(certificate(other)[0])), clock).open(600)
    assert failure.value.problem.id == "engine.certificate"
    assert clock.pauses == []


def test_a_missing_ca_file_is_said(access: Access) -> None:
    with pytest.raises(HostedEngineError, match="no CA file"):
        Session(replace(access, ca_file="/nowhere/ca.pem"))


def test_an_old_engine_is_refused(engine: FakeEngine, session: Session) -> None:
    engine.plan("GET", "/api", golden("root/xml", **{"<minor>5</minor>": "<minor>3</minor>"}))
    with pytest.raises(HostedEngineError) as failure:
        session.open(10)
    assert failure.value.problem.id == "engine.too_old"


def test_each_step_has_its_correlation_id(engine: FakeEngine, session: Session) -> None:
    engine.plan("GET", "/api/hosts", golden("defaults/hosts-none"))
    with session.step("look", "add host!"):
        session.system.hosts_service().list()
    sent = engine.asked("GET", "/api/hosts")[0].headers["correlation-id"]
    assert sent == session.correlation_id
    assert sent.startswith("node0-add-host--")


def test_the_counts_survive_a_new_transport(engine: FakeEngine, session: Session) -> None:
    session.open(10)
    session.renew()
    session.open(10)
    assert (session.exchanges, session.logins) == (3, 1)
