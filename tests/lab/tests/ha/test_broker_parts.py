# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lockspace, pending update, mails, faults and times of the broker."""

import errno
import socketserver
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ovirt_hosted_engine_ha.broker import faults, lockspace, notifications
from ovirt_hosted_engine_ha.broker.hosts_state import HostsState
from ovirt_hosted_engine_ha.broker.status_broker import StatusBroker
from ovirt_hosted_engine_ha.env import constants, timing
from ovirt_hosted_engine_ha.env.timing import Timing
from ovirt_hosted_engine_ha.lib import monotonic
from ovirt_hosted_engine_ha.lib.exceptions import BrokerInitializationError, HostIdLockedError

FAST = Timing(lockspace_retry_delay=0, status_interval=0.05)


class SanlockError(Exception):
    """As the module's: the number comes first."""

    @property
    def errno(self) -> int:
        return int(self.args[0])


class Sanlock:
    """The module, with errors to come."""

    SanlockException = SanlockError

    def __init__(self, *errors: int) -> None:
        self.errors = list(errors)
        self.calls: list[tuple[Any, ...]] = []

    def add_lockspace(self, *arguments: Any, **options: Any) -> None:
        self.calls.append((*arguments, options))
        if self.errors:
            raise SanlockError(self.errors.pop(0), "add", "failed")

    def inq_lockspace(self, *arguments: Any) -> bool | None:
        return None

    def write_lockspace(self, *arguments: Any, **options: Any) -> None:
        self.calls.append((*arguments, options))


def with_sanlock(monkeypatch: pytest.MonkeyPatch, *errors: int) -> tuple[Sanlock, lockspace.SanlockLockspace]:
    module = Sanlock(*errors)
    monkeypatch.setattr(lockspace.importlib, "import_module", {"sanlock": module}.__getitem__)
    return module, lockspace.SanlockLockspace("/volume", 512, FAST)


def test_host_id_is_acquired_after_passing_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    module, space = with_sanlock(monkeypatch, errno.EINPROGRESS, errno.EINTR, errno.ENOENT)
    space.lock(3)
    assert module.calls == [(b"hosted-engine", 3, "/volume", {"iotimeout": 0})] * 4


def test_host_id_that_is_held_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    module, space = with_sanlock(monkeypatch, errno.EEXIST)
    space.lock(3)
    assert len(module.calls) == 1


@pytest.mark.parametrize(("errors", "calls"), [([errno.EINVAL], 1), ([errno.EINTR] * 5, 5), ([errno.EACCES], 1)])
def test_host_id_that_cannot_be_had(errors: list[int], calls: int, monkeypatch: pytest.MonkeyPatch) -> None:
    module, space = with_sanlock(monkeypatch, *errors)
    with pytest.raises(HostIdLockedError):
        space.lock(3)
    assert len(module.calls) == calls


def test_a_lease_in_doubt_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert with_sanlock(monkeypatch)[1].holds(3) is False


def test_lockspace_is_written_for_the_sector_size(monkeypatch: pytest.MonkeyPatch) -> None:
    module, space = with_sanlock(monkeypatch)
    space.reset()
    assert module.calls == [(b"hosted-engine", "/volume", {"iotimeout": 0, "align": 1 << 20, "sector": 512})]


