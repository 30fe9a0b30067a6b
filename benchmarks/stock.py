"""The pipeline that is usually put together: pandas, implicit and redis-py, from Parquet files to Redis."""

import json
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import redis
from implicit.cpu.als import AlternatingLeastSquares
from implicit.nearest_neighbours import CosineRecommender
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from benchmarks.stages import Stage

_PIPELINED = 10_000
"""Commands sent together."""


def run(folder: Path, redis_url: str, stage: Stage, *, factors: int, iterations: int, n: int) -> None:
    """Learn from files of orders, and put what is recommended to customers and beside items into Redis.

    Args:
        folder: of Parquet files.
        redis_url: where to.
        stage: told of every stage.
        factors: of ALS.
        iterations: of ALS.
        n: places of a list.
    """
    with stage("read"):
        lines = pd.read_parquet(folder, columns=["order_id", "customer_id", "item_id", "quantity"])
        lines = lines[lines["quantity"] > 0]
        customer, customers = pd.factorize(lines["customer_id"])
        item, items = pd.factorize(lines["item_id"])
        order, orders = pd.factorize(lines["order_id"])
        ones = np.ones(len(lines), np.float32)
        bought = csr_matrix((ones, (customer, item)), shape=(len(customers), len(items)))
        baskets = csr_matrix((ones, (order, item)), shape=(len(orders), len(items)))
        baskets.data[:] = 1
        del lines, customer, item, order, ones
    with stage("als"):
        als = AlternatingLeastSquares(factors=factors, iterations=iterations, random_state=0)
        als.fit(bought, show_progress=False)
    with stage("top n"):
        found, scores = als.recommend(np.arange(len(customers)), bought, N=n)
    with stage("co-purchase"):
        cosine = CosineRecommender(K=n + 1)
        cosine.fit(baskets, show_progress=False)
        beside, strength = cosine.similar_items(np.arange(len(items)), N=n + 1)
    with stage("publish"):
        client = redis.Redis.from_url(redis_url)
        names = items.to_numpy()
        _publish(client, "customer", customers.to_numpy(), names, found, scores)
        # An item is most similar to itself.
        _publish(client, "item", names, names, beside[:, 1:], strength[:, 1:])


def _publish(
    client: redis.Redis,
    kind: str,
    owners: NDArray[np.object_],
    names: NDArray[np.object_],
    items: NDArray[np.integer],
    scores: NDArray[np.floating],
) -> None:
    rows = iter(zip(owners, items, scores, strict=True))
    while part := list(islice(rows, _PIPELINED)):
        with client.pipeline(transaction=False) as commands:
            for owner, some, said in part:
                # implicit fills lists that are too short up with -1.
                known = some >= 0
                places = zip(names[some[known]], said[known].round(4).tolist(), strict=True)
                commands.set(f"shop:{kind}:{owner}", json.dumps(list(places)))
            commands.execute()
