from django.db import migrations

import azureblob.uploads.fields
import gallery.models


class Migration(migrations.Migration):
    """The column does not change."""

    dependencies = [("gallery", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name="picture",
            name="image",
            field=azureblob.uploads.fields.CheckedImageField(
                height_field="height",
                upload_to=gallery.models.blob_name,
                width_field="width",
            ),
        ),
    ]
