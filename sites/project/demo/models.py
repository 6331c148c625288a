from django.db import models


class Note(models.Model):
    """Has one field of each kind that the packages' widgets are for."""

    title = models.CharField(max_length=100)
    text = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.title


class Picture(models.Model):
    """What a visitor uploads."""

    image = models.ImageField(upload_to="pictures")
