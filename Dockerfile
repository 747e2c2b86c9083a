# The image of web, workers and beat. Nothing in it runs as root.
FROM python:3.11-slim
RUN useradd --create-home --uid 10001 footfall
WORKDIR /app
COPY requirements/runtime.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/runtime.txt
COPY . .
RUN python -m compileall -q . && mkdir -p var/static && chown -R footfall var
USER 10001
RUN FOOTFALL_ENV=development DATABASE_URL=postgres://unused REDIS_URL=redis://unused python manage.py collectstatic --noinput -v 0
ENV PORT=8000 PYTHONUNBUFFERED=1
EXPOSE 8000
CMD ["python", "-m", "config.process", "web"]
