# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An engine in this process, reached without HTTP: for tests of single commands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from engine_sim.call import Call, new_id
from engine_sim.config import Config
from engine_sim.engine import Engine
from engine_sim.errors import ApiError
from engine_sim.web.api import Body, handle


class Offline:
    def __init__(self, directory: Path, **settings: Any) -> None:
        secret = directory / "password"
        secret.write_text("secret")
        self.directory = directory
        self.engine = Engine(
            Config(
                fqdn="engine.lab.test",
                pki_dir=str(directory / "pki"),
                database=str(directory / "engine.db"),
                log_dir=str(directory / "log"),
                speed=100,
                admin_password_file=str(secret),
                **{"install_vds": False, "encrypt_host_communication": False, **settings},
            )
        )

    def call(self, verb: str, path: str, body: bytes = b"", **query: str) -> Any:
        call = Call(self.engine, self.engine.admin or {}, new_id(), base="https://engine.lab.test", query=query)
        return handle(call, verb, [part for part in path.split("/") if part], Body(body)).doc

    def get(self, path: str, **query: str) -> Any:
        return self.call("GET", path, **query)

    def post(self, path: str, body: bytes, **query: str) -> Any:
        return self.call("POST", path, body, **query)

    def put(self, path: str, body: bytes) -> Any:
        return self.call("PUT", path, body)

    def delete(self, path: str, **query: str) -> Any:
        return self.call("DELETE", path, **query)

    def events(self) -> list[tuple[int, str]]:
        """Code and text of all events, oldest first."""
        rows = self.engine.db.rows("SELECT log_type, message FROM audit_log ORDER BY audit_log_id")
        return [(row["log_type"], row["message"]) for row in rows]


@contextmanager
def fault(status: int, text: str) -> Iterator[None]:
    """The block is refused with this status, and this text is in the detail."""
    with pytest.raises(ApiError) as caught:
        yield
    assert (caught.value.status, text in (caught.value.detail or "")) == (status, True), caught.value.detail
