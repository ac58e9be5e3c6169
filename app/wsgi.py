"""What gunicorn serves: `gunicorn app.wsgi:application`."""

from app import create_app
from domain import collector

application = create_app()
collector.settle()
