# The image of web, worker and beat. Nothing in it runs as root.
FROM python:3.11-slim
RUN useradd --create-home --uid 10001 footfall
WORKDIR /app
COPY requirements/runtime.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/runtime.txt
COPY . .
RUN mkdir -p var/static && chown -R footfall var
USER footfall
RUN FOOTFALL_ENV=development DATABASE_URL=postgres://unused REDIS_URL=redis://unused python manage.py collectstatic --noinput -v 0
ENV PORT=8000
EXPOSE 8000
CMD ["sh", "-c", "exec gunicorn config.wsgi --bind 0.0.0.0:$PORT --workers 2 --threads 8 --worker-class gthread --limit-request-field_size 131072 --max-requests 20000 --max-requests-jitter 2000 --access-logfile - --logger-class config.access_log.DiscreetLogger --no-control-socket"]
