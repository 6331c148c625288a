"""A form with every widget that the site's packages bring: SITE_WIDGETS, dotted names."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.module_loading import import_string

from sites.project.demo.models import Note


def widgets() -> dict[str, forms.Field]:
    return {f"field_{number}": _field(name) for number, name in enumerate(settings.SITE_WIDGETS)}


def _field(name: str) -> forms.Field:
    """Of a widget; a few packages have a form's field instead."""
    kind: Any = import_string(name)
    if issubclass(kind, forms.Field):
        return kind(required=False)
    if issubclass(kind, forms.Select):
        return forms.ChoiceField(choices=[("a", "A"), ("b", "B")], widget=kind, required=False)
    initial = "{}" if "json" in name.lower() else ""
    return forms.CharField(widget=kind, required=False, initial=initial)


class FrontForm(forms.Form):
    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.fields.update(widgets())


class NoteForm(forms.ModelForm):
    class Meta:
        model = Note
        fields = ("title", "text")

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.fields.update(widgets())
