"""The days and spells one remembers: hottest, coldest, windiest, the longest dry and wet spells."""

import csv
import json
from itertools import groupby

with open("../params.json") as file:
    params = json.load(file)

with open("../parents/clean/days.csv", newline="") as file:
    days = list(csv.DictReader(file))


def extreme_day(field, best=max):
    day = best(days, key=lambda day: float(day[field]))
    return {"date": day["date"], "value": float(day[field])}


def longest_spell(is_dry):
    spells = []
    for dry, group in groupby(days, key=lambda day: float(day["rain"]) < params["dry_below"]):
        group = list(group)
        if dry == is_dry:
            spells.append({"from": group[0]["date"], "to": group[-1]["date"], "days": len(group)})
    return max(spells, key=lambda spell: spell["days"])


extremes = {
    "hottest": extreme_day("high"),
    "coldest": extreme_day("low", min),
    "windiest": extreme_day("wind"),
    "wettest": extreme_day("rain"),
    "longest_dry": longest_spell(is_dry=True),
    "longest_wet": longest_spell(is_dry=False),
}

with open("../data/extremes.json", "w") as file:
    json.dump(extremes, file, indent=1)

for name, what in extremes.items():
    print(f"{name:12}", *what.values())
