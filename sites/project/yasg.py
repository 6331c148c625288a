from django.urls import path
from drf_yasg import openapi
from drf_yasg.views import get_schema_view
from rest_framework.permissions import AllowAny

_view = get_schema_view(
    openapi.Info(title="Site", default_version="v1"), public=True, permission_classes=[AllowAny]
)
urlpatterns = [
    path("swagger/", _view.with_ui("swagger"), name="schema-swagger-ui"),
    path("redoc/", _view.with_ui("redoc"), name="schema-redoc"),
]
