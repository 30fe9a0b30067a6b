"""The service one would write in an afternoon: Flask, redis-py, JSON in Redis, sync workers of gunicorn."""

import json
import os

import redis
from flask import Flask, jsonify, request

app = Flask(__name__)
client = redis.Redis.from_url(os.environ.get("PLAIN_REDIS", "redis://127.0.0.1:6379/0"))


def key_of(customer_id: str) -> str:
    """Where a customer's list is."""
    return f"plain:{customer_id}"


@app.get("/v1/customers/<customer_id>/recommendations")
def recommendations(customer_id: str):
    """The first n of the customer's list."""
    n = int(request.args.get("n", 10))
    stored = client.get(key_of(customer_id))
    items = json.loads(stored)[:n] if stored else []
    return jsonify(customer_id=customer_id, items=items)
