"""Reads the published table, checks it, and writes one tidy row a day."""

import csv
from datetime import date, timedelta

FIELDS = ["date", "year", "month", "high", "low", "rain", "wind", "sky"]


def tidy(row):
    day = date.fromisoformat(row["date"].replace("/", "-"))
    high, low = float(row["temp_max"]), float(row["temp_min"])
    if high < low:
        raise ValueError(f"{day}: the day's high {high} is below its low {low}")
    return {
        "date": day.isoformat(),
        "year": day.year,
        "month": day.month,
        "high": high,
        "low": low,
        "rain": float(row["precipitation"]),
        "wind": float(row["wind"]),
        "sky": row["weather"].strip().lower(),
    }


def check_no_day_is_missing(days):
    first = date.fromisoformat(days[0]["date"])
    for number, day in enumerate(days):
        expected = (first + timedelta(days=number)).isoformat()
        if day["date"] != expected:
            raise ValueError(f"expected {expected}, found {day['date']}")


with open("../parents/raw/seattle-weather.csv", newline="") as file:
    days = sorted((tidy(row) for row in csv.DictReader(file)), key=lambda day: day["date"])

check_no_day_is_missing(days)

with open("../data/days.csv", "w", newline="") as file:
    writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(days)

print(f"{len(days)} days, {days[0]['date']} to {days[-1]['date']}")
