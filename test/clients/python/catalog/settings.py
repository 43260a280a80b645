"""Settings of the Django project of django_client.py."""

import os

POSTGRES = {
    "ENGINE": "django.db.backends.postgresql",
    "HOST": os.environ["PGHOST"],
    "PORT": os.environ["PGPORT"],
    "USER": os.environ["PGUSER"],
    "PASSWORD": os.environ["PGPASSWORD"],
    "NAME": os.environ["PGDATABASE"],
}
DATABASES = {
    "default": POSTGRES,
    "bound": {**POSTGRES, "OPTIONS": {"server_side_binding": True,
                                      "options": "-c hnsw.ef_search=123"}},
}
INSTALLED_APPS = ["django.contrib.postgres", "catalog"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
