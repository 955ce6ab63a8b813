"""Mean high and low, rain and rainy days of every month."""

import csv
import json
from itertools import groupby
from statistics import fmean

with open("../parents/clean/days.csv", newline="") as file:
    days = list(csv.DictReader(file))

months = []
for (year, month), group in groupby(days, key=lambda day: (int(day["year"]), int(day["month"]))):
    group = list(group)
    rain = [float(day["rain"]) for day in group]
    months.append(
        {
            "month": f"{year}-{month:02}",
            "high": round(fmean(float(day["high"]) for day in group), 2),
            "low": round(fmean(float(day["low"]) for day in group), 2),
            "rain": round(sum(rain), 1),
            "rainy_days": sum(amount > 0 for amount in rain),
        }
    )

with open("../data/monthly.json", "w") as file:
    json.dump(months, file, indent=1)

print(f"{len(months)} months, the wettest {max(months, key=lambda m: m['rain'])['month']}")
