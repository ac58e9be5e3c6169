"""What gunicorn serves: `gunicorn app.wsgi:application`."""

from app import create_app, metrics
from domain import collector

application = create_app()
metrics.answer(application)
collector.settle()