def test_files_keep_two_hosts_from_one_id(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    volume = tmp_path / "volume"
    volume.touch()
    one, two = lockspace.FileLockspace(str(volume)), lockspace.FileLockspace(str(volume))
    assert "No sanlock daemon" in caplog.text
    one.lock(1)
    with pytest.raises(HostIdLockedError):
        two.lock(1)
    two.lock(2)
    with pytest.raises(HostIdLockedError, match="different host id"):
        two.lock(3)
    assert (one.holds(1), one.holds(2), two.holds(2)) == (True, False, True)
    one.release(1)
    two.release(2)
    two.lock(1)
    assert two.holds(1)


def test_only_one_update_waits(tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    volume.write_bytes(bytes(3 * 4096))
    status = StatusBroker(str(volume), lockspace.FileLockspace(str(volume)), FAST)
    status.put_stats(0, b"maintenance=1")
    status.put_stats(0, b"maintenance=0")
    status.start()
    deadline = time.monotonic() + 10
    while status.get_stats().get(0, "").rstrip("\0") != "maintenance=0":
        assert time.monotonic() < deadline, status.get_stats()
        time.sleep(0.01)
    status.stop()


def test_a_list_of_hosts_grows_old(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = HostsState(Timing())
    assert hosts.is_alive(1) is False
    monkeypatch.setattr(monotonic, "time", lambda: 1000)
    hosts.push({"1": True, "2": False})
    assert (hosts.is_alive(1), hosts.is_alive(2), hosts.is_alive(3)) == (True, False, False)
    monkeypatch.setattr(monotonic, "time", lambda: 1060)
    assert hosts.is_alive(1) is True
    monkeypatch.setattr(monotonic, "time", lambda: 1061)
    assert hosts.is_alive(1) is False


@pytest.fixture
def mail_server() -> Iterator[SimpleNamespace]:
    """A mail server that keeps what it gets."""
    kept = SimpleNamespace(lines=[], address=("", 0))

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 test\r\n")
            in_data = False
            for raw in self.rfile:
                line = raw.decode().rstrip("\r\n")
                kept.lines.append(line)
                if in_data:
                    in_data = line != "."
                    if in_data:
                        continue
                answer = {"DATA": b"354 go\r\n", "QUIT": b"221 bye\r\n"}.get(line.upper(), b"250 ok\r\n")
                in_data = answer.startswith(b"354")
                self.wfile.write(answer)

    with socketserver.ThreadingTCPServer(("127.0.3.3", 0), Handler) as server:
        kept.address = server.server_address
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield kept
        server.shutdown()


def test_mail(mail_server: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = Path(__file__).resolve().parents[2] / "host" / "ha" / "etc" / "notifications"
    monkeypatch.setattr(constants, "NOTIFICATIONS_DIR", str(folder))
    host, port = mail_server.address
    values = {
        "email.smtp-server": host,
        "email.smtp-port": str(port),
        "email.source-email": "he@example.com",
        "email.destination-emails": "a@example.com, b@example.com",
        "notify.state_transition": "maintenance|start|stop|up|down",
    }
    options = {"hostname": "host1"}
    assert notifications.notify(lambda: values, "state_transition", "EngineDown-EngineStart", options) is True
    text = "\n".join(mail_server.lines)
    assert "rcpt TO:<b@example.com>" in text
    assert "The state machine of host host1 changed: EngineDown-EngineStart." in text
    assert notifications.notify(lambda: values, "state_transition", "Other-Thing", options) is False
    assert notifications.notify(lambda: values, "no_such_event", "EngineUp-EngineDown", options) is False
    monkeypatch.setattr(constants, "BROKER_CONF_CACHE_FILE", str(tmp_path / "absent"))
    assert notifications.notify(dict, "state_transition", "EngineUp-EngineDown", options) is False


def test_starts_are_refused_as_often_as_asked(tmp_path: Path) -> None:
    path = tmp_path / "lab-refuse-start"
    path.write_text("2\n")
    for _turn in range(2):
        with pytest.raises(BrokerInitializationError):
            faults.refuse_start(str(path))
    faults.refuse_start(str(path))
    assert not path.exists()


def test_times(tmp_path: Path) -> None:
    path = tmp_path / "lab-timing.conf"
    assert timing.load(str(path)) == Timing()
    assert (Timing().loop_delay, Timing().host_alive_timeout, Timing().engine_starting_timeout) == (10, 60, 600)
    path.write_text("[timing]\nloop-delay = 0.5\nsanlock-io-timeout = 1\n")
    assert timing.load(str(path)) == Timing(loop_delay=0.5, sanlock_io_timeout=1)
    path.write_text("[timing]\nloop-dely = 1\n")
    with pytest.raises(ValueError, match="unknown key 'loop-dely'"):
        timing.load(str(path))


def test_times_of_the_whole_lab_come_on_top(tmp_path: Path) -> None:
    host, shared = tmp_path / "lab-timing.conf", tmp_path / "ha-timing.conf"
    host.write_text("[timing]\nloop-delay = 4\nsanlock-io-timeout = 1\n")
    assert timing.load(str(host), str(shared)) == Timing(loop_delay=4, sanlock_io_timeout=1)
    shared.write_text("[timing]\nloop-delay = 6\n")
    assert timing.load(str(host), str(shared)) == Timing(loop_delay=6, sanlock_io_timeout=1)


def test_the_package_changes_only_the_lockspace() -> None:
    shipped = Path(__file__).resolve().parents[2] / "host" / "ha" / "etc" / "lab-timing.conf"
    assert timing.load(str(shipped)) == Timing(sanlock_io_timeout=1)
