from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import ovirtsdk4 as sdk
import pycurl
import pytest
from fake_engine import Answer, FakeEngine, fault, golden

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import faults
from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.session import Session
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError


def error(kind: type, text: str, code: Any = None, detail: str = "") -> BaseException:
    made: BaseException = kind(text)
    made.code = code  # type: ignore[attr-defined]
    made.fault = SimpleNamespace(detail=detail, reason="Operation Failed") if detail else None  # type: ignore[attr-defined]
    return made


CASES = [
    (error(sdk.ConnectionError, "Error while sending HTTP request: (7, 'Failed to connect')"), faults.UNREACHABLE),
    (error(sdk.ConnectionError, "Error while sending HTTP request: (6, 'Could not resolve')"), faults.UNREACHABLE),
    (error(sdk.TimeoutError, "Error while sending HTTP request: (28, 'timed out')"), faults.TIMEOUT),
    (error(sdk.Error, "Error while sending HTTP request: (60, 'SSL certificate problem')"), faults.CERTIFICATE),
    (error(sdk.Error, "Failed to read response: [(<pycurl.Curl object at 0x7f>, 7, 'Failed')]"), faults.UNREACHABLE),
    (error(sdk.Error, "Failed to read response: [(<pycurl.Curl object at 0x7f>, 28, 'Operation')]"), faults.TIMEOUT),
    (error(sdk.Error, "Failed to read response: [(<pycurl.Curl object at 0x7f>, 56, 'reset')]"), faults.UNREACHABLE),
    (error(sdk.Error, "Failed to read response: [(<pycurl.Curl object at 0x7f>, 52, 'Empty')]"), faults.UNREACHABLE),
    (error(sdk.Error, "The response content type 'text/html' isn't the expected JSON"), faults.NOT_READY),
    (error(sdk.AuthError, "Error during SSO authentication access_denied : Cannot authenticate"), faults.AUTH),
    (error(sdk.AuthError, "Error during SSO authentication server_error : x"), faults.NOT_READY),
    (error(sdk.AuthError, "HTTP response code is 401.", 401), faults.AUTH),
    (error(sdk.AuthError, "HTTP response code is 403.", 403), faults.FORBIDDEN),
    (error(sdk.NotFoundError, "HTTP response code is 404.", 404), faults.NOT_FOUND),
    (error(sdk.Error, "x", 409, "[Cannot add Host.]"), faults.CONFLICT),
    (error(sdk.Error, "x", 400, "[Cannot add Host.]"), faults.INVALID),
    (error(sdk.Error, "x", 500, "Internal Engine Error"), faults.INTERNAL),
    (error(sdk.Error, "x", 503), faults.NOT_READY),
    (pycurl.error(7, "Failed to connect"), faults.UNREACHABLE),
    (pycurl.error(77, "error setting certificate"), faults.CERTIFICATE),
    (KeyError("access_token"), faults.NOT_READY),
    (TypeError("expected string or bytes-like object, got 'NoneType'"), faults.NOT_READY),
]


@pytest.mark.parametrize(("raised", "kind"), CASES, ids=[f"{i}-{kind}" for i, (_e, kind) in enumerate(CASES)])
def test_every_exception_has_its_kind(raised: BaseException, kind: str) -> None:
    assert faults.classify(raised) == kind


def test_the_engines_words_lose_their_brackets() -> None:
    raised = error(
        sdk.Error,
        "x",
        409,
        "[Cannot edit Host. Host parameters cannot be modified while Host is operational.\n"
        "Please switch Host to Maintenance mode first.]",
    )
    assert faults.words(raised) == (
        "Cannot edit Host. Host parameters cannot be modified while Host is operational."
        " Please switch Host to Maintenance mode first."
    )
    attribute = error(sdk.Error, "x", 400, "[Host address must be a FQDN, Attribute: vdsStatic.hostName]")
    assert faults.words(attribute) == "Host address must be a FQDN"


@pytest.mark.parametrize(
    ("answer", "problem", "words"),
    [
        (golden("hosts/add-duplicate-name"), "engine.refused", "The Host name is already in use"),
        (golden("disks/add-size-0"), "engine.refused", "provisioned size has to be greater than 0"),
        (golden("defaults/option-he-vm-name"), "engine.not_found", "404"),
        (golden("auth/api-unknown-token"), "engine.not_ready", "isn't the expected XML"),
        (fault(500, "Internal Engine Error"), "engine.failed", "Internal Engine Error"),
        (Answer(503, "<html/>", "text/html"), "engine.not_ready", "isn't the expected XML"),
        (Answer(0, ""), "engine.unreachable", ""),
    ],
)
def test_real_answers_become_problems(
    engine: FakeEngine, session: Session, answer: Answer, problem: str, words: str
) -> None:
    engine.plan("GET", "/api/hosts", answer)
    with pytest.raises(HostedEngineError) as failure, session.step("read the hosts", "test"):
        session.system.hosts_service().list()
    assert failure.value.problem.id == problem
    assert words in failure.value.observed
    assert failure.value.evidence["correlation_id"] == session.correlation_id


def test_only_a_locked_object_is_worth_another_try(engine: FakeEngine, session: Session) -> None:
    busy = "[Cannot ${action} Storage. Related operation is currently in progress. Please try again later.]"
    engine.plan("GET", "/api/hosts", fault(409, busy), golden("hosts/add-duplicate-name"))
    seen = []
    for _turn in range(2):
        with pytest.raises(HostedEngineError) as failure, session.step("read the hosts"):
            session.system.hosts_service().list()
        seen.append(faults.busy(failure.value))
    assert seen == [True, False]
