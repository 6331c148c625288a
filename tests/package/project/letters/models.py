from django.db import models

from azureblob.uploads.fields import CheckedImageField


class Letter(models.Model):
    scan = CheckedImageField(upload_to="scans/")
