"""The functions of forecast.yaml: plain Python, nothing of actant needed."""

import asyncio
import collections
import csv
import re

import actant  # there while a function runs: what it can tell actant besides its result


def months(path):
    """Cents of shipped orders by product and month, of what is well-formed."""
    revenue = collections.defaultdict(lambda: collections.defaultdict(int))
    rejected = 0
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            price = re.fullmatch(r"(\d+)\.(\d\d)", row["unit_price"])
            if not price or not row["quantity"].isdigit() or not row["region"].strip():
                rejected += 1
            elif row["status"] == "shipped":
                cents = int(price[1]) * 100 + int(price[2])
                revenue[row["product"]][row["date"][:7]] += int(row["quantity"]) * cents
    actant.output("rejected", rejected)
    return {product: dict(sorted(by_month.items())) for product, by_month in sorted(revenue.items())}


async def trend(product, by_month):
    """A straight line through the months, by least squares, and where it goes next."""
    await asyncio.sleep(0)  # a coroutine function: several of them share one worker
    values = list(by_month.values())
    n = len(values)
    if n < 2:
        raise ValueError(f"{product} was sold in {n} month only, and a line needs two")
    middle, mean = (n - 1) / 2, sum(values) / n
    slope = sum((x - middle) * (y - mean) for x, y in enumerate(values)) / sum((x - middle) ** 2 for x in range(n))
    print(f"{product}: {slope / 100:+.2f} a month")
    return {"product": product, "months": n, "total_cents": sum(values), "slope_cents": round(slope, 3),
            "next_cents": round(mean + slope * (n - middle))}


def rank(trends, names):
    """The products by what is expected of them, under the names that people know."""
    with open(names, newline="") as file:
        called = {row["product"]: row["name"] for row in csv.DictReader(file, delimiter=";")}
    ranked = sorted(trends, key=lambda t: (-t["next_cents"], t["product"]))
    return [{"name": called.get(t["product"], t["product"]), **t} for t in ranked]
