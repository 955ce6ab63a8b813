"""Puts everything together: one page with a picture, and the picture on its own."""

import csv
import json
from html import escape

from picture import Picture


def read_json(path):
    with open(path) as file:
        return json.load(file)


def read_table(path, **form):
    with open(path, newline="") as file:
        return list(csv.DictReader(file, **form))


def table(head, rows):
    def line(tag, cells):
        return "<tr>" + "".join(f"<{tag}>{escape(str(cell))}</{tag}>" for cell in cells) + "</tr>\n"

    return f"<table>\n{line('th', head)}{''.join(line('td', row) for row in rows)}</table>"


title = read_json("../params.json")["title"]
days = read_table("../parents/clean/days.csv")
months = read_json("../parents/monthly/monthly.json")
extremes = read_json("../parents/extremes/extremes.json")
smooth = read_table("../parents/trend/smooth.csv")
trend = read_json("../parents/trend/trend.json")
rainiest = read_table(
    "../parents/rainiest/rainiest.tsv", fieldnames=["date", "rain", "wind"], delimiter="\t"
)

svg = Picture(days, months, smooth, extremes).svg()
with open("../reports/weather.svg", "w", encoding="utf-8") as file:
    file.write(svg)

dry, wet = extremes["longest_dry"], extremes["longest_wet"]
page = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{escape(title)}</title>
<style>
body {{ font: 15px/1.5 "Helvetica Neue", Arial, sans-serif; color: #1f2933;
       max-width: 62rem; margin: 2rem auto; padding: 0 1rem }}
.tables {{ display: flex; flex-wrap: wrap; gap: 3rem }}
table {{ border-collapse: collapse }}
th, td {{ padding: .2rem .9rem .2rem 0; text-align: left; border-bottom: 1px solid #e4e8ec }}
footer {{ margin-top: 2rem; color: #4a5560; font-size: 13px }}
</style>
<h1>{escape(title)}</h1>
<p>{len(days)} days, {days[0]["date"]} to {days[-1]["date"]}. The mean temperature changed by
{trend["degrees_per_year"]:+.2f} °C a year; four years are weather, not climate.
The longest dry spell lasted {dry["days"]} days (from {dry["from"]}),
the longest wet one {wet["days"]} (from {wet["from"]}).
The curve is a moving average over {trend["window"]} days.</p>
{svg}
<div class="tables">
<section>
<h2>Years</h2>
{table(["year", "mean, °C"], trend["years"].items())}
</section>
<section>
<h2>Rainiest days</h2>
{table(["date", "rain, mm", "wind, m/s"], ([d["date"], d["rain"], d["wind"]] for d in rainiest))}
</section>
</div>
<footer>Data: National Oceanic and Atmospheric Administration (NOAA), public domain.</footer>
</html>
"""
with open("../reports/report.html", "w", encoding="utf-8") as file:
    file.write(page)

print(f"reports/report.html: {len(page)} characters")
