"""Draws the weather as SVG: daily temperatures above, monthly rain below, on one time axis."""

from datetime import date

WIDTH, LEFT, RIGHT = 1000, 46, 16
WARM = (34, 270)  # top and bottom of the temperature panel
WET = (312, 430)  # and of the rain panel

STYLE = """
text { font: 12px "Helvetica Neue", Arial, sans-serif; fill: #4a5560 }
.panel { font-size: 13px; font-weight: 600; fill: #1f2933 }
.year { font-size: 13px; text-anchor: middle }
.tick { text-anchor: end }
.grid { stroke: #e4e8ec }
.edge { stroke: #b8c2cc }
.range { stroke: #f0b27a; stroke-width: .8; opacity: .75; fill: none }
.mean { stroke: #b03a2e; stroke-width: 2.2; stroke-linejoin: round; fill: none }
.rain { fill: #7fb3d5 }
.wettest { fill: #1f618d }
.mark { fill: #fff; stroke: #1f2933; stroke-width: 1.6 }
.note { fill: #1f2933; paint-order: stroke; stroke: #fff; stroke-width: 4px; stroke-linejoin: round }
"""


def signed(degrees, digits):
    return f"{degrees:.{digits}f}°".replace("-", "\N{MINUS SIGN}")


class Picture:
    def __init__(self, days, months, smooth, extremes):
        self.days, self.months, self.smooth, self.extremes = days, months, smooth, extremes
        self.first = date.fromisoformat(days[0]["date"])
        self.length = len(days)
        self.warmest = 10 * (int(max(float(day["high"]) for day in days)) // 10 + 1)
        self.coldest = 10 * (int(min(float(day["low"]) for day in days)) // 10)
        self.wettest = 100 * (int(max(month["rain"] for month in months)) // 100 + 1)
        self.parts = []

    def x(self, day):
        passed = (date.fromisoformat(day) - self.first).days
        return LEFT + (WIDTH - LEFT - RIGHT) * passed / self.length

    def y_warm(self, degrees):
        top, bottom = WARM
        return bottom - (bottom - top) * (degrees - self.coldest) / (self.warmest - self.coldest)

    def y_wet(self, millimetres):
        top, bottom = WET
        return bottom - (bottom - top) * millimetres / self.wettest

    def text(self, kind, x, y, words, anchor="start"):
        self.parts.append(
            f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" style="text-anchor:{anchor}">{words}</text>'
        )

    def line(self, kind, x1, y1, x2, y2):
        self.parts.append(
            f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
        )

    def note(self, x, gap, y, words):
        """Words beside a point, on the side where there is room."""
        if x < WIDTH / 2:
            self.text("note", x + gap, y, words)
        else:
            self.text("note", x - gap, y, words, "end")

    def draw_axes(self):
        for degrees in range(self.coldest, self.warmest + 1, 10):
            y = self.y_warm(degrees)
            self.line("edge" if degrees == 0 else "grid", LEFT, y, WIDTH - RIGHT, y)
            self.text("tick", LEFT - 8, y + 4, signed(degrees, 0), "end")
        for millimetres in range(0, self.wettest + 1, 100):
            y = self.y_wet(millimetres)
            self.line("grid" if millimetres else "edge", LEFT, y, WIDTH - RIGHT, y)
            self.text("tick", LEFT - 8, y + 4, f"{millimetres}", "end")
        for year in sorted({day["year"] for day in self.days}):
            x = self.x(f"{year}-01-01")
            self.line("grid", x, WARM[0], x, WET[1] + 8)
            self.text("year", self.x(f"{year}-07-02"), WET[1] + 20, year, "middle")
        self.text(
            "panel", LEFT, WARM[0] - 14, "Temperature, °C: each day's range, and the moving average"
        )
        self.text("panel", LEFT, WET[0] - 14, "Rain, mm a month")

    def draw_temperatures(self):
        steps = "".join(
            f"M{self.x(day['date']):.1f} {self.y_warm(float(day['low'])):.1f}"
            f"V{self.y_warm(float(day['high'])):.1f}"
            for day in self.days
        )
        self.parts.append(f'<path class="range" d="{steps}"/>')
        points = " ".join(
            f"{self.x(day['date']):.1f},{self.y_warm(float(day['mean'])):.1f}"
            for day in self.smooth
        )
        self.parts.append(f'<polyline class="mean" points="{points}"/>')

    def draw_rain(self):
        most = max(self.months, key=lambda month: month["rain"])
        wide = (WIDTH - LEFT - RIGHT) / len(self.months) - 3
        for month in self.months:
            x, y = self.x(month["month"] + "-01") + 1.5, self.y_wet(month["rain"])
            kind = "wettest" if month is most else "rain"
            self.parts.append(
                f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" '
                f'height="{WET[1] - y:.1f}"/>'
            )
        x, y = self.x(most["month"] + "-01") + wide / 2, self.y_wet(most["rain"])
        self.note(x, -wide / 2, y - 6, f"{most['rain']:.0f} mm in {most['month']}")

    def mark(self, what, name, below=False):
        x, y = self.x(what["date"]), self.y_warm(what["value"])
        self.parts.append(f'<circle class="mark" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>')
        words = f"{name} {signed(what['value'], 1)} on {what['date']}"
        self.note(x, 8, y + (12 if below else -2), words)

    def svg(self):
        self.draw_axes()
        self.draw_temperatures()
        self.draw_rain()
        self.mark(self.extremes["hottest"], "hottest")
        self.mark(self.extremes["coldest"], "coldest", below=True)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {WET[1] + 32}">\n'
            f"<style>{STYLE}</style>\n"
            f'<rect width="{WIDTH}" height="{WET[1] + 32}" fill="#fff"/>\n'
            + "\n".join(self.parts)
            + "\n</svg>\n"
        )
