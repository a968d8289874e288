"""Reading forms: every field is checked, and what is wrong is said beside the field it belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from frontend.client import BackendRefused


@dataclass
class Form:
    """A form's values as sent and its errors by field name; the empty name is for the form as a whole."""

    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, sent: Mapping[str, str], fields: Iterable[Field]) -> Form:
        """Takes the named fields, stripped, and checks each."""
        form = cls()
        for wanted in fields:
            text = _printable(sent.get(wanted.name, ""))
            form.values[wanted.name] = text if wanted.kind == "password" else text.strip()
            wanted.check(form)
        return form

    @property
    def valid(self) -> bool:
        return not self.errors

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    def add_refusal(self, refusal: BackendRefused) -> None:
        """Puts the backend's field errors beside the fields that the form has; one sentence above it for all others."""
        known = {name: _sentence(text) for name, text in refusal.fields.items() if name in self.values}
        others = [text for name, text in refusal.fields.items() if name not in self.values]
        if refusal.status == 409 or not refusal.fields:
            others = [refusal.message or "that did not work, please check what you entered"]
        self.errors |= known or {"": _sentence("; ".join(others))}


@dataclass(frozen=True)
class Field:
    """One text field: its label, what a browser may fill in (HTML's autocomplete names), and its limits."""

    name: str
    label: str
    kind: str = "text"
    autocomplete: str = "off"
    minimum_length: int = 1
    maximum_length: int = 120
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()

    def check(self, form: Form) -> None:
        problem = self._problem(form[self.name])
        if problem:
            form.errors[self.name] = problem

    def _problem(self, text: str) -> str | None:
        if not text:
            return f"{self.label} is missing."
        if self.choices and text not in {value for value, _unused in self.choices}:
            return f"Choose one of the list for {self.label.lower()}."
        if len(text) > self.maximum_length:
            return f"{self.label} has more than {self.maximum_length} characters."
        if len(text) < self.minimum_length:
            return f"{self.label} needs at least {self.minimum_length} characters."
        if self.kind == "email" and not _looks_like_email(text):
            return "Write the address as name@example.com."
        return None


def _looks_like_email(text: str) -> bool:
    local, at, domain = text.rpartition("@")
    return bool(local and at and "." in domain.strip(".")) and not any(sign.isspace() for sign in text)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


def _printable(text: str) -> str:
    """Without the control characters and lone surrogates that neither JSON nor a database column can hold."""
    return "".join(sign for sign in text if sign.isprintable())
