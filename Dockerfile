# One image for both programs: `cartlift train …` at night, `cartlift serve` all day.
FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY recommender recommender
COPY training training
COPY serving serving
RUN pip install --no-cache-dir build && python -m build

FROM python:3.12-slim
# implicit's solver uses OpenMP.
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/dist/*.whl /tmp/
RUN pip install --no-cache-dir "$(echo /tmp/*.whl)[postgresql,mysql]" && rm /tmp/*.whl \
    && useradd --system --uid 10001 --create-home cartlift \
    && install --directory --owner cartlift /home/cartlift/snapshots /home/cartlift/.cartlift
USER cartlift
WORKDIR /home/cartlift
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=2s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/health/live', timeout=1)"]
ENTRYPOINT ["cartlift"]
CMD ["serve", "--host", "0.0.0.0"]
