from django.http import HttpRequest
from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView


class Root(APIView):
    """Shown in rest_framework's browsable API."""

    def get(self, request: HttpRequest) -> Response:
        return Response({"hello": "world"})


urlpatterns = [path("", Root.as_view())]
