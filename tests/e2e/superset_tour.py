"""Superset, made anew and served on a port of 127.0.0.1 until it is ended. Runs in Superset's own venv.

    python superset_tour.py PORT PASSWORD

It listens when ``admin`` is let in with that password.
"""

from __future__ import annotations

import sys

from flask_migrate import upgrade
from superset.app import create_app


def main(port: int, password: str) -> None:
    """What ``superset db upgrade``, ``fab create-admin``, ``init`` and ``run`` do, in one process."""
    app = create_app()
    with app.app_context():
        from superset import appbuilder, security_manager

        upgrade()
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        admin = security_manager.find_role("Admin")
        assert security_manager.add_user("admin", "A", "Dmin", "admin@localhost", admin, password)
    app.run(port=port, threaded=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
