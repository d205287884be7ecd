"""Superset's own configuration for one run: what it remembers lies in a folder of the run's."""

import os

SECRET_KEY = os.environ["E2E_SECRET"]
SQLALCHEMY_DATABASE_URI = f"sqlite:///{os.environ['SUPERSET_HOME']}/superset.db"
WTF_CSRF_ENABLED = False  # scripts log in by a token, browsers by cookies
TALISMAN_ENABLED = False  # HTTPS, which 127.0.0.1 has none of
