from django.contrib import admin

from sites.project.demo.forms import NoteForm
from sites.project.demo.models import Note


@admin.register(Note)
class NoteAdmin(admin.ModelAdmin):
    form = NoteForm

    def get_fields(self, request, obj=None):
        from sites.project.demo.forms import widgets

        return ["title", "text", *widgets()]

    def get_form(self, request, obj=None, change=False, **named):
        # Django's form factory knows the model's fields only; the widgets' come in __init__.
        named["fields"] = ["title", "text"]
        return super().get_form(request, obj, change=change, **named)
