from django import forms
from django.http import HttpResponse
from django.urls import include, path

from azureblob.direct.file import saved_together
from azureblob.direct.forms import DirectUploadField
from azureblob.direct.place import UploadPlace
from azureblob.uploads.rules import UploadRules
from letters.models import Letter

place = UploadPlace("scans", may=lambda request: True, rules=UploadRules(types=("image/png",)))


class LetterForm(forms.ModelForm):
    scan = DirectUploadField(place=place)

    class Meta:
        model = Letter
        fields = ["scan"]


def letter(request):
    form = LetterForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        with saved_together():
            return HttpResponse(form.save().scan.url)
    return HttpResponse(f"{form.media}{form}")


urlpatterns = [path("letter/", letter), path("scans/", include(place.urls))]
