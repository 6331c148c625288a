from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template import RequestContext, Template

from sites.project.demo.forms import FrontForm

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Front</title><link rel="icon" href="data:,">
{% load static %}@LOAD@{{ form.media }}@HEAD@</head>
<body><form>{{ form }}</form>@BODY@</body></html>"""


def front(request: HttpRequest) -> HttpResponse:
    """A page as a site's own templates would make it, with what the packages bring."""
    text = _PAGE
    for name in ("LOAD", "HEAD", "BODY"):
        text = text.replace(f"@{name}@", settings.SITE_TEMPLATE.get(name.lower(), ""))
    context = RequestContext(request, {"form": FrontForm()})
    return HttpResponse(Template(text).render(context))


def always(request: HttpRequest) -> bool:
    """Show the debug toolbar to everybody."""
    return True
