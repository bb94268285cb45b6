# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the engine answers instead of doing something. Texts and codes: engine contract 15, measured on 4.5.8."""

from __future__ import annotations

OPERATION_FAILED = "Operation Failed"


class ApiError(Exception):
    """An answer with a fault document.

    `detail` None leaves the member out; `action` tells that a failed action answers with an `<action>` around the
    fault.
    """

    def __init__(self, status: int, detail: str | None, reason: str = OPERATION_FAILED, in_action: bool = True) -> None:
        super().__init__(detail or reason)
        self.status = status
        self.detail = detail
        self.reason = reason
        self.in_action = in_action


class Refused(ApiError):
    """Validation said no: the texts of all violations in brackets, 409 for a conflict, 400 for bad parameters."""

    def __init__(self, *texts: str, status: int = 409) -> None:
        super().__init__(status, "[" + ", ".join(texts) + "]")


class Incomplete(ApiError):
    """The older check of mandatory members: `Host [name, address] required for add`."""

    def __init__(self, kind: str, missing: list[str], method: str = "add") -> None:
        super().__init__(400, f"{kind} [{', '.join(missing)}] required for {method}", "Incomplete parameters")


class MissingParameter(ApiError):
    """The newer check: `Parameter 'cluster.name' is mandatory but was not provided.`"""

    def __init__(self, *names: str) -> None:
        if len(names) == 1:
            text = f"Parameter '{names[0]}' is mandatory but was not provided."
        else:
            text = f"Parameters '{names[0]}' or '{names[1]}' are mandatory but both were not provided."
        super().__init__(400, text, "Input validation failed.", in_action=False)


class InvalidValue(ApiError):
    """A value that its type does not have."""

    def __init__(self, text: str) -> None:
        super().__init__(400, text, "Invalid value", in_action=False)


class Unparsable(ApiError):
    """The body cannot be read as what the method takes; the detail names the method in the documentation."""

    def __init__(self, base: str, method: str) -> None:
        super().__init__(
            400,
            f"For correct usage, see: {base}/ovirt-engine/apidoc#services/{method}",
            "Request syntactically incorrect.",
            in_action=False,
        )


class NotFound(Exception):
    """404 without a body: no such id, malformed id, unknown option."""


class ReferenceNotFound(ApiError):
    """404 with a fault: a reference by a name that does not exist."""

    def __init__(self, what: str) -> None:
        super().__init__(404, f"Entity not found: {what}")


class HtmlAnswer(Exception):
    """Answers that the servlet container gives, not the API: plain status, content type and text."""

    def __init__(
        self,
        status: int,
        text: str = "",
        content_type: str | None = "text/html;charset=UTF-8",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.content_type = content_type
        self.headers = headers or {}
