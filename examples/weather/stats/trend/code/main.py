"""A moving average of the daily mean temperature, and its change from year to year."""

import csv
import json
from statistics import fmean, linear_regression

with open("../params.json") as file:
    window = json.load(file)["window"]

with open("../parents/clean/days.csv", newline="") as file:
    days = list(csv.DictReader(file))

means = [(float(day["high"]) + float(day["low"])) / 2 for day in days]
half = window // 2

with open("../data/smooth.csv", "w") as file:
    file.write("date,mean\n")
    for at in range(half, len(days) - half):
        file.write(f"{days[at]['date']},{fmean(means[at - half : at + half + 1]):.3f}\n")

years = sorted({int(day["year"]) for day in days})
yearly = [
    fmean(mean for day, mean in zip(days, means, strict=True) if int(day["year"]) == year)
    for year in years
]
slope, _ = linear_regression(years, yearly)

with open("../data/trend.json", "w") as file:
    json.dump(
        {
            "window": window,
            "years": dict(zip(years, (round(mean, 2) for mean in yearly), strict=True)),
            "degrees_per_year": round(slope, 3),
        },
        file,
        indent=1,
    )

print(f"{slope:+.2f} °C a year from {years[0]} to {years[-1]}")
